"""Quiet hours and digests by the clock on the wall, also in the nights when it changes."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.inbox import hours
from server.inbox.hours import Hours

BERLIN = Hours("Europe/Berlin", dt.time(22), dt.time(8), dt.time(8))
MINUTE = dt.timedelta(minutes=1)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-13 20:59", None),  # 21:59 there
        ("2026-03-13 21:00", "2026-03-14 07:00"),
        ("2026-03-14 06:59", "2026-03-14 07:00"),
        ("2026-03-14 07:00", None),
        ("2026-03-28 22:00", "2026-03-29 06:00"),  # the night of spring has nine hours
        ("2026-10-24 21:00", "2026-10-25 07:00"),  # that of autumn eleven
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(now: str, until: str | None) -> None:
    assert hours.quiet_until(BERLIN, utc(now)) == (None if until is None else utc(until))


def test_quiet_hours_that_end_in_what_the_clock_skips_end_with_it() -> None:
    early = BERLIN._replace(quiet_to=dt.time(2, 30))
    assert hours.quiet_until(early, utc("2026-03-29 00:30")) == utc("2026-03-29 01:00")
    assert hours.quiet_until(early, utc("2026-03-29 01:00")) is None


def test_quiet_hours_that_end_in_what_the_clock_shows_twice_end_twice() -> None:
    early = BERLIN._replace(quiet_to=dt.time(2, 30))
    assert hours.quiet_until(early, utc("2026-10-25 00:10")) == utc("2026-10-25 00:30")
    assert hours.quiet_until(early, utc("2026-10-25 00:40")) is None
    assert hours.quiet_until(early, utc("2026-10-25 01:10")) == utc("2026-10-25 01:30")


def test_the_same_twice_is_no_quiet_hours() -> None:
    none = BERLIN._replace(quiet_to=BERLIN.quiet_from)
    assert all(hours.quiet_until(none, utc(f"2026-03-13 {hour:02}:00")) is None for hour in range(24))


@pytest.mark.parametrize(
    ("now", "weekly", "then"),
    [
        ("2026-03-13 19:00", False, "2026-03-14 07:00"),
        ("2026-03-14 07:00", False, "2026-03-15 07:00"),
        ("2026-03-28 12:00", False, "2026-03-29 06:00"),
        ("2026-10-24 12:00", False, "2026-10-25 07:00"),
        ("2026-03-13 19:00", True, "2026-03-16 07:00"),
        ("2026-03-16 07:00", True, "2026-03-23 07:00"),
    ],
)
def test_a_digest_comes_at_the_hour_of_the_wall(now: str, weekly: bool, then: str) -> None:
    assert hours.next_digest(BERLIN, utc(now), weekly=weekly) == utc(then)


clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "Asia/Kathmandu", "UTC"]


@given(
    st.sampled_from(ZONES),
    clocks,
    clocks,
    st.sampled_from(["2026-03-07", "2026-03-28", "2026-10-03", "2026-10-24", "2026-10-31", "2026-06-01"]),
    st.integers(0, 2 * 24 * 60),
)
def test_it_is_quiet_until_then_and_not_then(zone: str, start: dt.time, end: dt.time, day: str, minutes: int) -> None:
    """Of every minute: until the end that is told it is quiet, and then it is not, whatever the clock does."""
    found = Hours(zone, start, end, end)
    now = utc(f"{day} 00:00") + minutes * MINUTE
    until = hours.quiet_until(found, now)
    if until is None:
        return
    assert now < until <= now + dt.timedelta(hours=26)
    assert hours.quiet_until(found, until) is None
    between = now
    while between < until:
        assert hours.quiet_until(found, between) == until, between
        between += 17 * MINUTE


@given(st.sampled_from(ZONES), clocks, st.integers(0, 365 * 24 * 60), st.booleans())
def test_a_digest_is_after_now_and_the_last_before_it_is_not(
    zone: str, at: dt.time, minutes: int, weekly: bool
) -> None:
    found = Hours(zone, at, at, at)
    moment = utc("2026-01-01 00:00") + minutes * MINUTE
    then = hours.next_digest(found, moment, weekly=weekly)
    assert moment < then <= moment + dt.timedelta(days=8 if weekly else 2)
    local = then.astimezone(zoneinfo.ZoneInfo(zone))
    assert local.time() >= at
    assert not weekly or local.weekday() == hours.WEEKLY_ON
