"""Her own rhythm: the median gap of her last visits, and when it is broken."""

import datetime as dt

import pytest

from server.fans import rhythm

DAY = dt.date(2026, 3, 13)


def days(*before: int) -> list[dt.date]:
    return [DAY - dt.timedelta(days=one) for one in before]


def test_fewer_than_four_visits_are_no_rhythm() -> None:
    assert rhythm.of(days(0, 7, 14), DAY) is None
    assert rhythm.of(days(0, 0, 7, 7, 14), DAY) is None, "a day counts once"
    assert rhythm.of(days(0, 7, 14, 21), DAY) == rhythm.Rhythm(7, 0)


@pytest.mark.parametrize(
    ("gap", "silent", "drifting"),
    [
        (1, 20, False),  # a daily guest may go on holiday
        (1, 21, True),
        (7, 21, True),  # three times her rhythm
        (10, 25, False),  # 2.5 times is not more than it
        (10, 26, True),
        (30, 75, False),
        (30, 76, True),
    ],
)
def test_who_is_silent_for_much_longer_than_usual_drifts(gap: int, silent: int, drifting: bool) -> None:
    came = days(*(silent + gap * number for number in range(5)))
    found = rhythm.of(came, DAY)
    assert found is not None
    assert (found.gap_days, found.silent_days, found.drifting) == (gap, silent, drifting)


def test_one_long_holiday_does_not_change_a_rhythm_and_only_the_last_visits_count() -> None:
    found = rhythm.of(days(0, 7, 14, 74, 81, 88), DAY)
    assert found is not None
    assert found.gap_days == 7
    early, late = [400 + number for number in range(8)], [number * 14 for number in range(8)]
    assert rhythm.of(days(*early, *late), DAY) == rhythm.Rhythm(14, 0)


def test_what_lies_after_the_day_does_not_count() -> None:
    assert rhythm.of(days(-5, 0, 7, 14, 21), DAY) == rhythm.Rhythm(7, 0)
    assert rhythm.of([], DAY) is None
