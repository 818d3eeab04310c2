"""When the morning after is: at eight by the clock of the place, whatever the night, the zone and the season."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from server.mornings import clock

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("ends", "begins"),
    [
        ("2026-03-13T22:00", "2026-03-14T08:00"),
        ("2026-03-14T02:00", "2026-03-14T08:00"),  # the same night
        ("2026-03-14T05:00", "2026-03-14T08:00"),
        ("2026-03-14T05:30", "2026-03-15T08:00"),  # a walk at sunrise
        ("2026-03-28T23:00", "2026-03-29T08:00"),  # the clocks go forward that night
        ("2026-10-24T23:00", "2026-10-25T08:00"),  # and back
        ("2026-12-31T23:30", "2027-01-01T08:00"),
    ],
)
def test_it_is_eight_on_the_day_after(ends: str, begins: str) -> None:
    assert clock.begins([(at(ends), BERLIN)]) == at(begins)


def test_of_several_days_and_zones_the_last_morning_counts() -> None:
    steps = [(at("2026-03-13T22:00"), BERLIN), (at("2026-03-14T22:00", "Asia/Shanghai"), "Asia/Shanghai")]
    assert clock.begins(steps) == at("2026-03-15T08:00", "Asia/Shanghai")
    west = [(at("2026-03-13T22:00"), BERLIN), (at("2026-03-13T14:00", "America/Los_Angeles"), "America/Los_Angeles")]
    assert clock.begins(west) == at("2026-03-14T08:00", "America/Los_Angeles")


def test_it_is_open_for_a_week_whatever_the_clock_jumps_over() -> None:
    begins = at("2026-03-14T08:00")
    second = dt.timedelta(seconds=1)
    assert [clock.is_open(begins, begins + ahead) for ahead in (-second, 0 * second, 7 * dt.timedelta(days=1))] == [
        False,
        True,
        False,
    ]
    assert clock.is_open(begins, begins + dt.timedelta(days=6, hours=23))
