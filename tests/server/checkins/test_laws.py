"""The tables follow from the spans alone: any order, splitting and repetition of evidence gives the same."""

import datetime as dt
import random
from collections import defaultdict
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings as config
from server import times
from server.badges import service as badges
from server.checkins import heard as hearing
from server.checkins import rules
from server.checkins import service as checkins
from server.events import service as events
from server.events import signups
from server.fleet import service as fleet
from server.presence import joining
from server.presence.joining import Interval
from tests.server import places

PRESENCE = config.load(environment={}).presence
GAP_MS = 60_000
NOW = places.NOW
OPENS = times.to_ms(NOW) + 3 * 3_600_000
ENDS = OPENS + 3_600_000
GIVEN = OPENS + 40_000  # when the first badge goes from Dora to Ben
EVER = 1 << 62
ZONES = ("cafe-front", "cafe-back")
STEPS = {  # id -> zone, opens, ends; two events at one time, one of two steps
    "night-1": (None, OPENS, ENDS),
    "night-2": (None, ENDS + 600_000, ENDS + 1_800_000),
    "reading-1": ("cafe-back", OPENS + 600_000, ENDS),
}
SIGNED_UP = {("dora", "night"), ("ben", "reading"), ("cleo", "night")}
DWELL_MS = {True: 15_000, False: 90_000}
TURN = times.to_ms(dt.datetime(2026, 3, 14, 4, tzinfo=dt.UTC))  # 05:00 in Berlin
DAYS = {"cafe@2026-03-13": (TURN - 86_400_000, TURN - 1), "cafe@2026-03-14": (TURN, TURN + 86_400_000 - 1)}
# Whose visits to the cafe are remembered, and when: Ben stops and begins again.
REMEMBERED = {
    "dora": [(times.to_ms(NOW), EVER)],
    "ben": [(GIVEN + 30_000, GIVEN + 90_000), (ENDS, TURN + 100_000)],
}


class Reading(NamedTuple):
    """What one agent heard of one badge (both by their places in the world)."""

    badge: int
    agent: int
    from_ms: int
    to_ms: int


