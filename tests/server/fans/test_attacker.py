"""Who lets herself be seen and takes it back, one member at a time, and watches the numbers, learns of nobody else."""

import datetime as dt
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from server.fans import rounding, service
from server.fans.brought import Way
from server.fans.coming import PARTS, Person
from server.fans.eyes import Eyes

TODAY = dt.date(2026, 3, 13)
SECRET = b"of this test"


@given(people=st.integers(0, 500), offset=st.integers(0, rounding.STEP - 1))
def test_a_number_is_never_more_than_there_are_and_never_below_k(people: int, offset: int) -> None:
    told = rounding.at_least(people, offset)
    assert told is None or rounding.K <= told <= people
    assert told is None or told % rounding.STEP == 0
    assert told is not None or people < 2 * rounding.K
    assert told is None or people - told < 2 * rounding.STEP


@given(others=st.integers(0, 60), own=st.integers(0, 30), offset=st.integers(0, rounding.STEP - 1))
def test_who_takes_her_own_away_one_by_one_never_proves_that_another_came(others: int, own: int, offset: int) -> None:
    def watched(others: int, offset: int) -> list[int | None]:
        return [rounding.at_least(others + left, offset) for left in range(own, -1, -1)]

    seen = watched(others, offset)
    possible = {guess for guess in range(100) for shift in range(rounding.STEP) if watched(guess, shift) == seen}
    assert others in possible
    assert len(possible) >= rounding.K or 0 in possible
    assert others == 0 or len(possible) > 1


def test_offsets_are_secret_steady_and_of_all_values() -> None:
    found = [rounding.offset_of(SECRET, f"figure {number}") for number in range(200)]
    assert set(found) == set(range(rounding.STEP))
    assert found == [rounding.offset_of(SECRET, f"figure {number}") for number in range(200)]
    assert found != [rounding.offset_of(b"another", f"figure {number}") for number in range(200)]


_days = st.lists(st.integers(0, 300).map(lambda back: TODAY - dt.timedelta(days=back)), min_size=1, max_size=8)


def person(member_id: str | None, came: Sequence[dt.date], slots: Sequence[int]) -> Person:
    days = tuple(sorted(set(came)))
    return Person(member_id, days[0], days[0], None, days, days, frozenset(slots))


_people = st.lists(st.tuples(_days, st.lists(st.integers(0, 7 * PARTS - 1), max_size=3)), max_size=30)


def offset(figure: str) -> int:
    return rounding.offset_of(SECRET, figure)


def ways(new: Sequence[Person]) -> list[Way]:
    return [Way.WALKED_BY] * len(new)


def look(people: Sequence[Person], named: set[str], spoke: set[str], span: service.Span) -> service.Fans:
    seen = Eyes({one: one.upper() for one in named}, frozenset(spoke))
    return service.tell(people, seen, ways, offset=offset, span=span, today=TODAY)


def figures(fans: service.Fans) -> list[rounding.Figure]:
    return [
        fans.people,
        fans.first_timers,
        fans.drifting,
        *fans.often,
        *fans.brought.values(),
        *(figure for parts in fans.slots for figure in parts),
        *(figure for point in fans.points for figure in (point.people, point.first_timers)),
    ]


@given(honest=_people, own=_people, data=st.data(), span=st.sampled_from(["quarter", "year"]))
def test_being_seen_and_no_longer_changes_no_number_of_others(
    honest: list[tuple[list[dt.date], list[int]]],
    own: list[tuple[list[dt.date], list[int]]],
    data: st.DataObject,
    span: service.Span,
) -> None:
    hers = {f"own-{number}" for number in range(len(own))}
    people = [person(f"other-{number}", *one) for number, one in enumerate(honest)]
    people += [person(f"own-{number}", *one) for number, one in enumerate(own)]
    told = None
    for _ in range(3):
        named = data.draw(st.sets(st.sampled_from(sorted(hers)))) if hers else set()
        fans = look(people, named, hers, span)
        others = [figure.others for figure in figures(fans)]
        assert told is None or others == told
        told = others
        assert {fan.member_id for fan in fans.named} == named


@given(honest=_people, span=st.sampled_from(["quarter", "year"]))
def test_every_number_stands_for_five_or_more(
    honest: list[tuple[list[dt.date], list[int]]], span: service.Span
) -> None:
    people = [person(f"other-{number}", *one) for number, one in enumerate(honest)]
    fans = look(people, set(), set(), span)
    real: list[Callable[[Person], bool]] = [
        lambda one: any(day >= fans.since for day in one.days),
        lambda one: one.first_on >= fans.since,
    ]
    for figure, holds in zip((fans.people, fans.first_timers), real, strict=True):
        count = sum(1 for one in people if holds(one))
        assert (figure.named, figure.others) == (0, figure.others if count >= rounding.K else None)
        assert figure.others is None or figure.others <= count
    assert all(figure.others is None or figure.others <= len(people) for figure in figures(fans))
    assert fans.named == ()
