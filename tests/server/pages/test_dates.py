"""Gatherings that come again, through their plain forms: begun from one that is there, changed from a date on."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.events import copies, series
from server.events import service as events
from server.events.model import Event
from server.inbox import service as inbox
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.events.gathering import TOMORROW, make_dinner, make_event, told
from tests.server.pages.test_gathering_pages import HTML
from tests.server.places import CAFE, NOW


def starts(session: Session, event: Event) -> str:
    steps = events.steps_of(session, event_id=event.id)
    return f"{copies.starts_at(steps, copies.zone_of(session, steps)):%m-%d %H:%M}"


def begin(session: Session, rule: str = "FREQ=WEEKLY", **said: object) -> list[str]:
    make_dinner(session, 8, **said)
    found = series.begin(session, event_id="dinner", rule=rule, now=NOW)
    return [event.id for event in series.events_of(session, found)]


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the plan: its fields as they stand."""
    form = page[page.index('class="plan"') :]
    found = dict(re.findall(r'<input (?:type="(?:hidden|date|time)" )?name="(\w+)"[^>]* value="([^"]*)"', form))
    for name, options in re.findall(r'<select name="(\w+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    about = re.search(r'<textarea name="about"[^>]*>(.*?)</textarea>', form, re.DOTALL)
    return found | {"about": about[1] if about else ""}


def test_strangers_and_who_does_not_organize_it_are_refused(as_: As, session: Session) -> None:
    dates = begin(session)
    for path in ("/events/dinner/repeat", f"/events/{dates[1]}/following"):
        assert as_(None).post(path, data={"how": "weekly"}).status_code == 401
        assert as_("dora").post(path, data={"how": "weekly"}).status_code == 403
    assert as_("dora").get("/events/dinner/repeat", **HTML).status_code == 403
    make_event(session, "alone", TOMORROW, None)
    assert "/events/alone/repeat" not in as_("dora").get("/events/alone", **HTML).text


def test_one_that_is_there_comes_again_its_dates_looked_at_first_and_twice_is_as_once(
    as_: As, session: Session
) -> None:
    make_dinner(session, 8)
    cleo = as_("cleo")
    assert "/events/dinner/repeat" in cleo.get("/events/dinner", **HTML).text
    page = cleo.get("/events/dinner/repeat", params={"how": "fortnightly", "until": "2026-04-25"}, **HTML).text
    # The clocks are turned on 29 March: eight in the evening stays that.
    assert re.findall(r"(\w+ \d+ \w+) 2026</span> <span class=\"time\">([\d:]+)", page) == [
        ("Sat 14 March", "20:00"), ("Sat 28 March", "20:00"), ("Sat 11 April", "20:00"), ("Sat 25 April", "20:00"),
    ]  # fmt: skip
    assert events.get(session, "dinner").series_id is None
    said = {"how": "fortnightly", "until": "2026-04-25", "number": ""}
    made = [cleo.post("/events/dinner/repeat", data=said) for _ in range(2)]
    assert {(answer.status_code, answer.headers["location"]) for answer in made} == {(303, "/series/dinner")}
    assert len(series.events_of(session, series.get(session, "dinner"))) == 4
    assert series.get(session, "dinner").rule == "FREQ=WEEKLY;INTERVAL=2;UNTIL=20260425"
    again = cleo.get("/events/dinner/repeat", follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/series/dinner")
    assert "/events/dinner/repeat" not in cleo.get("/events/dinner", **HTML).text


def test_a_number_of_times_and_a_month_by_its_weekday(as_: As, session: Session) -> None:
    make_dinner(session, 8)
    said = {"how": "monthly", "until": "", "number": "15"}
    page = as_("cleo").get("/events/dinner/repeat", params=said, **HTML).text
    assert (page.count("<li><time"), "And 3 more." in page, "8 May 2027" in page) == (12, True, False)
    as_("cleo").post("/events/dinner/repeat", data=said)
    assert series.get(session, "dinner").rule == "FREQ=MONTHLY;BYDAY=2SA;COUNT=15"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"how": "hourly"}, "cannot be read"),
        ({"how": "weekly", "until": "2026-03-20"}, "a second time by that day"),
        ({"how": "weekly", "until": "2026-01-01"}, "a second time by that day"),
        ({"how": "weekly", "until": "soon"}, "Say the day until which it comes"),
        ({"how": "weekly", "number": "1"}, "a number from 2 to 500"),
        ({"how": "weekly", "number": "many"}, "a number from 2 to 500"),
        ({"how": "weekly", "number": "3", "until": "2026-05-01"}, "Or neither"),
    ],
)
def test_a_rule_that_never_comes_is_said_on_the_form_and_nothing_is_made(
    as_: As, session: Session, said: dict[str, str], sentence: str
) -> None:
    make_dinner(session, 8)
    cleo = as_("cleo")
    for answer in (
        cleo.get("/events/dinner/repeat", params=said, **HTML),
        cleo.post("/events/dinner/repeat", data=said, **HTML),
    ):
        assert answer.status_code == 422
        assert sentence in answer.text
        assert f'value="{said.get("until", "")}"' in answer.text
        assert "Its next dates" not in answer.text
    assert events.get(session, "dinner").series_id is None


