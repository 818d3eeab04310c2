"""The states of badges, agents and zones, to the millisecond."""

import itertools

import pytest

from config import settings
from server.presence import ears, listening, rule, states
from server.presence.ears import Ear, Placed
from server.presence.intervals import EVER_MS
from server.presence.listening import AgentKind
from server.presence.rule import Rule
from server.presence.states import Heard, Kind, State, ZoneKind

RULE = Rule(
    away_after_ms=30_000,
    given_up_after_ms=3_600_000,
    unjudged_ms=10_000,
    join_gap_ms=300_000,
    rhythm_max_ms=240_000,
    beacon_learn_ms=300_000,
    beacon_gap_ms=80_000,
    heard_gap_ms=60_000,
    slot_ms=5_000,
)
T = 1_000_000_000  # the moment when the badge was heard last
ARRIVED = T - 600_000


def ear(agent_id: str, *listened: tuple[int, int], zone: str = "hall", placed: tuple[int, int] | None = None) -> Ear:
    start, end = placed or (0, EVER_MS)
    return ears.make(agent_id, (Placed(zone, start, end),), listened)


def judge(judged_ms: int, *agents: Ear, last_heard_ms: int = T) -> State:
    return states.state(ARRIVED, last_heard_ms, listening.reckon(agents, judged_ms, RULE), RULE)


def always(agent_id: str = "door") -> Ear:
    return ear(agent_id, (T - 10_000_000, T + 10_000_000))


def test_the_rule_comes_from_the_settings_and_the_venue() -> None:
    assert rule.make(settings.load(environment={}).presence, 300) == RULE


@pytest.mark.parametrize(
    ("silent_ms", "expected"),
    [
        (-1, State(Kind.PRESENT, ARRIVED)),
        (0, State(Kind.PRESENT, ARRIVED)),
        (30_000, State(Kind.PRESENT, ARRIVED)),
        (30_001, State(Kind.AWAY, T)),
        (299_999, State(Kind.AWAY, T)),
        (300_000, State(Kind.LEFT, T + 300_000)),
        (9_000_000, State(Kind.LEFT, T + 300_000)),
    ],
)
def test_a_silent_badge_is_present_then_away_then_left_while_everybody_listens(silent_ms: int, expected: State) -> None:
    assert judge(T + silent_ms, always(), always("back")) == expected


def test_the_newest_ten_seconds_are_not_judged() -> None:
    badge = Heard(1, ARRIVED, T, ((ARRIVED, "hall"),))
    at_30_s = states.picture([badge], [always()], ["hall"], T + 40_000, RULE)
    later = states.picture([badge], [always()], ["hall"], T + 40_001, RULE)
    assert at_30_s.badges[1].kind is Kind.PRESENT
    assert later.badges[1] == State(Kind.AWAY, T)


def test_a_badge_is_unknown_as_soon_as_its_only_agent_falls_silent() -> None:
    killed = ear("door", (ARRIVED, T + 2_000))
    assert judge(T + 2_000, killed) == State(Kind.PRESENT, ARRIVED)
    assert judge(T + 2_001, killed) == State(Kind.UNKNOWN, T + 2_000)
    assert judge(T + 3_000_000, killed) == State(Kind.UNKNOWN, T + 2_000)


def test_a_badge_that_was_away_is_unknown_since_the_agent_fell_silent_not_since_it_did() -> None:
    assert judge(T + 200_000, ear("door", (ARRIVED, T + 100_000))) == State(Kind.UNKNOWN, T + 100_000)


def test_one_silent_agent_among_several_makes_a_silent_badge_unknown() -> None:
    killed = ear("back", (ARRIVED, T + 5_000))
    assert judge(T + 5_001, always(), killed) == State(Kind.UNKNOWN, T + 5_000)


def test_a_badge_still_heard_by_the_others_stays_present_one_rhythm_long() -> None:
    dead_before = ear("back", (ARRIVED, T - 60_000))
    assert judge(T + 30_000, always(), dead_before) == State(Kind.PRESENT, ARRIVED)
    assert judge(T + 30_001, always(), dead_before) == State(Kind.UNKNOWN, T + 30_000)
    also_stops = ear("door", (ARRIVED, T + 4_000))
    assert judge(T + 4_001, also_stops, dead_before) == State(Kind.UNKNOWN, T + 4_000)


def test_after_a_hole_a_badge_stays_unknown_until_a_rhythm_was_listened_to() -> None:
    restarted = ear("door", (ARRIVED, T + 1_000), (T + 61_000, T + 1_000_000))
    assert judge(T + 61_000, restarted) == State(Kind.UNKNOWN, T + 1_000)
    assert judge(T + 91_000, restarted) == State(Kind.UNKNOWN, T + 1_000)
    assert judge(T + 91_001, restarted) == State(Kind.AWAY, T + 61_000)
    assert judge(T + 361_000 - 1, restarted) == State(Kind.AWAY, T + 61_000)
    assert judge(T + 361_000, restarted) == State(Kind.LEFT, T + 361_000)