class World:
    """The cafe, its two agents, three badges and what they are for; remembers waits as a gateway does."""

    def __init__(self, session: Session) -> None:
        self.session = session
        places.make_members(session)
        places.make_cafe(session)
        places.make_agent(session)
        fleet.enrol(session, agent_id="cafe-rear")
        fleet.place(session, agent_id="cafe-rear", venue_id="cafe", zone_id="cafe-back", since=NOW)
        self.placements = [fleet.placements_of(session, agent_id=agent)[0].id for agent in ("cafe-door", "cafe-rear")]
        self.badges = [
            badges.register(session, identity=places.IDENTITY[:-1] + bytes([place]), since=NOW) for place in range(3)
        ]
        given_at = times.from_ms(GIVEN)
        badges.pair(session, badge_id=self.badges[0], member_id="dora", since=NOW, until=given_at)
        badges.pair(session, badge_id=self.badges[0], member_id="ben", since=given_at)
        badges.pair(session, badge_id=self.badges[1], member_id="dora", since=NOW)
        badges.pair(session, badge_id=self.badges[2], member_id="cleo", since=times.from_ms(OPENS - 1_800_000))
        for event in ("night", "reading"):
            events.create(
                session,
                id=event,
                name=event,
                organizer_id="ana",
                steps=[
                    events.NewStep(
                        name=step,
                        venue_id="cafe",
                        zone_id=zone,
                        opens_at=times.from_ms(opens),
                        starts_at=times.from_ms(opens),
                        ends_at=times.from_ms(ends),
                        id=step,
                    )
                    for step, (zone, opens, ends) in STEPS.items()
                    if step.startswith(event)
                ],
            )
        for member_id, event_id in SIGNED_UP:
            signups.sign_up(session, event_id=event_id, member_id=member_id, now=NOW)
        self.holders = {
            "dora": {0: (times.to_ms(NOW), GIVEN - 1), 1: (times.to_ms(NOW), EVER)},
            "ben": {0: (GIVEN, EVER)},
            "cleo": {2: (OPENS - 1_800_000, EVER)},
        }
        self.forget()

    def forget(self, *, days: bool = False) -> None:
        """As at the beginning: nothing heard, nobody checked in. days: visits are remembered as REMEMBERED says."""
        for table in ("span", "checkin", "refusal", "remembered_venue"):
            self.session.execute(text(f"DELETE FROM {table}"))
        self.remembered = REMEMBERED if days else {}
        for member_id, kept in self.remembered.items():
            for since, ended in kept:
                ended_at = None if ended == EVER else times.from_ms(ended)
                row = {"member": member_id, "since": times.from_ms(since), "ended": ended_at}
                self.session.execute(
                    text(
                        "INSERT INTO remembered_venue (member_id, venue_id, since, ended_at)"
                        " VALUES (:member, 'cafe', :since, :ended)"
                    ),
                    row,
                )
        self.spans: dict[tuple[int, int], list[Interval]] = defaultdict(list)
        self.last_ms: dict[hearing.BadgeAt, int] = {}
        self.answered_ms: dict[hearing.BadgeAt, int] = {}  # what last_ms was when a wait was answered
        self.waits: dict[hearing.BadgeAt, int | None] = {}
        self.asked = 0

    def take(self, batch: list[Reading], patient: bool) -> None:
        """Writes a batch's spans, then asks; patient: only about what may change something, as a gateway does."""
        told: list[hearing.HeardAt] = []
        for reading in batch:
            key = (self.badges[reading.badge], self.placements[reading.agent])
            self.spans[key] = joining.join([*self.spans[key], reading[2:]], GAP_MS)
            at = (key[0], "cafe")
            wait_ms = self.waits.get(at, 0)
            late = reading.from_ms < self.answered_ms.get(at, 0) - rules.SLACK_MS
            if not patient or late or (wait_ms is not None and reading.to_ms >= wait_ms):
                told.append(hearing.HeardAt(*at, *reading[2:]))
            self.last_ms[at] = max(self.last_ms.get(at, 0), reading.to_ms)
        self.session.execute(text("DELETE FROM span"))
        rows = [
            {"badge": badge, "placement": placement, "low": low, "high": high}
            for (badge, placement), spans in self.spans.items()
            for low, high in spans
        ]
        self.session.execute(text("INSERT INTO span VALUES (:badge, :placement, :low, :high)"), rows)
        self.asked += len(told)
        outcome = hearing.check_in_heard(self.session, told, PRESENCE, NOW)
        self.waits |= outcome.waits
        self.waits |= {at: hearing.sooner(self.waits.get(at, 0), wait_ms) for at, wait_ms in outcome.others.items()}
        self.answered_ms |= {at: self.last_ms.get(at, 0) for at in (*outcome.waits, *outcome.others)}

    def tables(self) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """The check-ins (step, member, badge's place, ms) and the refusals (step, member, code, first, last)."""
        came = self.session.execute(
            text("SELECT coalesce(step_id, venue_id || '@' || day), member_id, badge_id, at FROM checkin ORDER BY 1, 2")
        )
        told = self.session.execute(
            text("SELECT step_id, member_id, code, first_at, last_at FROM refusal ORDER BY 1, 2, 3")
        )
        return (
            [(step, member, self.badges.index(badge), times.to_ms(at)) for step, member, badge, at in came],
            [(step, member, code, times.to_ms(first), times.to_ms(last)) for step, member, code, first, last in told],
        )

    def reference(self, readings: list[Reading]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """The same from all readings at once."""
        came: list[tuple[object, ...]] = []
        told: list[tuple[object, ...]] = []
        steps = {**STEPS, **{name: (None, *bounds) for name, bounds in DAYS.items()}}
        for step, (zone, opens, ends) in sorted(steps.items()):
            for member, held in sorted(self.holders.items()):
                if step in DAYS and member not in self.remembered:
                    continue
                kept = self.remembered[member] if step in DAYS else [(0, EVER)]

                def heard(
                    low: int,
                    high: int,
                    zone: str | None = zone,
                    held: dict[int, Interval] = held,
                    kept: list[Interval] = kept,
                ) -> list[tuple[int, Interval]]:
                    return [
                        (badge, part)
                        for badge, hers in held.items()
                        for part in joining.cut(
                            joining.cut(
                                joining.join(
                                    [r[2:] for r in readings if r.badge == badge and zone in (None, ZONES[r.agent])],
                                    GAP_MS,
                                ),
                                [(low, high)],
                            ),
                            joining.cut([hers], kept),
                        )
                    ]

                signed_up = (member, step[:-2]) in SIGNED_UP
                within = heard(opens, ends)
                union = joining.join([part for _, part in within], 0)
                at = joining.moment_reached(union, DWELL_MS[signed_up])
                if at is not None:
                    came.append((step, member, min(b for b, part in within if part[0] <= at <= part[1]), at))
                for code, low, high in (
                    ("ended", ends + 1, ends + 3_600_000),
                    ("not_open_yet", opens - 7_200_000, opens - 1),
                ):
                    parts = [part for _, part in heard(low, high)]
                    if signed_up and parts and not (code == "ended" and at is not None):
                        first, last = min(p[0] for p in parts), max(p[1] for p in parts)
                        told.append((step, member, code, first // 60_000 * 60_000, last // 60_000 * 60_000))
        return came, told


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


# Around what decides: the doors, the handing over, the ends; and anywhere.
moments = st.one_of(
    *(
        st.integers(around - spread, around + spread)
        for around, spread in (
            (OPENS, 150_000),
            (GIVEN, 60_000),
            (OPENS + 600_000, 120_000),
            (ENDS, 200_000),
            (ENDS + 600_000, 100_000),
            (OPENS - 7_200_000, 100_000),
            (TURN, 150_000),
        )
    ),
    st.integers(OPENS - 9_000_000, ENDS + 8_000_000),
).map(lambda ms: ms // 500 * 500)
evenings = st.lists(
    st.builds(
        lambda badge, agent, from_ms, length: Reading(badge, agent, from_ms, from_ms + length),
        st.integers(0, 2),
        st.integers(0, 1),
        moments,
        st.sampled_from([0, 500, 2_000, 10_000, 30_000, 100_000]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(evenings, st.randoms(use_true_random=False), st.booleans(), st.booleans(), st.booleans())
def test_any_order_splitting_and_repetition_gives_what_the_spans_say(
    world: World, readings: list[Reading], chance: random.Random, in_order: bool, patient: bool, days: bool
) -> None:
    world.forget(days=days)
    left = [*readings, *chance.sample(readings, len(readings) // 3)]
    chance.shuffle(left)
    if in_order:
        left.sort(key=lambda reading: reading.to_ms)
    so_far: list[Reading] = []
    while left:
        size = chance.choice([1, 1, 2, 5, 30])
        world.take(left[:size], patient)
        so_far += left[:size]
        del left[:size]
        assert world.tables() == world.reference(so_far)


@pytest.mark.parametrize("days", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_an_evening_of_windows_asks_seldom_and_misses_nothing(world: World, seed: int, days: bool) -> None:
    """Every four seconds a reading of each badge by one agent or the other; only what may matter is asked about."""
    world.forget(days=days)
    chance = random.Random(seed)
    readings: list[Reading] = []
    for badge in range(3):
        silent_until, agent = OPENS - chance.randrange(0, 800_000), chance.randrange(2)
        for from_ms in range(OPENS - 600_000, OPENS + 1_800_000, 4_000):
            if from_ms < silent_until:
                continue
            if chance.random() < 0.008:
                silent_until = from_ms + chance.choice([70_000, 400_000, 900_000])
            if chance.random() < 0.02:
                agent = 1 - agent
            readings.append(Reading(badge, agent, from_ms + 200, from_ms + 3_800))
    readings.sort(key=lambda reading: (reading.from_ms // 8_000, chance.random()))
    for start in range(0, len(readings), 4):
        world.take(readings[start : start + 4], patient=True)
        if start % 40 == 0:
            assert world.tables() == world.reference(readings[: start + 4])
    assert world.tables() == world.reference(readings)
    assert len(world.tables()[0]) >= 3
    assert world.asked < len(readings) / 5


def test_evidence_from_before_an_undoing_never_checks_in_again_in_any_order(world: World) -> None:
    world.take([Reading(1, 0, OPENS + 100_000, OPENS + 130_000)], patient=False)
    checkin_id = world.session.scalar(text("SELECT id FROM checkin"))
    undone = OPENS + 300_000
    checkins.undo(world.session, checkin_id=checkin_id, now=times.from_ms(undone), by="ana")
    after = [Reading(1, 0, undone - 30_000, undone + 8_000), Reading(1, 0, undone + 20_000, undone + 22_000)]
    for order in (after, after[::-1]):
        with world.session.begin_nested() as once:
            world.waits.clear()
            world.take([Reading(1, 0, OPENS, OPENS + 90_000)], patient=True)
            for reading in order:
                world.take([reading], patient=True)
            rows = world.session.execute(text("SELECT at FROM checkin WHERE undone_at IS NULL")).scalars().all()
            assert rows == [times.from_ms(undone + 1 + 15_000)]
            once.rollback()
        world.spans.clear()
        world.spans[world.badges[1], world.placements[0]] = [(OPENS + 100_000, OPENS + 130_000)]


def test_waits_say_when_it_may_matter_again(world: World) -> None:
    def wait(badge: int, from_ms: int, to_ms: int, agent: int = 0) -> int | None:
        world.take([Reading(badge, agent, from_ms, to_ms)], patient=False)
        return world.waits[world.badges[badge], "cafe"]

    hour = dt.timedelta(hours=1) // dt.timedelta(milliseconds=1)
    assert wait(0, OPENS - 3 * hour + 1000, OPENS - 3 * hour + 2000) == OPENS - 2 * hour
    # Dora signed up: she is told once a minute that it is closed.
    assert wait(1, OPENS - 90_000, OPENS - 88_000) == (OPENS - 90_000) // 60_000 * 60_000 + 60_000
    # Two of fifteen seconds are heard, and what is not late yet may add those between 2 and 10.
    assert wait(1, OPENS + 10_000, OPENS + 12_000) == OPENS + 12_000 + 13_000 - 8_000
    # Checked in; what comes next is to be told that the second step has not opened yet.
    assert wait(1, OPENS + 14_000, OPENS + 26_000) == OPENS + 60_000
    world.session.execute(text("DELETE FROM step WHERE id = 'night-2'"))
    later = times.from_ms(OPENS + 3 * hour)
    step = events.NewStep(
        name="Later", venue_id="cafe", opens_at=later, starts_at=later, ends_at=later + dt.timedelta(hours=1)
    )
    events.create(world.session, id="later", name="Later", organizer_id="ana", steps=[step])
    assert wait(1, OPENS + 26_000, OPENS + 28_000) == OPENS + 600_000 + 90_000  # the reading, as a walk-in
    world.session.execute(text("DELETE FROM step WHERE id = 'reading-1'"))
    assert wait(1, OPENS + 26_000, OPENS + 28_000) == OPENS + hour
    world.session.execute(text("DELETE FROM pairing"))
    assert wait(1, OPENS + 28_000, OPENS + 30_000) is None