def test_whoever_may_not_gather_there_any_more_lets_nothing_come_again(as_: As, session: Session) -> None:
    dates = begin(session)
    make_event(session, "other", TOMORROW, None)
    session.execute(text("UPDATE venue_welcome SET welcome = false"))
    cleo = as_("cleo")
    answer = cleo.post("/events/other/repeat", data={"how": "weekly", "number": "4"}, **HTML)
    assert (answer.status_code, "Only the shop owner" in answer.text, 'value="4"' in answer.text) == (403, True, True)
    said = form_of(cleo.get(f"/events/{dates[1]}/plan", **HTML).text) | {"name": "Soup", "time": "19:00"}
    answer = cleo.post(f"/events/{dates[1]}/following", data=said, **HTML)
    assert (answer.status_code, "Nothing was changed" in answer.text, 'value="Soup"' in answer.text) == (
        403,
        True,
        True,
    )
    session.expire_all()
    event = events.get(session, dates[1])
    assert (event.name, starts(session, event), event.series_id) == ("Dinner", "03-21 20:00", "dinner")


def test_only_this_date_or_this_and_all_that_follow(as_: As, session: Session) -> None:
    dates = begin(session)
    for event_id in dates[1:4]:
        as_("dora").post(f"/events/{event_id}/come", data={})
    cleo = as_("cleo")
    page = cleo.get(f"/events/{dates[2]}/plan", **HTML).text
    said = form_of(page)
    assert ("9 dates that are planned follow." in page, "1 member signed up" in page) == (True, True)
    cleo.post(f"/events/{dates[4]}/plan", data=said | {"version": "1", "day": "2026-04-12", "name": "By the sea"})
    said |= {"name": "Soup", "time": "19:30", "places": "5", "about": "Bring\r\na bowl"}
    answers = [cleo.post(f"/events/{dates[2]}/following", data=said) for _ in range(2)]
    where = [answer.headers.get("location") for answer in answers]
    assert where == [f"/series/{events.get(session, dates[2]).series_id}"] * 2
    found = [events.get(session, one) for one in dates]
    assert [one.name for one in found] == ["Dinner"] * 2 + ["Soup"] * 2 + ["By the sea"] + ["Soup"] * 7
    assert [starts(session, one) for one in found[1:6]] == [
        "03-21 20:00", "03-28 19:30", "04-04 19:30", "04-12 20:00", "04-18 19:30",
    ]  # fmt: skip
    assert [events.steps_of(session, event_id=one)[0].capacity for one in dates[1:4]] == [8, 5, 5]
    assert told(session, "dora") == ["event.moved", "event.moved"]
    assert {note.link for note in inbox.list_of(session, member_id="dora")} == {f"/events/{one}" for one in dates[2:4]}
    page = cleo.get(f"/events/{dates[2]}/plan", **HTML).text
    assert "Changed by themselves, and stay as they are: Sun 12 April 20:00" in page
    page = cleo.get(where[0] or "", **HTML).text
    assert (page.count('"time">19:30<'), page.count('"time">20:00<'), "Moved" in page) == (25, 1, True)
    assert "Sat 21 March" not in page


def test_who_saves_over_what_another_has_changed_meanwhile_is_told_so(as_: As, session: Session) -> None:
    dates = begin(session)
    cleo = as_("cleo")
    said = form_of(cleo.get(f"/events/{dates[1]}/plan", **HTML).text)
    cleo.post(f"/events/{dates[1]}/following", data=said | {"name": "Soup"})
    answer = cleo.post(f"/events/{dates[1]}/following", data=said | {"name": "Stew"}, **HTML)
    assert (answer.status_code, 'value="Stew"' in answer.text) == (412, True)
    assert {events.get(session, one).name for one in dates[1:]} == {"Soup"}
    assert told(session, "dora") == []


