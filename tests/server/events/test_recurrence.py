"""Dates of rules: by the clock on the wall, over changes of clocks and of their rules, bounded whatever is asked."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import MusterError
from server.events import recurrence

BERLIN = "Europe/Berlin"
wall = dt.datetime.fromisoformat
FRIDAY = wall("2026-03-13 19:00")


def moments(rule: str, start: dt.datetime, zone: str, most: int) -> list[str]:
    said = recurrence.check(rule, start, zone)
    found = recurrence.dates(said, start, zone, after=start, most=most)
    return [f"{recurrence.at(date, zone):%m-%d %H:%M}" for date in found]


def test_seven_in_the_evening_stays_seven_in_the_evening_over_both_changes_of_clocks() -> None:
    assert moments("FREQ=WEEKLY", FRIDAY, BERLIN, 4) == ["03-13 18:00", "03-20 18:00", "03-27 18:00", "04-03 17:00"]
    autumn = wall("2026-10-16 19:00")
    assert moments("FREQ=WEEKLY", autumn, BERLIN, 3) == ["10-16 17:00", "10-23 17:00", "10-30 18:00"]


def test_a_time_that_clocks_skip_moves_forward_and_one_that_comes_twice_is_the_first() -> None:
    assert moments("FREQ=DAILY", wall("2026-03-28 02:30"), BERLIN, 3) == [
        "03-28 01:30",
        "03-29 01:30",  # 03:30 by the new clock
        "03-30 00:30",
    ]
    assert moments("FREQ=DAILY", wall("2026-10-24 02:30"), BERLIN, 3) == [
        "10-24 00:30",
        "10-25 00:30",
        "10-26 01:30",
    ]


def test_a_zone_that_changed_its_rules_is_followed() -> None:
    # Brazil gave its summer time up in 2019; Moscow stayed an hour ahead in 2011 and went back in 2014.
    assert moments("FREQ=YEARLY", wall("2018-12-01 20:00"), "America/Sao_Paulo", 2) == [
        "12-01 22:00",
        "12-01 23:00",
    ]
    assert moments("FREQ=YEARLY", wall("2010-12-01 20:00"), "Europe/Moscow", 5) == [
        "12-01 17:00",
        "12-01 16:00",
        "12-01 16:00",
        "12-01 16:00",
        "12-01 17:00",
    ]


def test_the_29th_of_february_comes_in_leap_years_alone() -> None:
    start = wall("2096-02-29 19:00")
    rule = recurrence.check("FREQ=YEARLY", start, BERLIN)
    found = recurrence.dates(rule, start, BERLIN, after=start, most=3)
    assert [date.year for date in found] == [2096, 2104, 2108]  # 2100 is none
    start = wall("2028-02-29 19:00")
    assert [date.year for date in recurrence.dates("FREQ=YEARLY", start, BERLIN, after=start, most=2)] == [2028, 2032]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "rule_never_comes"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "rule_never_comes"),
        ("FREQ=WEEKLY;COUNT=1", "rule_never_comes"),
        ("FREQ=WEEKLY;UNTIL=20260314", "rule_never_comes"),
        ("FREQ=WEEKLY;BYDAY=SA", "rule_misses_start"),
        ("FREQ=HOURLY", "rule_invalid"),
        ("FREQ=SECONDLY;COUNT=5", "rule_invalid"),
        ("FREQ=WEEKLY;BYHOUR=1,2,3", "rule_invalid"),
        ("FREQ=WEEKLY;FREQ=DAILY", "rule_invalid"),
        ("FREQ=WEEKLY;INTERVAL=0", "rule_invalid"),
        ("FREQ=WEEKLY;INTERVAL=61", "rule_invalid"),
        ("FREQ=WEEKLY;INTERVAL=²", "rule_invalid"),
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20270101", "rule_invalid"),
        ("FREQ=WEEKLY;UNTIL=20269999", "rule_invalid"),
        ("FREQ=WEEKLY;UNTIL=99991231T235959Z", "rule_invalid"),
        ("FREQ=WEEKLY;BYDAY=XX", "rule_invalid"),
        ("FREQ=MONTHLY;BYDAY=31FR;BYSETPOS=999", "rule_invalid"),
        ("FREQ=WEEKLY\nEXRULE:FREQ=DAILY", "rule_invalid"),
        ("", "rule_invalid"),
        ("weekly", "rule_invalid"),
        ("FREQ=WEEKLY;BYDAY=FR" + ",FR" * 200, "rule_invalid"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_a_sentence(rule: str, code: str) -> None:
    with pytest.raises(MusterError) as refused:
        recurrence.check(rule, FRIDAY, BERLIN)
    assert refused.value.code == code


def test_a_rule_of_a_million_dates_gives_as_many_as_are_asked_for() -> None:
    rule = recurrence.check("RRULE:FREQ=DAILY;COUNT=1000000", FRIDAY, BERLIN)
    assert rule == "FREQ=DAILY;COUNT=1000000"
    assert len(recurrence.dates(rule, FRIDAY, BERLIN, after=FRIDAY)) == recurrence.MOST_DATES
    later = FRIDAY + dt.timedelta(days=20_000)
    assert recurrence.dates(rule, FRIDAY, BERLIN, after=later, most=1) == [later]


def test_exceptions_twice_or_of_no_date_change_nothing_more() -> None:
    week = dt.timedelta(days=7)
    without = [FRIDAY + week, FRIDAY + week, FRIDAY + dt.timedelta(days=1)]
    found = recurrence.dates("FREQ=WEEKLY", FRIDAY, BERLIN, after=FRIDAY, without=without, most=3)
    assert found == [FRIDAY, FRIDAY + 2 * week, FRIDAY + 3 * week]


def test_a_rule_ends_on_its_last_day_by_the_wall_or_by_utc() -> None:
    for until, count in (("20260327", 3), ("20260327T190000", 3), ("20260327T180000Z", 3), ("20260327T175959Z", 2)):
        found = recurrence.dates(f"FREQ=WEEKLY;UNTIL={until}", FRIDAY, BERLIN, after=FRIDAY)
        assert len(found) == count, until


@given(
    st.datetimes(wall("2020-01-01 00:00"), wall("2090-01-01 00:00")).map(lambda at: at.replace(microsecond=0)),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 12),
    st.sampled_from([BERLIN, "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
def test_dates_go_up_and_moments_with_them(start: dt.datetime, freq: str, interval: int, zone: str) -> None:
    found = recurrence.dates(f"FREQ={freq};INTERVAL={interval}", start, zone, after=start, most=8)
    assert found == sorted(set(found))
    assert found[0] == start
    assert all(date.time() == start.time() for date in found)
    moments = [recurrence.at(date, zone) for date in found]
    assert moments == sorted(set(moments))
