"""The laws of the states, for any visits and any coverage, against a reading of the words second by second."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from server.presence import ears as ears_of
from server.presence import listening as reckoned
from server.presence import states
from server.presence.ears import Ear, Placed
from server.presence.intervals import EVER_MS
from server.presence.rule import Rule
from server.presence.states import Kind, State

# Small numbers, so that every boundary is met often.
END = 60
RULE = Rule(
    away_after_ms=3,
    given_up_after_ms=25,
    unjudged_ms=2,
    join_gap_ms=9,
    rhythm_max_ms=8,
    beacon_learn_ms=7,
    beacon_gap_ms=5,
    heard_gap_ms=4,
    slot_ms=1,
)
PATIENT = dataclasses.replace(RULE, given_up_after_ms=1_000)

moments = st.integers(0, END)
intervals = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))
listening = st.lists(intervals, max_size=5)


@st.composite
def any_ears(draw: st.DrawFn) -> list[Ear]:
    ears = []
    for number in range(draw(st.integers(0, 3))):
        start = draw(st.one_of(st.just(0), moments))
        end = draw(st.one_of(st.just(EVER_MS), st.integers(start, END)))
        ears.append(ears_of.make(f"agent-{number}", (Placed("hall", start, end),), draw(listening)))
    return ears


always_ears = st.lists(st.just([(0, 10 * END)]), min_size=1, max_size=3).map(
    lambda all_listened: [
        ears_of.make(f"agent-{number}", (Placed("hall", 0, EVER_MS),), listened)
        for number, listened in enumerate(all_listened)
    ]
)


def judge(last_heard: int, ears: list[Ear], judged: int, rule: Rule = RULE) -> State:
    return states.state(0, last_heard, reckoned.reckon(ears, judged, rule), rule)


def read_word_by_word(last_heard: int, ears: list[Ear], judged: int, rule: Rule) -> Kind:
    """The definition, unit of time by unit of time: slow, and written without the code it judges."""

    def stands(ear: Ear, at: int) -> bool:
        return any(place.from_ms <= at < place.to_ms for place in ear.placed)

    def listens(ear: Ear, at: int) -> bool:
        return stands(ear, at) and any(start <= at < end for start, end in ear.listened)

    excused: dict[str, set[int]] = {}
    for ear in ears:
        silent: list[int] = []
        excused[ear.agent_id] = set()
        for at in range(judged + 1):
            if at < judged and stands(ear, at) and not listens(ear, at):
                silent.append(at)
                continue
            if len(silent) >= rule.given_up_after_ms:
                excused[ear.agent_id].update(silent)
            silent = []

    def all_listened(at: int) -> bool:
        reckoned = [ear for ear in ears if stands(ear, at) and at not in excused[ear.agent_id]]
        return any(listens(ear, at) for ear in ears) and all(listens(ear, at) for ear in reckoned)

    if last_heard >= judged:
        return Kind.PRESENT
    unbroken = 0
    for at in range(last_heard, judged):
        unbroken = unbroken + 1 if all_listened(at) else 0
        if unbroken >= rule.join_gap_ms:
            return Kind.LEFT
    silent_for = judged - last_heard
    if unbroken > rule.away_after_ms:
        return Kind.AWAY
    if unbroken == silent_for and silent_for <= rule.away_after_ms:
        return Kind.PRESENT
    heard_by = [ear for ear in ears if _listened_around(ear, last_heard, listens)]
    if (
        heard_by
        and silent_for <= rule.away_after_ms
        and all(listens(ear, at) for ear in heard_by for at in range(last_heard, judged))
    ):
        return Kind.PRESENT
    return Kind.UNKNOWN


def _listened_around(ear: Ear, at: int, listens: object) -> bool:
    assert callable(listens)
    return bool(listens(ear, at)) or bool(listens(ear, at - 1))


@given(moments, any_ears(), moments)
def test_a_state_is_what_its_definition_says(last_heard: int, ears: list[Ear], judged: int) -> None:
    assert judge(last_heard, ears, judged).kind is read_word_by_word(last_heard, ears, judged, RULE)


@given(moments, any_ears(), moments)
def test_unknown_began_where_another_state_ended(last_heard: int, ears: list[Ear], judged: int) -> None:
    found = judge(last_heard, ears, judged, PATIENT)
    if found.kind is Kind.UNKNOWN:
        assert judge(last_heard, ears, found.since_ms, PATIENT).kind is not Kind.UNKNOWN
        later = range(found.since_ms + 1, judged + 1)
        assert {judge(last_heard, ears, at, PATIENT) for at in later} == {found}


@given(moments, any_ears(), moments)
def test_left_and_away_began_when_they_say(last_heard: int, ears: list[Ear], judged: int) -> None:
    found = judge(last_heard, ears, judged, PATIENT)
    if found.kind is Kind.LEFT:
        assert judge(last_heard, ears, found.since_ms, PATIENT) == found
        assert judge(last_heard, ears, found.since_ms - 1, PATIENT).kind is not Kind.LEFT
    if found.kind is Kind.AWAY:
        assert judge(last_heard, ears, found.since_ms + PATIENT.away_after_ms, PATIENT).kind is not Kind.AWAY
        assert judge(last_heard, ears, found.since_ms + PATIENT.away_after_ms + 1, PATIENT) == found


@given(moments, any_ears(), moments)
def test_who_has_left_stays_left_until_heard_again(last_heard: int, ears: list[Ear], judged: int) -> None:
    found = judge(last_heard, ears, judged, PATIENT)
    if found.kind is Kind.LEFT:
        assert {judge(last_heard, ears, at, PATIENT) for at in range(judged, judged + 30)} == {found}


@given(moments, any_ears(), moments, intervals, st.integers(0, 2))
def test_more_coverage_never_turns_away_or_left_into_present(
    last_heard: int, ears: list[Ear], judged: int, more: tuple[int, int], which: int
) -> None:
    before = judge(last_heard, ears, judged).kind
    grown = [ears_of.listen(ear, more) if number == which else ear for number, ear in enumerate(ears)]
    if before in (Kind.AWAY, Kind.LEFT):
        assert judge(last_heard, grown, judged).kind is not Kind.PRESENT


@given(moments, any_ears(), moments)
def test_hearing_a_badge_always_makes_it_present(last_heard: int, ears: list[Ear], judged: int) -> None:
    assert judge(max(last_heard, judged), ears, judged).kind is Kind.PRESENT


@given(moments, always_ears)
def test_with_everybody_listening_a_silent_badge_goes_one_way(last_heard: int, ears: list[Ear]) -> None:
    order = [Kind.PRESENT, Kind.AWAY, Kind.LEFT]
    seen = [order.index(judge(last_heard, ears, at).kind) for at in range(3 * END)]
    assert seen == sorted(seen)
    assert seen[-1] == 2


@given(st.integers(1, 20), always_ears, st.integers(0, RULE.join_gap_ms - 1), st.integers(1, 20))
def test_a_silent_badge_is_unknown_as_soon_as_coverage_stops(
    last_heard: int, ears: list[Ear], listened_on: int, later: int
) -> None:
    stop = last_heard + listened_on
    stopped = [ear._replace(listened=[(0, stop)]) if ear is ears[0] else ear for ear in ears]
    assert judge(last_heard, stopped, stop + later) == State(Kind.UNKNOWN, stop)


@given(moments, any_ears(), moments, st.permutations(range(3)))
def test_the_order_of_agents_does_not_matter(last_heard: int, ears: list[Ear], judged: int, order: list[int]) -> None:
    mixed = [ears[place] for place in order if place < len(ears)]
    assert judge(last_heard, mixed, judged) == judge(last_heard, ears, judged)


@given(moments, any_ears(), moments, st.integers(0, END))
def test_a_reckoning_from_the_last_hearing_on_is_as_good_as_one_from_the_beginning(
    last_heard: int, ears: list[Ear], judged: int, earlier: int
) -> None:
    whole = reckoned.reckon(ears, judged, RULE)
    late = reckoned.reckon(ears, judged, RULE, max(0, last_heard - earlier))
    assert states.state(0, last_heard, late, RULE) == states.state(0, last_heard, whole, RULE)
    assert late.agents == whole.agents
