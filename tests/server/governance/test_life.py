"""Stories of communities that live, fall asleep, are kept, and dissolve."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import settings
from server.governance import life as lives
from server.governance.life import Signs, State

LIFE = settings.load(environment={}).life
DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 1, 1, 19, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("days", "state"),
    [
        (-7, State.LIVELY),  # announced, to come
        (0, State.LIVELY),
        (59, State.LIVELY),
        (60, State.QUIET),
        (179, State.QUIET),
        (180, State.ASLEEP),
        (364, State.ASLEEP),
        (2000, State.ASLEEP),  # nobody was told yet: it dissolves only after that
    ],
)
def test_silence_makes_it_quiet_then_asleep(days: int, state: State) -> None:
    assert lives.state_of(Signs(START), LIFE, START + days * DAY) is state


def test_its_members_are_told_two_weeks_before_it_dissolves() -> None:
    silent = Signs(START)
    assert not lives.warns(silent, LIFE, START + 350 * DAY)
    assert lives.warns(silent, LIFE, START + 351 * DAY)
    assert not lives.dissolves(silent, LIFE, START + 400 * DAY)
    told = silent._replace(warned_at=START + 351 * DAY)
    assert lives.is_warned(told)
    assert not lives.warns(told, LIFE, START + 352 * DAY)
    assert not lives.dissolves(told, LIFE, START + 364 * DAY)
    assert lives.dissolves(told, LIFE, START + 365 * DAY)


def test_told_late_it_dissolves_late() -> None:
    told = Signs(START, warned_at=START + 500 * DAY)
    assert lives.dissolves_at(told, LIFE) == START + 514 * DAY
    assert not lives.dissolves(told, LIFE, START + 513 * DAY)


def test_a_gathering_wakes_it_and_what_was_told_before_is_void() -> None:
    told = Signs(START, warned_at=START + 351 * DAY)
    woken = told._replace(gathered_at=START + 380 * DAY)
    assert lives.state_of(woken, LIFE, START + 360 * DAY) is State.LIVELY
    assert not lives.dissolves(woken, LIFE, START + 366 * DAY)
    assert not lives.is_warned(woken)
    year_after = START + (380 + 365) * DAY
    assert not lives.dissolves(woken, LIFE, year_after)
    assert lives.warns(woken, LIFE, year_after)


def test_a_gathering_called_off_wakes_nobody() -> None:
    told = Signs(START, warned_at=START + 351 * DAY)
    assert lives.dissolves(told, LIFE, START + 366 * DAY)


def test_keeping_it_gives_it_another_year_in_its_sleep() -> None:
    kept = Signs(START, kept_at=START + 360 * DAY, warned_at=START + 351 * DAY)
    assert lives.state_of(kept, LIFE, START + 366 * DAY) is State.ASLEEP
    assert not lives.dissolves(kept, LIFE, START + 366 * DAY)
    assert lives.warns(kept, LIFE, START + (360 + 351) * DAY)


def test_what_has_dissolved_neither_wakes_nor_is_told_again() -> None:
    gone = Signs(START + 900 * DAY, dissolved_at=START + 365 * DAY)
    assert lives.state_of(gone, LIFE, START + 800 * DAY) is State.DISSOLVED
    assert not lives.warns(gone, LIFE, START + 5000 * DAY)
    assert not lives.dissolves(gone, LIFE, START + 5000 * DAY)


@given(
    st.integers(-400, 2000), st.one_of(st.none(), st.integers(0, 2000)), st.one_of(st.none(), st.integers(0, 2000)),
    st.integers(0, 3000),
)  # fmt: skip
def test_nothing_dissolves_that_was_not_told_long_enough_before(
    gathered: int, kept: int | None, warned: int | None, now: int
) -> None:
    def day(number: int | None) -> dt.datetime | None:
        return None if number is None else START + number * DAY

    signs = Signs(START + gathered * DAY, day(kept), day(warned))
    if lives.dissolves(signs, LIFE, START + now * DAY):
        assert warned is not None
        assert now >= warned + LIFE.warn_days
        assert now >= max(gathered, kept or gathered) + LIFE.dissolve_days
        assert lives.state_of(signs, LIFE, START + now * DAY) is State.ASLEEP
    assert not (lives.warns(signs, LIFE, START + now * DAY) and lives.dissolves(signs, LIFE, START + now * DAY))
