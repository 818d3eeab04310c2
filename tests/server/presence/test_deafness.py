"""Who was deaf in fact: to the millisecond, against the definition word by word, and in a real recording."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import settings
from server.presence import deafness, ears, intervals, listening, rule, states
from server.presence.deafness import Unheard
from server.presence.ears import Beacon, Ear, Placed
from server.presence.intervals import EVER_MS, Interval
from server.presence.listening import AgentKind
from server.presence.states import Heard, Kind, ZoneKind
from tests.server.presence import summit
from tests.server.presence.test_states_laws import RULE as SMALL

RULE = rule.make(settings.load(environment={}).presence, 300)
MIN = 60_000
T = 1_000_000_000
HOUR = 60 * MIN


def ear(
    agent_id: str,
    listened: Interval | list[Interval],
    *beacons: tuple[str, list[Interval]],
    zone: str = "hall",
    learn_ms: int = RULE.beacon_learn_ms,
) -> Ear:
    runs = listened if isinstance(listened, list) else [listened]
    heard = [Beacon(of, 0, found) for of, found in beacons]
    return ears.make(agent_id, [Placed(zone, 0, EVER_MS)], runs, heard, learn_ms=learn_ms)


def deaf(*agents: Ear, of: str = "door", until: int = T + HOUR) -> list[Interval]:
    return deafness.find({each.agent_id: each for each in agents}, of, 0, until, RULE)


def test_an_agent_that_lost_its_own_beacon_is_deaf_from_the_last_hearing_on() -> None:
    door = ear("door", (T, T + HOUR), ("door", [(T, T + 10 * MIN)]))
    assert deaf(door) == [(T + 10 * MIN, T + HOUR)]


def test_it_listens_again_once_it_hears_the_beacon_again() -> None:
    door = ear("door", (T, T + HOUR), ("door", [(T, T + 10 * MIN), (T + 30 * MIN, T + HOUR)]))
    assert deaf(door) == [(T + 10 * MIN, T + 30 * MIN)]


def test_a_stalled_scan_did_not_listen_from_the_last_packet_on() -> None:
    """It says so itself only after deaf_after_s, when the windows of that time are published as listened to."""
    agent = settings.load(environment={}).agent
    stalled, back = T + 10 * MIN, T + 20 * MIN
    noticed = stalled + round((agent.deaf_after_s - agent.window_s) * 1000)  # the window in which it is says `deaf`
    door = ear("door", [(T, noticed), (back, T + HOUR)], ("door", [(T, stalled), (back, T + HOUR)]))
    assert deaf(door) == [(stalled, noticed)]


def test_missing_a_beacon_for_no_longer_than_the_bound_is_nothing() -> None:
    silence_ms = RULE.beacon_gap_ms
    for more, expected in ((0, []), (1, [(T + 10 * MIN, T + 10 * MIN + silence_ms + 1)])):
        back = T + 10 * MIN + silence_ms + more
        assert deaf(ear("door", (T, T + HOUR), ("door", [(T, T + 10 * MIN), (back, T + HOUR)]))) == expected


def test_a_beacon_that_was_never_heard_steadily_proves_nothing() -> None:
    barely = RULE.beacon_learn_ms - 1
    assert deaf(ear("door", (T, T + HOUR), ("door", [(T, T + barely)]))) == []
    assert deaf(ear("door", (T, T + HOUR), ("door", [(T, T + barely + 1)]))) == [(T + barely + 1, T + HOUR)]
    now_and_then = [(T + minute * MIN, T + minute * MIN + 2_000) for minute in range(0, 60, 2)]
    assert deaf(ear("door", (T, T + HOUR), ("door", now_and_then))) == []
    assert deaf(ear("door", (T, T + HOUR))) == []


def test_the_time_before_a_beacon_was_first_heard_was_listened_to() -> None:
    door = ear("door", (T, T + HOUR), ("door", [(T + 30 * MIN, T + HOUR)]))
    assert deaf(door) == []


def test_hearing_a_neighbours_beacon_is_enough() -> None:
    door = ear("door", (T, T + HOUR), ("door", [(T, T + 10 * MIN)]), ("stage", [(T, T + 40 * MIN)]))
    stage = ear("stage", (T, T + HOUR))
    assert deaf(door, stage) == [(T + 40 * MIN, T + HOUR)]


def test_a_neighbour_that_is_switched_off_is_silent_for_everybody() -> None:
    door = ear("door", (T, T + HOUR), ("stage", [(T, T + 10 * MIN)]))
    assert deaf(door, ear("stage", (T, T + 10 * MIN + 2_000))) == []
    assert deaf(door, ear("stage", (T, T + HOUR))) == [(T + 10 * MIN, T + HOUR)]
    back = ear("stage", [(T, T + 10 * MIN), (T + 30 * MIN, T + HOUR)])
    assert deaf(door, back) == [(T + 30 * MIN, T + HOUR)]


def test_a_neighbour_that_has_moved_away_or_lost_its_beacon_is_not_expected() -> None:
    door = ear("door", (T, T + HOUR), ("stage", [(T, T + 10 * MIN)]))
    stage = ear("stage", (T, T + HOUR))
    assert deaf(door, stage._replace(placed=(Placed("hall", 0, T + 10 * MIN),))) == []
    assert deaf(door, stage._replace(shown=[(0, T + 10 * MIN)])) == []
    assert deaf(door) == []  # it stands nowhere here


def test_what_was_known_at_another_place_is_not_known_here() -> None:
    door = ear("door", (T, T + HOUR), ("door", [(T, T + 10 * MIN)]))
    moved = door._replace(placed=(Placed("hall", 0, T + 20 * MIN), Placed("bar", T + 20 * MIN, EVER_MS)))
    assert deaf(moved) == [(T + 10 * MIN, T + 20 * MIN)]


def test_time_in_which_the_agent_itself_did_not_listen_is_not_counted_against_it() -> None:
    back = T + 40 * MIN
    heard = [(T, T + 10 * MIN), (back + 5_000, T + HOUR)]
    door = ear("door", [(T, T + 10 * MIN), (back, T + HOUR)], ("door", heard))
    assert deaf(door) == []


def test_a_deaf_agent_makes_unknown_what_it_would_have_told_and_says_why() -> None:
    door = ear("door", (T, T + HOUR), ("door", [(T, T + 10 * MIN)]))
    stage = ear("stage", (T, T + HOUR), ("stage", [(T, T + HOUR)]), zone="stage")
    badge = Heard(1, T, T + 12 * MIN, ((T, "hall"),))
    now = T + 20 * MIN
    seen = states.picture([badge], [door, stage], ["hall", "stage"], now, RULE)
    # The stage, which heard it last, vouches for it for one rhythm; then nobody can.
    assert seen.badges[1] == (Kind.UNKNOWN, T + 12 * MIN + RULE.away_after_ms)
    assert seen.agents["door"] == ("hall", AgentKind.DEAF, T + 10 * MIN)
    assert seen.agents["stage"] == ("stage", AgentKind.LISTENING, T)
    assert seen.zones["hall"] == (ZoneKind.UNKNOWN, T + 10 * MIN, 0, 1)
    assert seen.zones["stage"].kind is ZoneKind.COVERED
    assert seen.unheard == {"door": (Unheard("door", T + 10 * MIN),)}
    all_well = states.picture([badge], [ear("door", (T, T + HOUR)), stage], ["hall", "stage"], now, RULE)
    assert all_well.badges[1].kind is Kind.LEFT
    assert all_well.unheard == {}


def test_an_agent_deaf_for_an_hour_is_given_up_and_still_says_why() -> None:
    door = ear("door", (T, T + 3 * HOUR), ("door", [(T, T + 10 * MIN)]))
    stage = ear("stage", (T, T + 3 * HOUR), zone="stage")
    for from_ms in (0, T + 2 * HOUR, T + 2 * HOUR + 11 * MIN):
        found = listening.reckon([door, stage], T + 2 * HOUR + 11 * MIN, RULE, from_ms)
        assert found.agents["door"] == ("hall", AgentKind.GIVEN_UP, T + 10 * MIN)
        assert found.unheard["door"] == (Unheard("door", T + 10 * MIN),)
    badge = Heard(1, T, T + 12 * MIN, ())
    seen = states.picture([badge], [door, stage], ["hall"], T + 2 * HOUR, RULE)
    assert seen.badges[1].kind is Kind.LEFT
    assert seen.zones["hall"].kind is ZoneKind.NOT_COVERED


def test_an_agent_that_hears_its_beacon_again_listens_since_then() -> None:
    door = ear("door", (T, T + HOUR), ("door", [(T, T + 10 * MIN), (T + 30 * MIN, T + HOUR)]))
    found = listening.reckon([door], T + 40 * MIN, RULE, T + 39 * MIN)
    assert found.agents["door"] == ("hall", AgentKind.LISTENING, T + 30 * MIN)


moments = st.integers(0, 60)
some = st.lists(st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair))), max_size=4)


def read_word_by_word(agents: dict[str, Ear], agent_id: str, until: int) -> set[int]:
    """The definition, moment by moment: slow, and written without the code it judges."""
    own = agents[agent_id]
    missed: set[int] = set()
    evidence: set[int] = set()
    for beacon in own.beacons:
        steady = [start for start, end in beacon.runs if end - start >= SMALL.beacon_learn_ms]
        if not steady:
            continue
        heard = {at for start, end in beacon.runs for at in range(start, end)}
        evidence |= heard
        on = {at for start, end in agents[beacon.agent_id].listened for at in range(start, end)}
        listened = {at for start, end in own.listened for at in range(start, end)}
        silences = itertools.groupby(range(steady[0], until), key=lambda at: at in heard)
        for _, silence in ((is_heard, list(group)) for is_heard, group in silences if not is_heard):
            chances = set(silence) & on & listened
            (missed if len(chances) > SMALL.beacon_gap_ms else evidence).update(chances)
    return missed - evidence


@given(some, some, some, some, moments, moments)
def test_deafness_is_what_its_definition_says(
    own: list[Interval], others: list[Interval], own_heard: list[Interval], heard: list[Interval], low: int, until: int
) -> None:
    agents = {
        "door": ear("door", own, ("door", own_heard), ("stage", heard), learn_ms=SMALL.beacon_learn_ms),
        "stage": ear("stage", others),
    }
    expected = read_word_by_word(agents, "door", until)
    found = deafness.find(agents, "door", 0, until, SMALL)
    assert {at for start, end in found for at in range(start, end)} == expected
    assert deafness.find(agents, "door", low, until, SMALL) == intervals.cut(found, low, until)


@given(some, st.permutations(range(4)))
def test_it_does_not_matter_in_which_order_hearings_come(heard: list[Interval], order: list[int]) -> None:
    learn_ms = SMALL.beacon_learn_ms
    at_once = ear("door", (0, 60), ("door", heard), learn_ms=learn_ms)
    grown = ear("door", (0, 60))
    for place in [*order, *order]:
        if place < len(heard):
            grown = ears.hear_beacon(grown, "door", heard[place], learn_ms)
    assert [beacon for beacon in grown.beacons if beacon.runs] == [beacon for beacon in at_once.beacons if beacon.runs]


CUT_AFTER_MS, CUT_MS = 6 * MIN, 4 * MIN


def test_cutting_the_heartbeats_of_one_scanner_makes_it_deaf_there_and_nobody_else(
    shared_data: Path, show: Callable[[str], None]
) -> None:
    recording = summit.read(shared_data, summit.FOUR)
    begin, end = recording.whole
    cut = (begin + CUT_AFTER_MS, begin + CUT_AFTER_MS + CUT_MS)
    untouched = summit.ears_of(recording)
    assert [deafness.find(untouched, each, 0, end, RULE) for each in recording.scanners] == [[]] * 4
    lines = []
    for scanner in recording.scanners:
        agents = summit.ears_of(recording, {scanner: cut})
        reckoning = listening.reckon(agents.values(), end, RULE)
        for other in recording.scanners:
            lost = intervals.without([(begin, end)], reckoning.ears[other])
            if other != scanner:
                assert lost == []
                continue
            (found,) = lost
            # From its last heartbeat before the cut to its first after it.
            assert cut[0] - 1_000 <= found[0] < cut[0]
            assert cut[1] <= found[1] < cut[1] + 1_000
            lines.append(f"{scanner}: {(found[1] - found[0]) / 1000:.1f} s not listened, of {CUT_MS // 1000} s cut out")
        assert intervals.without([(begin, end)], reckoning.runs) == [found]
        during = listening.reckon(agents.values(), cut[1] - 1_000, RULE)
        assert during.agents[scanner].kind is AgentKind.DEAF
        assert {during.agents[each].kind for each in recording.scanners if each != scanner} == {AgentKind.LISTENING}
    show("heartbeats cut out of 03-07\n" + "\n".join(lines))


@pytest.mark.parametrize("name", ["heard_gap_ms", "beacon_gap_ms"])
def test_no_deaf_agent_lets_anybody_leave(name: str) -> None:
    assert getattr(RULE, name) < RULE.join_gap_ms
    quick = rule.make(settings.load(environment={}).presence, 61)
    assert getattr(quick, name) < quick.join_gap_ms
    assert dataclasses.replace(quick, join_gap_ms=RULE.join_gap_ms, beacon_gap_ms=0, rhythm_max_ms=0) == (
        dataclasses.replace(RULE, beacon_gap_ms=0, rhythm_max_ms=0)
    )
