"""Whatever news come and however time passes, what viewers have is what a drawing from nothing gives."""

import json
from typing import Any, NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from config import settings
from server import times
from server.consent import rules
from server.consent.reading import Eyes, Holding
from server.consent.rules import EVER_MS as EVER
from server.consent.rules import Level, Window
from server.live import news
from server.live.watch import Seat, View, Watch
from server.presence import ears, rule, schema, service, states
from server.presence.ears import Beacon, Placed
from server.presence.intervals import EVER_MS
from server.presence.service import Record, VenueFacts, ZoneFacts
from server.presence.states import Heard, Kind

RULE = rule.make(settings.load(environment={}).presence, 300)
AGENTS = ("bar-pi", "hall-pi")
FACTS = VenueFacts(
    id="cafe",
    name="Café",
    time_zone="Europe/Paris",
    simulated=False,
    replayed=False,
    location=None,
    zones=(ZoneFacts("bar", "Bar", 0, None), ZoneFacts("hall", "Hall", 0, None)),
    agent_locations=dict.fromkeys(AGENTS),
    rule=RULE,
)
START = 2_000_000_000_000
S = 1000


def windows(*parts: tuple[int, Level]) -> rules.Windows:
    """Each level until so many seconds after START, the last one for ever."""
    ends = [START + seconds * S for seconds, _ in parts[:-1]]
    return tuple(
        Window(low, high, level) for low, high, (_, level) in zip([0, *ends], [*ends, EVER], parts, strict=True)
    )


def held(seen: rules.Windows, organizer: rules.Windows = rules.HIDDEN, until_s: int | None = None) -> Holding:
    end = EVER if until_s is None else START + until_s * S
    return Holding(0, end, "somebody", "Some Body", seen, {"party": organizer})


# Nobody's; somebody who hides, but not from the party's organizer, for a time; whose name is seen for a time; who gave
# it back to somebody who is hidden.
HELD = {
    1: (),
    2: (held(rules.HIDDEN, windows((100, Level.NAME), (300, Level.COUNTED), (0, Level.HIDDEN))),),
    3: (held(windows((90, Level.NAME), (400, Level.HIDDEN), (0, Level.COUNTED))),),
    4: (held(rules.COUNTED, until_s=50), held(rules.HIDDEN)._replace(from_ms=START + 50 * S)),
}
EYES = (Eyes(), Eyes(keeps=True), Eyes(events=("party",)), Eyes(keeps=True, events=("party",)))


class Wait(NamedTuple):
    """Time passes."""

    seconds: int


class Hear(NamedTuple):
    """News of a badge: how long before now it was heard last, and whether that is a new visit."""

    badge_id: int
    ago_s: int
    zone: str
    anew: bool


class Listen(NamedTuple):
    """News of coverage, as long before now: on from the run before, after a hole, or into an old one."""

    agent: str
    from_ago_s: int
    to_ago_s: int


class Beam(NamedTuple):
    """News of an agent that heard the other's beacon until now."""

    agent: str
    for_s: int


zones = st.sampled_from(["bar", "hall"])
agents = st.sampled_from(AGENTS)
steps = st.lists(
    st.one_of(
        st.builds(Wait, st.sampled_from([1, 2, 9, 10, 11, 29, 31, 90, 290, 310, 700])),
        st.builds(Hear, st.integers(1, 4), st.sampled_from([0, 1, 9, 11, 40, 41]), zones, st.booleans()),
        st.builds(Listen, agents, st.sampled_from([2, 12, 100, 400, 1000]), st.sampled_from([0, 0, 0, 2, 60, 300])),
        st.builds(Beam, agents, st.sampled_from([2, 60, 400])),
        st.just("all listen"),
    ),
    max_size=25,
)


