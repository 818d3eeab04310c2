"""The figures of a gathering: each within its bar, which more evidence never widens and silence never narrows."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from server.recaps import figures
from server.recaps.figures import MINUTE_MS, Absent, Figure, Person, Silence, Stayed
from server.turnout import evidence

KINDS = st.sampled_from(sorted(evidence.STRENGTHS))
STEPS = ("meet", "dine")
PEOPLE = st.lists(
    st.builds(
        Person,
        who=st.just(""),
        evidence=st.lists(KINDS, min_size=1, max_size=3).map(tuple),
        at_ms=st.integers(0, 10_000_000),
        signed_up=st.booleans(),
        before=st.sampled_from([True, False, None]),
    ),
    max_size=12,
).map(lambda found: [one._replace(who=f"came-{number}") for number, one in enumerate(found)])
ABSENT = st.lists(
    st.builds(
        Absent,
        who=st.just(""),
        steps=st.sets(st.sampled_from(STEPS), min_size=1).map(lambda chosen: tuple(sorted(chosen))),
        badge=st.booleans(),
        before=st.booleans(),
    ),
    max_size=12,
).map(lambda found: [one._replace(who=f"absent-{number}") for number, one in enumerate(found)])
SILENCE = st.builds(
    lambda step, start, length: Silence(step, "back", start, start + length),
    st.sampled_from(STEPS),
    st.integers(0, 10_000_000),
    st.integers(1, 1_000_000),
)
SILENCES = st.lists(SILENCE, max_size=3)


def all_of(people: list[Person], absent: list[Absent], silences: list[Silence]) -> list[Figure]:
    return [
        figures.came(people, absent, silences),
        figures.no_shows(people, absent, silences),
        figures.first_timers(people, absent, silences),
        figures.walk_ins(people),
    ]


def width(one: Figure) -> int:
    return one.high - one.low


@given(PEOPLE, ABSENT, SILENCES)
def test_every_figure_lies_within_its_bar_and_says_why(
    people: list[Person], absent: list[Absent], silences: list[Silence]
) -> None:
    for one in all_of(people, absent, silences):
        assert 0 <= one.low <= one.value <= one.high
        assert bool(one.reasons) == (one.low < one.high)
    came, no_shows, _, walk_ins = all_of(people, absent, silences)
    assert (came.value, came.by.total) == (len(people), len(people))
    assert no_shows.value == len(absent)
    assert walk_ins.value <= came.value


@given(PEOPLE, ABSENT, SILENCES, SILENCE)
def test_an_agent_that_is_silent_widens_and_never_narrows(
    people: list[Person], absent: list[Absent], silences: list[Silence], more: Silence
) -> None:
    before, after = all_of(people, absent, silences), all_of(people, absent, [*silences, more])
    for one, other in zip(before, after, strict=True):
        assert other.low <= one.low
        assert other.high >= one.high
        assert other.value == one.value


@given(PEOPLE.filter(bool), ABSENT, SILENCES, KINDS)
def test_more_evidence_about_who_came_never_widens(
    people: list[Person], absent: list[Absent], silences: list[Silence], more: str
) -> None:
    told = [people[0]._replace(evidence=(*people[0].evidence, more)), *people[1:]]
    for one, other in zip(all_of(people, absent, silences), all_of(told, absent, silences), strict=True):
        assert other.low >= one.low
        assert other.high <= one.high


@given(PEOPLE, ABSENT.filter(bool), SILENCES)
def test_a_proof_that_somebody_came_after_all_never_widens(
    people: list[Person], absent: list[Absent], silences: list[Silence]
) -> None:
    found = Person(absent[0].who, ("beacon",), 0, True, absent[0].before)
    before, after = all_of(people, absent, silences), all_of([*people, found], absent[1:], silences)
    for one, other in zip(before, after, strict=True):
        assert width(other) <= width(one)


def test_the_poster_alone_proves_little_and_no_badge_is_not_heard() -> None:
    people = [Person(f"{number}", (kind,), 0, True, True) for number, kind in enumerate(["beacon", "qr", "poster"])]
    absent = [
        Absent("with", ("meet",), True, False),
        Absent("without", ("meet",), False, False),
        Absent("elsewhere", ("dine",), True, True),
    ]
    silence = Silence("meet", "back", 0, 900_000)
    came = figures.came(people, absent, [silence])
    assert (came.low, came.value, came.high) == (2, 3, 5)
    assert [(one.code, one.count) for one in came.reasons] == [("weak", 1), ("no_badge", 1), ("silent", 1)]
    assert figures.came(people, absent, []).high == 4
    missing = figures.no_shows(people, absent, [silence])
    assert (missing.low, missing.value, missing.high) == (1, 3, 4)
    first = figures.first_timers(people, absent, [silence])
    assert (first.low, first.value, first.high) == (0, 0, 2)


def test_nobody_is_nobody() -> None:
    assert all(one[:3] == (0, 0, 0) for one in all_of([], [], []))
    assert figures.dwell([]).half is None
    assert figures.fullest([]) is None
    assert [one.total for one in figures.arrivals([], 0, 3 * 3600_000)][-1] == 0


# -- how long


STAYS = st.lists(
    st.builds(lambda minutes, observed: Stayed(minutes, observed, 180, "beacon"), st.integers(0, 180), st.booleans()),
    max_size=30,
)


@given(STAYS)
def test_quartiles_lie_within_their_bars(stays: list[Stayed]) -> None:
    found = figures.dwell(stays)
    assert found.observed + found.unobserved == len(stays)
    spreads = (found.quarter, found.half, found.three)
    if found.observed < figures.TOLD_FROM:
        assert spreads == (None, None, None)
        return
    kept = [one for one in spreads if one is not None]
    assert all(one.low <= one.value <= one.high for one in kept)
    assert all(one.value <= other.value for one, other in itertools.pairwise(kept))


@given(STAYS, st.data())
def test_seeing_somebody_leave_never_widens(stays: list[Stayed], data: st.DataObject) -> None:
    unseen = [number for number, one in enumerate(stays) if not one.observed]
    before = figures.dwell(stays)
    if not unseen or before.half is None:
        return
    which = data.draw(st.sampled_from(unseen))
    seen = stays[which]._replace(observed=True)
    after = figures.dwell([*stays[:which], seen, *stays[which + 1 :]])
    for name in ("quarter", "half", "three"):
        one, other = getattr(before, name), getattr(after, name)
        assert other.low >= one.low
        assert other.high <= one.high


# -- when and where


@given(
    st.lists(st.integers(-1_000_000, 40_000_000), max_size=40),
    st.integers(0, 1_000_000),
    st.integers(0, 40 * 24 * 3600_000),
)
def test_every_arrival_is_in_one_bar(at_ms: list[int], from_ms: int, length: int) -> None:
    bars = figures.arrivals(at_ms, from_ms, from_ms + length)
    assert 1 <= len(bars) <= figures.MOST_BARS
    assert sum(one.count for one in bars) == len(at_ms) == bars[-1].total
    assert bars[0].from_ms == from_ms
    assert bars[-1].to_ms >= from_ms + length
    assert all(one.to_ms == other.from_ms for one, other in itertools.pairwise(bars))


def test_the_fullest_moment_counts_each_once() -> None:
    stays = [("a", 0, 100), ("a", 50, 150), ("b", 60, 120), ("c", 120, 200)]
    assert figures.fullest(stays) == figures.Fullest(60, 2)
    assert figures.fullest([("a", 5, 5)]) is None


def test_a_room_of_four_is_not_told_and_silence_there_may_have_hidden_more() -> None:
    few = [(f"p{number}", "bar", 0, 10 * MINUTE_MS) for number in range(4)]
    many = [(f"p{number}", "hall", 0, number * MINUTE_MS) for number in range(1, 8)]
    bar, hall = figures.rooms([*few, *many], ["bar", "hall"], {"hall": 5 * MINUTE_MS})
    assert (bar.people, bar.half) == (None, None)
    assert hall.people == figures.Spread(7, 7, 8)
    assert hall.half == figures.Spread(4, 4, 9)
