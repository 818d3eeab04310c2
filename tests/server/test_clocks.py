"""From when to when, in both languages: a night is one day, a fortnight has two."""

import datetime as dt

import pytest

from server import clocks, texts
from server.pages import render

BERLIN = "Europe/Berlin"


def at(written: str) -> dt.datetime:
    """A moment by Berlin's clock."""
    return dt.datetime.fromisoformat(f"{written}+02:00")


@pytest.mark.parametrize(
    ("starts", "ends", "says"),
    [
        ("2025-05-03T19:00", "2025-05-03T21:00", "19:00 to 21:00"),
        ("2025-05-03T20:00", "2025-05-04T00:00", "20:00 to 00:00"),
        ("2025-05-03T22:00", "2025-05-04T05:30", "22:00 to 05:30"),
        ("2025-05-03T22:00", "2025-05-04T06:00", "22:00 to 06:00"),
        ("2025-05-03T22:00", "2025-05-04T07:00", "Sat 3 May 22:00 to Sun 4 May 07:00"),
        ("2025-05-03T01:00", "2025-05-04T05:00", "Sat 3 May 01:00 to Sun 4 May 05:00"),
        ("2025-05-03T10:00", "2025-05-04T10:00", "Sat 3 May 10:00 to Sun 4 May 10:00"),
        ("2025-05-03T10:00", "2025-05-18T20:00", "Sat 3 May 10:00 to Sun 18 May 20:00"),
        ("2025-05-03T23:00", "2025-05-05T01:00", "Sat 3 May 23:00 to Mon 5 May 01:00"),
    ],
)
def test_what_ends_on_another_day_says_both_and_a_long_night_does_not(starts: str, ends: str, says: str) -> None:
    assert clocks.hours(at(starts), at(ends), BERLIN) == says
    day = says if "May" in says else f"Sat 3 May, {says}"
    assert render.local_when(at(starts), at(ends), BERLIN) == day


def test_the_days_are_those_of_the_place_and_not_of_utc() -> None:
    starts, ends = at("2025-05-03T17:00"), at("2025-05-04T01:30")
    assert clocks.hours(starts, ends, BERLIN) == "17:00 to 01:30"
    assert clocks.hours(starts, ends, "Asia/Shanghai") == "Sat 3 May 23:00 to Sun 4 May 07:30"


def test_the_night_the_clocks_change_is_still_one() -> None:
    autumn = dt.datetime(2025, 10, 25, 20, 0, tzinfo=dt.UTC)  # 22:00 to 03:00, six hours
    assert clocks.hours(autumn, autumn + dt.timedelta(hours=6), BERLIN) == "22:00 to 03:00"


def test_it_is_said_in_chinese_too() -> None:
    say = texts.of("zh")
    starts, ends = at("2025-05-03T10:00"), at("2025-05-18T20:00")
    assert clocks.hours(starts, ends, BERLIN, say) == "5月3日 周六 10:00 至 5月18日 周日 20:00"
    assert clocks.hours(starts, starts + dt.timedelta(hours=2), BERLIN, say) == "10:00 到 12:00"


def test_until_when_has_its_day_where_that_is_not_tonight() -> None:
    since = at("2025-05-03T19:00")
    assert clocks.until(at("2025-05-04T02:00"), since, BERLIN) == "02:00"
    assert clocks.until(at("2025-05-04T16:00"), since, BERLIN) == "Sun 4 May 16:00"
    assert clocks.until(at("2025-05-18T20:00"), since, BERLIN, texts.of("zh")) == "5月18日 周日 20:00"
