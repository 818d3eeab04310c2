"""Calendars as files: read back by the library that wrote them, and by another one that did not."""

import dataclasses
import datetime as dt
import zoneinfo
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream

from server import texts
from server.calendars import writing
from server.sharing.gathering import Gathering, Place
from tests.server.places import HOUR, NOW
from tests.server.sharing import gatherings
from tests.server.sharing.gatherings import PART, SUPPER, TITLES

URL = "https://muster.example"
LINE_BYTES = 75  # RFC 5545 3.1, without the line break


def write(*found: Gathering, now: dt.datetime = NOW, language: str = "en") -> bytes:
    return writing.write(found, name="Night readers", own_url=URL, now=now, say=texts.of(language))


def parse(data: bytes) -> Any:
    return icalendar.Calendar.from_ical(data)


def read(*found: Gathering) -> list[Any]:
    return list(parse(write(*found)).events)


def read_elsewhere(data: bytes) -> list[Any]:
    return list(IcsCalendarStream.calendar_from_ics(data.decode()).events)


def titles() -> st.SearchStrategy[str]:
    """Lines of text: no control characters, which no name has (server/names.py)."""
    return st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=200)


@given(title=titles(), about=titles(), place=titles())
def test_every_title_survives_the_way_there_and_back(title: str, about: str, place: str) -> None:
    part = dataclasses.replace(PART, place=Place(place))
    written = write(gatherings.of(title, about=f"{about}\nand more", parts=(part,)))
    assert all(len(line) <= LINE_BYTES for line in written.split(b"\r\n"))
    calendar = parse(written)
    (event,) = calendar.events
    assert str(event["SUMMARY"]) == title
    assert str(event["LOCATION"]) == place
    assert str(event["DESCRIPTION"]).startswith(f"{about}\nand more\n")
    assert set(event) <= {
        "UID", "DTSTAMP", "SEQUENCE", "STATUS", "SUMMARY", "DTSTART", "DTEND", "LOCATION", "DESCRIPTION", "URL",
        "CATEGORIES", "GEO",
    }  # fmt: skip


@pytest.mark.parametrize("title", [*TITLES, "a;b,c\\n: \"quoted\" 'x'", "BEGIN:VEVENT", "UID:other", " x ", "\\", "^n"])
def test_an_independent_reader_reads_the_same(title: str) -> None:
    (event,) = read_elsewhere(write(gatherings.of(title)))
    start = event.dtstart
    assert event.summary == title
    assert event.location == "Café Lumen"
    assert start.astimezone(dt.UTC) == PART.starts_at
    assert event.dtend.astimezone(dt.UTC) == PART.ends_at
    assert event.status == "CONFIRMED"


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", "2026-03-28T19:00"),  # the evening before clocks go forward
        ("Europe/Berlin", "2026-03-29T19:00"),
        ("Europe/Berlin", "2026-10-24T23:30"),  # into the night in which they go back
        ("Europe/Berlin", "2026-10-25T19:00"),
        ("America/New_York", "2026-11-01T00:30"),
        ("Australia/Lord_Howe", "2026-04-04T22:00"),  # half an hour
        ("Africa/Casablanca", "2026-02-20T19:00"),  # Ramadan
        ("Asia/Shanghai", "2026-07-01T19:00"),
        ("Asia/Kathmandu", "2026-07-01T19:00"),
        ("UTC", "2026-07-01T19:00"),
        ("Pacific/Kiritimati", "2026-12-31T19:00"),
    ],
)
def test_times_are_right_on_both_sides_of_a_change_of_clocks(zone: str, start: str) -> None:
    begins = dt.datetime.fromisoformat(start).replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(dt.UTC)
    written = write(gatherings.at(begins, begins + 5 * HOUR, zone))
    (event,) = read_elsewhere(written)
    assert event.dtstart.astimezone(dt.UTC) == begins
    assert event.dtend.astimezone(dt.UTC) == begins + 5 * HOUR
    calendar = parse(written)
    (own,) = calendar.events
    assert f"{own['DTSTART'].dt:%Y-%m-%dT%H:%M}" == start
    # A program that knows no IANA names goes by the rules in the file alone.
    for rules in calendar.timezones:
        by_file = rules.to_tz(lookup_tzid=False)
        for moment in (begins, begins + 5 * HOUR):
            there = moment.astimezone(zoneinfo.ZoneInfo(zone))
            assert there.replace(tzinfo=by_file).utcoffset() == there.utcoffset()
    assert [str(rules["TZID"]) for rules in calendar.timezones] == ([] if zone == "UTC" else [zone])


def test_each_step_is_an_entry_of_its_own_and_its_uid_never_changes() -> None:
    second = dataclasses.replace(PART, id="supper-2", name="Dance", starts_at=PART.ends_at, ends_at=PART.ends_at + HOUR)
    both = dataclasses.replace(SUPPER, parts=(PART, second), several=True)
    before = read(both)
    assert [str(event["SUMMARY"]) for event in before] == ["Friday supper: Supper", "Friday supper: Dance"]
    moved = dataclasses.replace(both, name="Supper", version=3, parts=(dataclasses.replace(PART, version=2), second))
    after = read(moved)
    assert [event["UID"] for event in after] == [event["UID"] for event in before]
    assert len({event["UID"] for event in before}) == 2
    assert [event["SEQUENCE"] for event in before] == [0, 0]
    assert [event["SEQUENCE"] for event in after] == [3, 2]
    elsewhere = dataclasses.replace(both, created_at=both.created_at + dt.timedelta(microseconds=1))
    assert {event["UID"] for event in read(elsewhere)}.isdisjoint({event["UID"] for event in before})


def test_what_was_cancelled_says_so_and_why() -> None:
    (event,) = read(gatherings.of("Supper", standing="cancelled", reason="The kitchen is closed."))
    assert event["STATUS"] == "CANCELLED"
    assert "The kitchen is closed." in str(event["DESCRIPTION"])


def test_a_place_without_a_pin_has_no_position() -> None:
    home = dataclasses.replace(PART, place=Place("At Mei's", "Neukölln"))
    (at_home,), (at_cafe,) = read(dataclasses.replace(SUPPER, parts=(home,))), read(SUPPER)
    assert "GEO" not in at_home
    assert at_home["LOCATION"] == "At Mei's, Neukölln"
    assert at_cafe["GEO"].to_ical() == "52.52;13.405"


def test_when_it_was_written_does_not_make_it_another() -> None:
    earlier, later = write(SUPPER), write(SUPPER, now=NOW + 5 * HOUR)
    assert earlier != later
    assert writing.etag(earlier) == writing.etag(later)
    assert writing.etag(earlier) != writing.etag(write(gatherings.of("Other")))


def test_an_empty_calendar_is_one_and_says_when_to_ask_again() -> None:
    calendar = parse(write())
    assert calendar.events == []
    assert calendar["REFRESH-INTERVAL"].to_ical() == b"PT1H"
    assert calendar["REFRESH-INTERVAL"].params["VALUE"] == "DURATION"
    assert (str(calendar["NAME"]), str(calendar["X-WR-CALNAME"])) == ("Night readers", "Night readers")
    assert read_elsewhere(write()) == []