class Browser:
    """A viewer that keeps what it was told, as a page does."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.badges: dict[int, Any] = {}
        self.rest: dict[str, Any] = {}
        self.resync()

    def push(self, event: bytes) -> None:
        self._take(json.loads(event.split(b"\ndata: ")[1])["topics"]["venue/cafe"])

    def resync(self) -> None:
        self.badges, self.rest = {}, {}
        self._take(json.loads(self._view.encoded()))

    def _take(self, topic: dict[str, Any]) -> None:
        for badge in topic.pop("badges", []):
            self.badges[badge["id"]] = badge
        for key in ("zones", "agents"):
            entries = {entry["id"]: entry for entry in topic.pop(key, [])}
            self.rest[key] = self.rest.get(key, {}) | entries
        self.rest |= topic


class Scene:
    """A watched venue, its news and its clock."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        placed = {"bar-pi": "bar", "hall-pi": "hall"}
        known = {
            agent: ears.make(
                agent,
                (Placed(placed[agent], 0, EVER_MS),),
                [(START - 3000 * S, START)],
                [Beacon(other, 0, [(START - 900 * S, START - 2 * S)])],
                learn_ms=RULE.beacon_learn_ms,
            )
            for agent, other in (AGENTS, AGENTS[::-1])
        }
        here = {badge_id: Heard(badge_id, START - 800 * S, START, ((START - 800 * S, "bar"),)) for badge_id in (1, 2)}
        self.now_ms = START
        self.watch = Watch("venue/cafe")
        self.watch.loaded(Record(1, FACTS, here, known, {2: 60 * S}, held=dict(HELD)))
        self.view = View("venue/cafe", self._draw())
        self.browser = Browser(self.view)
        self.view.viewers.add(self.browser)

    @property
    def record(self) -> Record:
        assert isinstance(self.watch.record, Record)
        return self.watch.record

    def _draw(self) -> dict[str, Any]:
        now = times.from_ms(self.now_ms)
        picture = self.watch.picture(now)
        assert picture is not None
        return self.watch.draw(Seat(self._eyes), now, {"cafe": picture})

    def show(self) -> dict[str, Any]:
        seen = self._draw()
        self.view.show(seen, times.from_ms(self.now_ms))
        return seen

    def do(self, step: object) -> None:
        now_ms = self.now_ms
        if isinstance(step, Wait):
            self.now_ms += step.seconds * S
        elif isinstance(step, Hear):
            self._hear(step)
        elif isinstance(step, Listen):
            self._tell([], [(step.agent, (now_ms - step.from_ago_s * S, now_ms - step.to_ago_s * S))])
        elif isinstance(step, Beam):
            other = AGENTS[step.agent == AGENTS[0]]
            self._tell([], [], ((step.agent, other, (now_ms - step.for_s * S, now_ms)),))
        else:
            newest = {agent: self.record.ears[agent].listened[-1][0] for agent in AGENTS}
            both = [(agent, (newest[agent], now_ms)) for agent in AGENTS]
            beamed = ((agent, other, (START - 900 * S, now_ms)) for agent, other in (AGENTS, AGENTS[::-1]))
            self._tell([], both, tuple(beamed))

    def _hear(self, step: Hear) -> None:
        last_ms, before = self.now_ms - step.ago_s * S, self.record.heard.get(step.badge_id)
        if before is None or step.anew:
            self._tell([Heard(step.badge_id, last_ms, last_ms, ((last_ms, step.zone),))], [])
        else:
            stays = () if before.zone_id == step.zone else ((last_ms, step.zone),)
            last_ms = max(last_ms, before.last_heard_ms)
            self._tell([Heard(step.badge_id, before.arrived_ms, last_ms, stays or before.stays[-1:])], [])

    def _tell(
        self,
        badges: list[Heard],
        coverage: list[tuple[str, tuple[int, int]]],
        beacons: tuple[tuple[str, str, tuple[int, int]], ...] = (),
    ) -> None:
        told = [run for run in coverage if run[1][0] < run[1][1]]
        assert self.watch.take(news.News(self.watch.rev + 1, badges, told, beacons))


def shown_to(eyes: Eyes, heard: Heard, now_ms: int) -> Level:
    """What these eyes see of a badge, said in another way."""
    mine = [one for one in HELD[heard.badge_id] if one.from_ms <= heard.last_heard_ms < one.to_ms]
    if not mine:
        return Level.COUNTED
    of_venue = next(window.level for window in mine[0].venue if window.from_ms <= now_ms < window.to_ms)
    of_event = next(window.level for window in mine[0].events["party"] if window.from_ms <= now_ms < window.to_ms)
    if eyes.keeps and of_venue is Level.NAME:
        return Level.NAME
    seen = of_venue is not Level.HIDDEN or (bool(eyes.events) and of_event is not Level.HIDDEN)
    return Level.COUNTED if seen else Level.HIDDEN


