"""Feeds and calendar links over HTTP."""

import datetime as dt
from typing import Any

import icalendar
import pytest
from sqlalchemy.orm import Session

from server.calendars import service as calendars
from server.communities import service as communities
from server.erasure import personal
from server.events import life, signups
from server.events import service as events
from server.events.details import Details
from server.events.states import State
from server.venues import service as venues
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW

DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def _gatherings(as_: As, session: Session) -> None:  # noqa: ARG001 - who is there
    communities.create(session, id="readers", name="Night readers")
    communities.join(session, community_id="readers", member_id="dora")
    make(session, "supper", NOW + HOUR)
    make(session, "moon", NOW + 2 * HOUR, community_id="readers")
    signups.sign_up(session, event_id="supper", member_id="dora", now=NOW)
    signups.sign_up(session, event_id="moon", member_id="dora", now=NOW)


def make(session: Session, id: str, start: dt.datetime, community_id: str | None = None) -> None:
    steps = [events.NewStep("Part", "cafe", start, start + HOUR)]
    events.create(session, id=id, name=id.capitalize(), organizer_id="cleo", steps=steps, community_id=community_id)


def summaries(answer: Any) -> list[str]:
    calendar: Any = icalendar.Calendar.from_ical(answer.content)
    return sorted(str(event["SUMMARY"]) for event in calendar.events)


def link_of(as_: As, member_id: str = "dora") -> str:
    address: str = as_(member_id).post("/api/me/calendar").json()["address"]
    return address.removeprefix("http://127.0.0.1:8080")


def test_anonymous_is_refused_where_it_is_somebody_s_own(as_: As) -> None:
    stranger = as_(None)
    for method in ("GET", "POST", "DELETE"):
        assert stranger.request(method, "/api/me/calendar").status_code == 401
    for method, path in (("GET", ""), ("POST", "/make"), ("POST", "/show"), ("POST", "/end")):
        assert stranger.request(method, f"/calendars{path}").status_code == 401
    assert stranger.get("/g/moon/event.ics").status_code == 401
    assert as_("ben").get("/g/moon/event.ics").json()["code"] == "for_members_only"