def test_a_short_return_of_the_agent_does_not_move_the_moment_since_when_it_is_unknown() -> None:
    flaky = ear("door", (ARRIVED, T + 1_000), (T + 20_000, T + 50_000), (T + 60_000, T + 62_000))
    assert judge(T + 70_000, flaky) == State(Kind.UNKNOWN, T + 1_000)


def test_windows_that_touch_leave_no_hole() -> None:
    windows = [(start, start + 2_000) for start in range(ARRIVED, T + 400_000, 2_000)]
    assert judge(T + 300_000, ear("door", *windows)) == State(Kind.LEFT, T + 300_000)
    del windows[len(windows) * 3 // 4]
    assert judge(T + 300_000, ear("door", *windows)).kind is not Kind.LEFT


def test_who_has_left_stays_left_when_the_agent_dies_afterwards() -> None:
    assert judge(T + 900_000, ear("door", (ARRIVED, T + 300_000))) == State(Kind.LEFT, T + 300_000)
    assert judge(T + 900_000, ear("door", (ARRIVED, T + 299_999))) == State(Kind.UNKNOWN, T + 299_999)


def test_hearing_a_badge_again_makes_it_present() -> None:
    assert judge(T + 900_000, always(), last_heard_ms=T + 899_000) == State(Kind.PRESENT, ARRIVED)
    deaf = ear("door", (ARRIVED, T))
    assert judge(T + 900_000, deaf, last_heard_ms=T + 900_000) == State(Kind.PRESENT, ARRIVED)


def test_an_agent_silent_for_an_hour_no_longer_holds_back_the_others() -> None:
    dead = ear("back", (ARRIVED, T))
    assert judge(T + 3_599_999, always(), dead) == State(Kind.UNKNOWN, T)
    assert judge(T + 3_600_000, always(), dead) == State(Kind.LEFT, T + 300_000)


def test_its_return_after_that_brings_nobody_back() -> None:
    back = ear("back", (ARRIVED, T), (T + 3_600_000, T + 9_000_000))
    assert judge(T + 3_600_001, always(), back) == State(Kind.LEFT, T + 300_000)


def test_what_a_returned_agent_delivers_late_corrects() -> None:
    late = ear("back", (ARRIVED, T), (T + 1_000_000, T + 1_100_000), (T + 3_600_000, T + 9_000_000))
    assert judge(T + 3_600_001, ear("door", (ARRIVED, T + 100_000), (T + 3_500_000, T + 9_000_000)), late) == State(
        Kind.UNKNOWN, T
    )


def test_without_any_agent_left_nothing_is_known() -> None:
    assert judge(T + 9_000_000, ear("door", (ARRIVED, T))) == State(Kind.UNKNOWN, T)
    assert judge(T + 1_000) == State(Kind.UNKNOWN, T)


def test_an_agent_counts_only_while_it_stands_at_the_venue() -> None:
    moved_away = ear("back", (ARRIVED, T), placed=(0, T))
    assert judge(T + 300_000, always(), moved_away) == State(Kind.LEFT, T + 300_000)
    new_and_mute = ear("new", placed=(T + 100_000, EVER_MS))
    assert judge(T + 100_000, always(), new_and_mute) == State(Kind.AWAY, T)
    assert judge(T + 100_001, always(), new_and_mute) == State(Kind.UNKNOWN, T + 100_000)
    elsewhere = ear("back", (ARRIVED, T + 900_000), placed=(0, T))
    assert judge(T + 50_000, elsewhere) == State(Kind.UNKNOWN, T)


def test_moving_an_agent_from_zone_to_zone_makes_no_hole() -> None:
    places = (Placed("hall", 0, T + 50_000), Placed("bar", T + 50_000, EVER_MS))
    moved = ears.make("door", places, [(ARRIVED, T + 900_000)])
    assert judge(T + 300_000, moved) == State(Kind.LEFT, T + 300_000)
    mute = ears.make("back", places, [(ARRIVED, T)])
    assert listening.reckon([mute], T + 3_600_000, RULE).agents["back"] == ("bar", AgentKind.GIVEN_UP, T)


def test_the_order_of_what_was_listened_to_does_not_matter() -> None:
    parts = [(ARRIVED, T + 1_000), (T + 500, T + 90_000), (T + 120_000, T + 121_000), (T + 121_000, T + 200_000)]
    answers = {judge(T + 200_000, ear("door", *order)) for order in itertools.permutations(parts)}
    assert answers == {State(Kind.AWAY, T + 120_000)}


def test_agents_listen_fall_silent_and_are_given_up() -> None:
    reckoning = listening.reckon(
        [
            ear("listens", (T - 50, T)),
            ear("silent", (T - 90, T - 1)),
            ear("given-up", (T - 4_000_000, T - 3_600_000)),
            ear("nearly", (T - 4_000_000, T - 3_599_999)),
            ear("never", placed=(T - 500, EVER_MS)),
            ear("never-ever"),
            ear("gone", (T - 50, T), placed=(0, T)),
        ],
        T,
        RULE,
    )
    assert reckoning.agents == {
        "listens": ("hall", AgentKind.LISTENING, T - 50),
        "silent": ("hall", AgentKind.SILENT, T - 1),
        "given-up": ("hall", AgentKind.GIVEN_UP, T - 3_600_000),
        "nearly": ("hall", AgentKind.SILENT, T - 3_599_999),
        "never": ("hall", AgentKind.SILENT, T - 500),
        "never-ever": ("hall", AgentKind.GIVEN_UP, None),
    }


def test_a_zone_counts_who_is_present_or_away_in_it() -> None:
    badges = [
        Heard(1, ARRIVED, T, ((ARRIVED, "hall"),)),
        Heard(2, ARRIVED, T - 60_000, ((ARRIVED, "hall"),)),
        Heard(3, ARRIVED, T - 400_000, ((ARRIVED, "hall"),)),
        Heard(4, ARRIVED, T, ((ARRIVED, "bar"),)),
        Heard(5, ARRIVED, T),
    ]
    listening_there = [always("door"), ear("bar", (0, T + 900_000), zone="bar")]
    zones = states.picture(badges, listening_there, ["hall", "bar", "roof"], T + 15_000, RULE).zones
    assert zones == {
        "hall": (ZoneKind.COVERED, None, 2, None),
        "bar": (ZoneKind.COVERED, None, 1, None),
        "roof": (ZoneKind.NOT_COVERED, None, 0, None),
    }


def test_a_zone_whose_agents_fell_silent_says_since_when_and_how_many_were_there() -> None:
    badges = [
        Heard(1, ARRIVED, T, ((ARRIVED, "hall"),)),
        Heard(2, ARRIVED, T - 60_000, ((ARRIVED, "hall"),)),
        Heard(3, ARRIVED, T - 400_000, ((ARRIVED, "hall"),)),
        Heard(4, ARRIVED, T, ((ARRIVED, "bar"),)),
    ]
    listening_there = [
        ear("door", (0, T + 1_000)),
        ear("stage", (0, T + 1_000)),
        ear("bar", (0, T + 9_000_000), zone="bar"),
    ]
    zones = states.picture(badges, listening_there, ["hall", "bar"], T + 71_000, RULE).zones
    assert zones["hall"] == (ZoneKind.UNKNOWN, T + 1_000, 0, 2)
    assert zones["bar"].kind is ZoneKind.COVERED
    given_up = states.picture(badges, listening_there, ["hall", "bar"], T + 3_611_000, RULE).zones
    assert given_up["hall"] == (ZoneKind.NOT_COVERED, T + 1_000, 0, 2)


def test_one_listening_agent_covers_its_zone() -> None:
    listening_there = [always("door"), ear("stage", (0, T - 100_000))]
    assert states.picture([], listening_there, ["hall"], T, RULE).zones["hall"].kind is ZoneKind.COVERED


def test_how_many_were_there_counts_only_whom_the_others_still_knew_of() -> None:
    badges = [Heard(1, ARRIVED, T, ((ARRIVED, "hall"),)), Heard(2, ARRIVED, T - 60_000, ((ARRIVED, "hall"),))]
    listening_there = [ear("door", (0, T - 50)), ear("stage", (0, T + 1_000))]
    hall = states.picture(badges, listening_there, ["hall"], T + 71_000, RULE).zones["hall"]
    # The second badge had fallen silent before, so nobody knew of it any more once the door did not listen.
    assert hall == (ZoneKind.UNKNOWN, T + 1_000, 0, 1)


def test_who_has_moved_on_since_was_still_there_when_the_zone_fell_silent() -> None:
    moved = Heard(1, ARRIVED, T + 60_000, ((ARRIVED, "hall"), (T + 20_000, "bar")))
    listening_there = [ear("door", (0, T + 1_000)), ear("bar", (0, T + 9_000_000), zone="bar")]
    zones = states.picture([moved], listening_there, ["hall", "bar"], T + 71_000, RULE).zones
    assert zones["hall"] == (ZoneKind.UNKNOWN, T + 1_000, 0, 1)
    assert zones["bar"].here == 1


def test_an_agent_that_is_back_listens_from_its_first_window_on() -> None:
    listening_there = [ear("door", (0, T - 600_000), (T - 4_000, T - 2_000))]
    heard = [Heard(1, T - 3_000, T - 3_000, ((T - 3_000, "hall"),))]
    seen = states.picture(heard, listening_there, ["hall"], T, RULE)
    assert seen.agents["door"] == ("hall", AgentKind.LISTENING, T - 4_000)
    assert seen.zones["hall"] == (ZoneKind.COVERED, None, 1, None)
    assert seen.badges[1].kind is Kind.PRESENT