def drawn_from_nothing(record: Record, now_ms: int, eyes: Eyes) -> dict[str, Any]:
    """The venue topic by the states of who is shown alone: nothing remembered, no object used again."""
    own = list(record.ears.values())
    levels = {badge_id: shown_to(eyes, heard, now_ms) for badge_id, heard in record.heard.items()}
    everybody = {key: heard for key, heard in record.heard.items() if levels[key] is not Level.HIDDEN}
    seen = states.picture(everybody.values(), own, ["bar", "hall"], now_ms, RULE, record.rhythms)

    def rfc3339(ms: int | None) -> str | None:
        return None if ms is None else schema.rfc3339(times.from_ms(ms))

    return {
        "zones": [
            {
                "id": zone.id,
                "name": zone.name,
                "level": 0,
                "area": None,
                "count": seen.zones[zone.id].here,
                "state": seen.zones[zone.id].kind.value,
                "since": rfc3339(seen.zones[zone.id].since_ms),
            }
            for zone in FACTS.zones
        ],
        "agents": [
            {
                "id": agent,
                "zone": state.zone_id,
                "location": None,
                "state": state.kind.value,
                "since": rfc3339(state.since_ms),
                "unheard": [missed.beacon_agent_id for missed in seen.unheard.get(agent, ())],
            }
            for agent, state in sorted(seen.agents.items())
        ],
        "badges": [
            {
                "id": badge_id,
                "zone": everybody[badge_id].zone_id,
                "state": state.kind.value,
                "since": rfc3339(everybody[badge_id].arrived_ms),
                "last_heard": rfc3339(everybody[badge_id].last_heard_ms),
                "state_since": rfc3339(state.since_ms),
            }
            for badge_id, state in sorted(seen.badges.items())
            if not is_faded(state, now_ms)
        ],
        "names": {
            str(badge_id): "Some Body"
            for badge_id, state in seen.badges.items()
            if levels[badge_id] is Level.NAME and not is_faded(state, now_ms)
        },
    }


def is_faded(state: states.State, now_ms: int) -> bool:
    return state.kind is Kind.LEFT and state.since_ms < now_ms - service.LEFT_SHOWN_MS


def without_last_count(topic: dict[str, Any]) -> dict[str, Any]:
    """How many there were when a zone's agents fell silent is counted anew once a minute, so it may be older."""
    zones = [{key: value for key, value in zone.items() if key != "last_count"} for zone in topic["zones"]]
    return {"zones": zones, "agents": topic["agents"], "badges": topic["badges"], "names": topic["names"]}


@given(steps, st.sampled_from(EYES))
@example([Wait(700), "all listen", Wait(700), "all listen", Hear(1, 0, "hall", True)], EYES[0])  # faded, and back again
@example([Hear(3, 0, "hall", True), Wait(90), "all listen", Wait(310), "all listen"], EYES[1])  # name, nothing, number
@example([Hear(3, 1, "bar", False), Wait(90), Listen("bar-pi", 100, 0)], EYES[0])  # somebody hidden, heard before
def test_a_venue_in_memory_is_drawn_as_from_nothing_and_so_is_what_viewers_have(
    taken: list[object], eyes: Eyes
) -> None:
    scene = Scene(eyes)
    for step in taken:
        scene.do(step)
        seen = scene.show()
        wanted = drawn_from_nothing(scene.record, scene.now_ms, eyes)
        assert without_last_count(seen) == wanted
        browser = scene.browser
        assert browser.rest["agents"] == {agent["id"]: agent for agent in seen["agents"]}
        assert browser.rest["zones"] == {zone["id"]: zone for zone in seen["zones"]}
        assert {key: badge for key, badge in browser.badges.items() if badge["state"] != "left"} == {
            badge["id"]: badge for badge in wanted["badges"] if badge["state"] != "left"
        }