def test_what_cannot_be_is_said_on_the_plan_and_no_date_is_changed(as_: As, session: Session) -> None:
    dates = begin(session)
    cleo = as_("cleo")
    said = form_of(cleo.get(f"/events/{dates[1]}/plan", **HTML).text)
    for wrong, sentence in (
        ({"day": "soon"}, "Say the day"),
        ({"places": "many"}, "The number of places"),
        ({"name": "", "time": "19:00"}, "needs a name"),
        ({"venue": "nowhere", "time": "19:00"}, "There is no venue"),
    ):
        answer = cleo.post(f"/events/{dates[1]}/following", data=said | {"about": "A bowl", **wrong}, **HTML)
        assert answer.status_code in (404, 422)
        assert sentence in answer.text
        assert ("Nothing was changed" in answer.text, "A bowl" in answer.text) == (True, True)
    session.expire_all()
    assert {starts(session, events.get(session, one))[-5:] for one in dates} == {"20:00"}
    assert {events.get(session, one).series_id for one in dates} == {"dinner"}


def test_another_place_is_chosen_for_this_date_or_for_all_that_follow(as_: As, session: Session) -> None:
    dates = begin(session)
    venues.create(
        session, id="hall", name="Hall", time_zone="Europe/Berlin", owner_id="cleo", contact="At it", location=CAFE
    )
    venues.create(
        session, id="bar", name="Bar", time_zone="Europe/Berlin", owner_id="dora", contact="At it", location=CAFE
    )
    cleo = as_("cleo")
    page = cleo.get(f"/events/{dates[1]}/plan", **HTML).text
    said = form_of(page)
    assert (said["venue"], 'value="hall"' in page, 'value="bar"' in page) == ("cafe", True, False)
    cleo.post(f"/events/{dates[1]}/plan", data=said | {"venue": "hall"})
    said = form_of(cleo.get(f"/events/{dates[3]}/plan", **HTML).text)
    assert cleo.post(f"/events/{dates[3]}/following", data=said | {"venue": "bar"}, **HTML).status_code == 403
    cleo.post(f"/events/{dates[3]}/following", data=said | {"venue": "hall"})
    at = [events.steps_of(session, event_id=one)[0].venue_id for one in dates[:6]]
    assert at == ["cafe", "hall", "cafe", "hall", "hall", "hall"]


def test_a_date_that_moved_alone_asks_before_the_others_move_to_its_time(as_: As, session: Session) -> None:
    dates = begin(session)
    cleo = as_("cleo")
    path = f"/events/{dates[1]}"
    said = form_of(cleo.get(f"{path}/plan", **HTML).text)
    assert 'name="times"' not in cleo.get(f"{path}/plan", **HTML).text
    cleo.post(f"{path}/plan", data=said | {"day": "2026-03-22"})
    page = cleo.get(f"{path}/plan", **HTML).text
    assert 'name="times"' in page
    for refuses in (f"{path}/following", f"{path}/plan"):
        refused = cleo.post(refuses, data=form_of(page) | {"name": " ", "times": "true"}, **HTML)
        assert (refused.status_code, 'name="times" value="true" checked' in refused.text) == (422, True)
    cleo.post(f"{path}/following", data=form_of(page) | {"name": "Soup"})
    assert [starts(session, events.get(session, one)) for one in dates[1:3]] == ["03-22 20:00", "03-28 20:00"]
    assert events.get(session, dates[2]).name == "Soup"
    cleo.post(f"{path}/following", data=form_of(cleo.get(f"{path}/plan", **HTML).text) | {"times": "true"})
    assert [starts(session, events.get(session, one)) for one in dates[1:3]] == ["03-22 20:00", "03-29 20:00"]


def test_the_last_date_offers_this_date_alone(as_: As, session: Session) -> None:
    dates = begin(session, "FREQ=WEEKLY;COUNT=2")
    assert "This and all that follow" in as_("cleo").get(f"/events/{dates[0]}/plan", **HTML).text
    assert "This and all that follow" not in as_("cleo").get(f"/events/{dates[1]}/plan", **HTML).text


def test_what_was_called_off_is_put_back_on_the_page_of_all_dates(as_: As, session: Session) -> None:
    begin(session)
    cleo = as_("cleo")
    page = cleo.post("/series/dinner", data={"out": "2026-03-21T20:00:00"}, **HTML).text
    assert 'name="back" value="2026-03-21T20:00:00"' in page
    assert 'name="back"' not in as_("dora").get("/series/dinner", **HTML).text
    assert as_("dora").post("/series/dinner", data={"back": "2026-03-21T20:00:00"}).status_code == 403
    for _ in range(2):
        page = cleo.post("/series/dinner", data={"back": "2026-03-21T20:00:00"}, **HTML).text
        assert ("Called off" in page, page.count("Sat 21 March")) == (False, 1)
    assert cleo.post("/series/dinner", data={"back": "2026-03-22T20:00:00"}, **HTML).status_code == 404
