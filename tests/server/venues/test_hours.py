"""Opening hours: typed in lines, kept in OpenStreetMap's syntax, read out for a week."""

import datetime as dt

import pytest

from server.venues import hours, local_time
from server.venues.model import Venue

MONDAY = dt.datetime(2026, 11, 23, 8, 30, tzinfo=dt.UTC)


def spans(said: str, time_zone: str = "Europe/Berlin", now: dt.datetime = MONDAY) -> list[str]:
    """The week as one line a day."""
    week = hours.week(Venue(opening_hours=hours.check(said), time_zone=time_zone), None, now)
    return [
        "all day" if day.all_day else " ".join(f"{since:%H:%M}-{until:%H:%M}" for since, until in day.spans)
        for day in week
    ]


def test_a_week_begins_today_and_has_seven_days() -> None:
    assert spans("Mo-Fr 09:00-12:00,14:00-18:00\nSa 10:00-14:00") == [
        *["09:00-12:00 14:00-18:00"] * 5, "10:00-14:00", ""
    ]  # fmt: skip
    assert spans("Sa 10:00-14:00", now=MONDAY + dt.timedelta(days=5))[0] == "10:00-14:00"


def test_a_night_belongs_to_the_day_it_began_on() -> None:
    assert spans("Sa 22:00-03:00") == ["", "", "", "", "", "22:00-03:00", ""]
    assert spans("Su 22:00-03:00")[0] == ""


def test_open_without_a_break() -> None:
    assert spans("24/7") == ["all day"] * 7
    assert spans("Mo 00:00-24:00; Tu 00:00-10:00")[:3] == ["all day", "00:00-10:00", ""]


def test_the_day_is_that_of_the_place() -> None:
    late = dt.datetime(2026, 11, 23, 17, 0, tzinfo=dt.UTC)  # Tuesday in Shanghai
    assert spans("Tu 09:00-10:00", "Asia/Shanghai", late)[0] == "09:00-10:00"


def test_the_day_when_clocks_are_turned_has_its_hours() -> None:
    before = dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC)
    assert spans("Mo-Su 01:00-04:00", now=before)[:3] == ["01:00-04:00"] * 3


def test_whether_it_is_open() -> None:
    place = Venue(opening_hours="Mo 09:00-10:00", time_zone="Europe/Berlin")
    assert hours.is_open(place, None, MONDAY) is True
    assert hours.is_open(place, None, MONDAY + dt.timedelta(hours=1)) is False
    assert hours.is_open(Venue(opening_hours="", time_zone="UTC"), None, MONDAY) is None


def test_what_is_typed_is_kept_as_one_line_and_given_back_in_lines() -> None:
    kept = hours.check(" Mo-Fr 09:00-18:00 ;\r\n\nSa 10:00-14:00;")
    assert kept == "Mo-Fr 09:00-18:00; Sa 10:00-14:00"
    assert hours.check(hours.lines(kept)) == kept
    assert hours.check(" \n ") == ""


@pytest.mark.parametrize("typed", ["9 to 5", "Mo-Fr 09:00-18:00\nlunch", "x" * 2000, "Mo 09:00-10:00 \x00"])
def test_what_cannot_be_read_is_refused(typed: str) -> None:
    with pytest.raises(hours.HoursUnclear):
        hours.check(typed)
    assert hours.readable(typed) == ""


def test_the_time_zone_of_a_pin() -> None:
    assert local_time.find((13.405, 52.52)) == "Europe/Berlin"
    assert local_time.find((121.47, 31.23)) == "Asia/Shanghai"
    assert local_time.find(None) is None
    assert local_time.check("UTC", (13.405, 52.52)) == "UTC"


def test_when_it_closes_is_told_for_the_coming_day_alone() -> None:
    def closes(said: str, now: dt.datetime = MONDAY) -> str:
        until = hours.closes(Venue(opening_hours=said, time_zone="Europe/Berlin"), None, now)
        return "" if until is None else f"{until:%a %H:%M}"

    assert closes("Mo 09:00-10:00") == "Mon 10:00"
    assert closes("Mo 09:00-24:00; Tu 00:00-02:00") == "Tue 02:00", "it does not close at midnight"
    assert closes("Mo 22:00-03:00", MONDAY.replace(hour=22)) == "Tue 03:00"
    assert closes("Tu 09:00-10:00") == "", "it is closed"
    assert closes("24/7") == ""
    assert closes("Mo 00:00-24:00; Tu 00:00-10:00; We 08:00-09:00", MONDAY - dt.timedelta(hours=2)) == "", "for longer"
    assert closes("") == ""