def test_a_gathering_is_a_file_for_everybody(as_: As) -> None:
    answer = as_(None).get("/g/supper/event.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="supper.ics"'
    assert summaries(answer) == ["Supper"]
    member = as_("dora").get("/g/moon/event.ics")
    assert summaries(member) == ["Moon"]
    assert member.headers["cache-control"].startswith("private")


def test_a_member_s_link_shows_what_she_signed_up_for_and_hosts(as_: As, session: Session) -> None:
    make(session, "other", NOW + 3 * HOUR)
    assert summaries(as_(None).get(link_of(as_))) == ["Moon", "Supper"]
    assert summaries(as_(None).get(link_of(as_, "cleo"))) == ["Moon", "Other", "Supper"]
    signups.withdraw(session, event_id="supper", member_id="dora", now=NOW)
    assert summaries(as_(None).get(link_of(as_))) == ["Moon"]


def test_of_what_is_signed_up_for_by_step_she_reads_the_steps_that_she_chose(as_: As, session: Session) -> None:
    steps = [events.NewStep(name, "cafe", NOW + 2 * HOUR, NOW + 3 * HOUR, id=name) for name in ("red", "blue")]
    about = Details(by_step=True)
    events.create(session, id="rooms", name="Rooms", organizer_id="cleo", steps=steps, about=about)
    signups.sign_up(session, event_id="rooms", member_id="dora", step_ids=["blue"], now=NOW)
    assert "Rooms: red" not in as_(None).get(link_of(as_)).text
    assert "Rooms: blue" in as_(None).get(link_of(as_)).text
    assert "Rooms: red" in as_(None).get(link_of(as_, "cleo")).text


def test_a_link_is_shown_again_replaced_and_ended(as_: As) -> None:
    dora, stranger = as_("dora"), as_(None)
    assert dora.get("/api/me/calendar").json()["code"] == "no_calendar_link"
    first = link_of(as_)
    assert dora.get("/api/me/calendar").json()["address"].endswith(first)
    second = link_of(as_)
    assert first != second
    assert stranger.get(first).json()["code"] == "calendar_unknown"
    assert stranger.get(second).status_code == 200
    assert dora.delete("/api/me/calendar").status_code == 204
    assert stranger.get(second).json()["code"] == "calendar_unknown"
    for secret in ("", "%00", "ä", "x" * 65, "'--"):
        assert stranger.get(f"/calendars/{secret}.ics").status_code in (404, 422)


def test_a_link_goes_with_its_member_and_is_in_no_file_of_hers(as_: As, session: Session) -> None:
    link_of(as_)
    place = next(place for place in personal.places() if place.table.name == "calendar_link")
    assert place.own
    (row,) = personal.rows(session, place, "dora")
    assert "secret" not in row


def test_public_calendars_hold_what_is_open_to_all(as_: As, session: Session) -> None:
    stranger = as_(None)
    assert summaries(stranger.get("/venues/cafe/calendar.ics")) == ["Supper"]
    assert summaries(stranger.get("/communities/readers/calendar.ics")) == []
    events.get(session, "moon").open_to_all = True
    session.flush()
    assert summaries(stranger.get("/communities/readers/calendar.ics")) == ["Moon"]
    assert stranger.get("/venues/nowhere/calendar.ics").json()["code"] == "venue_unknown"
    assert stranger.get("/communities/nobody/calendar.ics").json()["code"] == "community_unknown"


def test_a_venue_s_calendar_has_the_steps_that_are_there_by_their_names(as_: As, session: Session) -> None:
    venues.create(session, id="hall", name="Hall", time_zone="UTC", owner_id="ben", contact="b@b.org")
    steps = [
        events.NewStep(name, venue_id, NOW + 2 * HOUR, NOW + 3 * HOUR)
        for name, venue_id in (("Soup", "cafe"), ("Dance", "hall"))
    ]
    events.create(session, id="ball", name="Ball", organizer_id="cleo", steps=steps)
    assert summaries(as_(None).get("/venues/hall/calendar.ics")) == ["Ball: Dance"]
    assert summaries(as_(None).get("/venues/cafe/calendar.ics")) == ["Ball: Soup", "Supper"]


def test_where_somebody_s_home_is_stands_in_her_guests_calendars_alone_and_from_a_day_before(
    as_: As, session: Session, clock: Clock
) -> None:
    cafe = venues.get(session, "cafe")
    cafe.kind, cafe.listed, cafe.district, cafe.address = "home", False, "Mitte", "Secret Street 7"
    session.flush()
    guest, host, stranger = link_of(as_), link_of(as_, "cleo"), as_(None)

    def told(path: str) -> bool:
        calendar = stranger.get(path).text
        knows = "Secret Street" in calendar
        assert ("GEO" in calendar) is knows
        assert knows or "Mitte" in calendar
        return knows

    clock.now = NOW + HOUR - DAY - dt.timedelta(seconds=1)
    assert [told(guest), told(host), told("/g/supper/event.ics")] == [False, True, False]
    clock.now += dt.timedelta(seconds=1)
    assert [told(guest), told(host), told("/g/supper/event.ics")] == [True, True, False]
    signups.withdraw(session, event_id="supper", member_id="dora", now=clock.now)
    signups.withdraw(session, event_id="moon", member_id="dora", now=clock.now)
    assert "Secret Street" not in stranger.get(guest).text
    assert stranger.get("/venues/cafe/calendar.ics").json()["code"] == "calendar_unknown"


def test_a_program_that_has_it_is_told_nothing_again(as_: As, clock: Clock, session: Session) -> None:
    path, stranger = link_of(as_), as_(None)
    first = stranger.get(path)
    assert first.headers["cache-control"] == "private, max-age=300"
    clock.now = NOW + HOUR / 2
    again = stranger.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    events.get(session, "supper").name = "Saturday supper"
    session.flush()
    assert stranger.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_a_calendar_goes_ninety_days_back_and_a_year_ahead(as_: As, session: Session) -> None:
    make(session, "long-ago", NOW - 91 * DAY)
    make(session, "lately", NOW - 89 * DAY)
    make(session, "next-year", NOW + 365 * DAY)
    make(session, "too-far", NOW + 367 * DAY)
    found = summaries(as_(None).get("/venues/cafe/calendar.ics"))
    assert found == ["Lately", "Next-year", "Supper"]


def test_of_more_than_it_takes_the_next_ones_are_told(
    as_: As, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        make(session, f"past-{number}", NOW - number * DAY)
        make(session, f"coming-{number}", NOW + number * DAY)
    monkeypatch.setattr(calendars, "MOST", 5)
    found = summaries(as_(None).get("/venues/cafe/calendar.ics"))
    assert found == ["Coming-1", "Coming-2", "Coming-3", "Past-1", "Supper"]


def test_what_was_cancelled_stays_thirty_days(as_: As, clock: Clock, session: Session) -> None:
    path, stranger = link_of(as_), as_(None)
    for event_id in ("supper", "moon"):
        life.cancel(session, event_id=event_id, now=NOW)
    assert stranger.get(path).text.count("STATUS:CANCELLED") == 2
    clock.now = NOW + 29 * DAY
    assert stranger.get(path).text.count("STATUS:CANCELLED") == 2
    clock.now = NOW + 31 * DAY
    assert "VEVENT" not in stranger.get(path).text


def test_drafts_are_in_no_calendar(as_: As, session: Session) -> None:
    path = link_of(as_)
    for event_id in ("supper", "moon"):
        events.get(session, event_id).state = State.DRAFT
    session.flush()
    assert "VEVENT" not in as_(None).get(path).text


def test_the_page_walks_without_a_script(as_: As) -> None:
    dora = as_("dora")
    assert "Make my address" in dora.get("/calendars").text
    made = dora.post("/calendars/make")
    assert made.status_code == 200
    assert "/calendars/" in made.text
    assert "webcal://127.0.0.1:8080/calendars/" in made.text
    covered = dora.get("/calendars").text
    assert "webcal://127.0.0.1:8080/calendars/" not in covered
    assert "/communities/readers/calendar.ics" in covered
    shown = dora.post("/calendars/show").text
    assert "webcal://127.0.0.1:8080/calendars/" in shown
    assert dora.post("/calendars/end").headers["location"] == "/calendars"
    assert dora.post("/calendars/show").status_code == 404
    assert "/venues/cafe/calendar.ics" in as_("ben").get("/calendars").text
