"""The pages of gatherings, as a browser without scripts uses them."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from server.events import series as all_series
from server.events import service as events
from server.people import service as people
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.events.gathering import come, make_dinner, seen
from tests.server.pictures.test_making import encode, two_colours
from tests.server.places import HOUR, NOW

HTML: dict[str, Any] = {"headers": {"Accept": "text/html"}, "follow_redirects": True}
NEW = {
    "name": "Soup and stories",
    "venue": "",
    "place": "The bandstand",
    "position": "52.52, 13.405",
    "day": "2026-03-20",
    "time": "19:30",
    "places": "2",
    "time_zone": "Europe/Berlin",
    "guests": "1",
}


def nonce_of(page: str) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def make(client: TestClient, **said: str) -> str:
    """Makes a gathering on the one screen, and returns its address."""
    nonce = nonce_of(client.get("/new", **HTML).text)
    answer = client.post("/new", data={**NEW, "nonce": nonce, **said}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    for path in ("/new", "/events/dinner", "/events/dinner/people", "/events/dinner/plan", "/series/dinner"):
        assert stranger.get(path).status_code == 401


def test_one_screen_makes_a_gathering_anywhere_once_and_tells_its_link(as_: As, session: Session) -> None:
    dora = as_("dora")
    nonce = nonce_of(dora.get("/new", **HTML).text)
    answers = [dora.post("/new", data={**NEW, "nonce": nonce}, follow_redirects=False) for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == ["/events/soup-and-stories?made=true"] * 2
    page = dora.get("/events/soup-and-stories?made=true", **HTML).text
    assert re.search(r'id="link" readonly aria-label="Its address" value="[^"]+/g/soup-and-stories"', page)
    assert "Soup and stories · Friday 20 March, 19:30 to 21:30 · The bandstand" in page
    assert "/g/soup-and-stories/picture.png?lang=en" in page
    assert "Tell the others" not in dora.get("/events/soup-and-stories", **HTML).text
    assert "The bandstand" in page
    assert "geo:52.520000,13.405000" in page
    (event,) = events.list_all(session)
    (step,) = events.steps_of(session, event_id=event.id)
    assert (f"{step.starts_at:%d %H:%M}", step.capacity) == ("20 18:30", 2)
    assert [venue["name"] for venue in as_("ana").get("/api/venues").json()] == ["Café Lumen"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"name": ""}, "needs a name"),
        ({"place": ""}, "Say where it is"),
        ({"day": "tomorrow"}, "Say the day"),
        ({"time": "25:00"}, "Say the day"),
        ({"places": "many"}, "The number of places"),
        ({"places": "0"}, "There are between 1 and"),
        ({"guests": "99"}, "Everybody may bring"),
        ({"position": "the park"}, "Type a latitude and a longitude"),
        ({"time_zone": "Mars", "position": ""}, "Europe/Berlin"),
        ({"venue": "cafe"}, "Only the shop owner"),
        ({"repeat": "hourly"}, "cannot be read"),
        ({"kind": "riot"}, "look at it again"),
    ],
)
def test_what_cannot_be_is_said_on_the_form_and_nothing_is_lost(
    as_: As, session: Session, said: dict[str, str], sentence: str
) -> None:
    dora = as_("dora")
    answer = dora.post("/new", data={**NEW, "nonce": "a-nonce-of-mine", "about": "Bring a bowl", **said}, **HTML)
    assert answer.status_code in (403, 422)
    assert sentence in answer.text
    assert "Bring a bowl" in answer.text
    assert events.list_all(session) == []


def test_somewhere_else_lives_by_the_clock_at_its_pin_and_without_one_by_what_was_typed(
    as_: As, session: Session
) -> None:
    dora = as_("dora")
    tokyo = make(dora, name="Ramen", position="35.6595, 139.7005").removeprefix("/events/")
    beijing = make(dora, name="Walk", position="39.9087, 116.3975", datum="gcj02").removeprefix("/events/")
    nowhere = make(dora, name="Tea", position="").removeprefix("/events/")
    found = {}
    for event_id in (tokyo, beijing, nowhere):
        (step,) = events.steps_of(session, event_id=event_id)
        venue = venues.get(session, step.venue_id)
        found[event_id] = (venue.time_zone, f"{step.starts_at:%H:%M}")
        if event_id == beijing:
            assert venues.location_of(venue) != pytest.approx((116.3975, 39.9087), abs=1e-3)
    assert found == {
        "ramen": ("Asia/Tokyo", "10:30"),
        "walk": ("Asia/Shanghai", "11:30"),
        "tea": ("Europe/Berlin", "18:30"),
    }


def test_a_picture_comes_with_the_form_is_changed_and_taken_out(as_: As, session: Session) -> None:
    dora = as_("dora")
    photo = {"picture": ("photo.jpg", encode(two_colours(), "JPEG"), "image/jpeg")}
    none = {"picture": ("", b"", "application/octet-stream")}
    form = {**NEW, "nonce": "a-nonce-of-mine"}
    no_picture = {"picture": ("photo.jpg", b"no picture", "image/jpeg")}
    refused = dora.post("/new", data=form, files=no_picture, **HTML)
    assert (refused.status_code, "no picture that can be read" in refused.text) == (422, True)
    page = dora.post("/new", data=form, files=photo, **HTML).text
    (event,) = events.list_all(session)
    shown = f"/api/pictures/{event.picture_id}"
    assert f'<img class="cover" src="{shown}"' in page
    plan = f"/events/{event.id}/plan"
    assert shown in dora.get(plan, **HTML).text
    assert shown in dora.post(plan, data=form, files=none, **HTML).text
    assert 'class="cover"' not in dora.post(plan, data={**form, "no_picture": "true"}, files=none, **HTML).text
    assert 'class="cover"' in dora.post(plan, data=form, files=photo, **HTML).text


def test_an_exhibition_says_its_first_and_its_last_day(as_: As, session: Session) -> None:
    step = events.NewStep("Pots", "cafe", NOW, NOW + 49 * HOUR)
    events.create(session, id="pots", name="Pots", organizer_id="cleo", steps=[step])
    both = "Fri 13 Mar 20:00 to Sun 15 Mar 21:00"
    for path in ("/events/pots", "/g/pots", "/"):
        assert both in as_("cleo").get(path, **HTML).text, path


def test_coming_waiting_and_leaving_without_scripts(as_: As) -> None:
    path = make(as_("dora"))
    ben, cleo = as_("ben"), as_("cleo")
    assert "You're going." in ben.post(f"{path}/come", data={"guests": "1"}, **HTML).text
    page = cleo.post(f"{path}/come", data={}, **HTML).text
    assert "You're next." in page
    refused = cleo.post(f"{path}/come", data={"guests": "7"}, **HTML)
    assert (refused.status_code, "Everybody may bring 1" in refused.text) == (422, True)
    ben.post(f"{path}/come", data={"act": "leave"}, **HTML)
    assert "You're going." in cleo.get(path, **HTML).text
    assert "A place is free" in cleo.get("/inbox", **HTML).text
    hosts = as_("dora").get(f"{path}/people", **HTML).text
    assert "Cléo Martin" in hosts
    assert "Ben Okafor" not in hosts
    assert cleo.get(f"{path}/people", **HTML).status_code == 403


def test_the_host_says_yes_and_no_and_sees_names_only_of_those_who_let_her(as_: As, session: Session) -> None:
    make_dinner(session, 1, approval=True)
    come(session, "dora", "ben")
    as_("ben").put("/api/me/pause")
    cleo = as_("cleo")
    page = cleo.get("/events/dinner/people", **HTML).text
    assert ("Dora Lindqvist" in page, "Ben Okafor" in page, "Somebody" in page) == (True, False, True)
    cleo.post("/events/dinner/people/2", data={"answer": "yes"}, **HTML)
    cleo.post("/events/dinner/people/1", data={"answer": "yes"}, **HTML)
    assert seen(session) == {"dora": "waiting after 0", "ben": "going"}
    assert as_("dora").post("/events/dinner/people/1", data={"answer": "yes"}).status_code == 403
    assert "Dora" not in as_("ana").get("/events/dinner/people", **HTML).text


def test_steps_are_chosen_by_ticks_and_progress_counts_them(as_: As, session: Session) -> None:
    make_dinner(session, 1, 1, by_step=True, needs=1)
    as_("ben").post("/events/dinner/come", data={"by_step": "true", "step": "dinner-1"}, **HTML)
    page = (
        as_("dora").post("/events/dinner/come", data={"by_step": "true", "step": ["dinner-1", "dinner-2"]}, **HTML).text
    )
    assert page.count("checked") == 2
    assert "You're next." in page
    found = as_("dora").get("/api/events/dinner/progress").json()
    assert found == {"done": [], "needs": 1, "complete": False}
    assert as_("dora").post("/events/dinner/come", data={"by_step": "true"}, **HTML).status_code == 404


def test_a_plan_changes_and_moves_and_who_signed_up_is_told(as_: As, session: Session) -> None:
    path = make(as_("dora"))
    as_("ben").post(f"{path}/come", data={}, **HTML)
    dora = as_("dora")
    assert as_("ben").get(f"{path}/plan", **HTML).status_code == 403
    said = {**NEW, "name": "Soup", "time": "20:00", "places": "1", "about": "Hot", "guests": "0"}
    assert dora.post(f"{path}/plan", data=said, **HTML).status_code == 200
    (event,) = events.list_all(session)
    (step,) = events.steps_of(session, event_id=event.id)
    assert (event.name, event.about, f"{step.starts_at:%d %H:%M}", step.capacity) == ("Soup", "Hot", "20 19:00", 1)
    assert "another time or place" in as_("ben").get("/inbox", **HTML).text
    wrong = dora.post(f"{path}/plan", data={**said, "name": "", "time": "21:00"}, **HTML)
    assert "Nothing was changed" in wrong.text
    session.expire_all()
    assert f"{events.steps_of(session, event_id=event.id)[0].starts_at:%H:%M}" == "19:00"


def test_again_and_calling_off(as_: As) -> None:
    path = make(as_("dora"))
    dora = as_("dora")
    nonce = nonce_of(dora.get(path, **HTML).text)
    found = {
        dora.post(f"{path}/again", data={"nonce": nonce}, follow_redirects=False).headers["location"] for _ in range(2)
    }
    assert found == {"/events/soup-and-stories-2026-03-27?made=true"}
    assert as_("ben").post(f"{path}/again", data={"nonce": nonce}).status_code == 403
    as_("ben").post(f"{path}/come", data={}, **HTML)
    assert as_("ben").post(f"{path}/life", data={"act": "cancel"}).status_code == 403
    dora.post(f"{path}/life", data={"act": "cancel", "reason": "Rain <all> day"}, **HTML)
    page = as_("ben").get(path, **HTML).text
    assert "Called off" in page
    assert "Rain &lt;all&gt; day" in page
    assert "I'm coming" not in page
    assert as_("ben").post(f"{path}/come", data={}, **HTML).status_code == 403


def test_who_keeps_the_place_may_call_off_what_is_at_it(as_: As, session: Session) -> None:
    make_dinner(session, 1)
    assert "Call it off" in as_("ben").get("/events/dinner", **HTML).text
    assert as_("ben").post("/api/events/dinner/cancel").json()["state"] == "cancelled"


def test_a_draft_is_its_hosts_alone_until_it_is_announced(as_: As) -> None:
    path = make(as_("dora"), draft="true")
    assert as_("ben").get(path, **HTML).status_code == 404
    assert as_("ben").get(f"/api{path}").json()["code"] == "event_unknown"
    assert as_("ben").get("/api/events").json() == []
    assert "Draft" in as_("dora").get(path, **HTML).text
    as_("dora").post(f"{path}/life", data={"act": "publish"}, **HTML)
    assert as_("ben").get(path, **HTML).status_code == 200


def test_nothing_of_a_draft_that_repeats_reaches_others_until_it_is_announced(as_: As, session: Session) -> None:
    path = make(as_("dora"), draft="true", repeat="weekly")
    ids = [event.id for event in events.list_all(session)]
    (series,) = {event.series_id for event in events.list_all(session)}
    ben, stranger = as_("ben"), as_(None)
    assert len(ids) > 10
    assert ben.get("/api/events").json() == []
    seen = {client.get(f"/g/{one}").status_code for client in (ben, stranger) for one in ids}
    assert seen | {ben.get(f"/events/{one}").status_code for one in ids} == {404}
    assert {ben.get(f"{start}/series/{series}").status_code for start in ("", "/api")} == {404}
    as_("dora").post(f"{path}/life", data={"act": "publish"}, **HTML)
    assert {event["state"] for event in ben.get("/api/events").json()} == {"published"}
    assert len(ben.get("/api/events").json()) == len(ids)


def test_dates_are_shown_called_off_and_ended(as_: As, session: Session) -> None:
    path = make(as_("dora"), repeat="monthly")
    (series,) = {event.series_id for event in events.list_all(session)}
    found = all_series.get(session, series or "")
    assert (found.rule, f"{found.starts_at:%m-%d %H:%M}") == ("FREQ=MONTHLY;BYDAY=3FR", "03-20 19:30")
    page = as_("ben").get(f"/series/{series}", **HTML).text
    assert "Fri 17 April" in page
    assert "Call this date off" not in page
    assert as_("ben").post(f"/series/{series}", data={"out": "2026-04-17T19:30:00"}).status_code == 403
    dora = as_("dora")
    assert "Called off" in dora.post(f"/series/{series}", data={"out": "2026-04-17T19:30:00"}, **HTML).text
    assert dora.post(f"/series/{series}", data={"out": "now"}, **HTML).status_code == 404
    page = dora.post(f"/series/{series}", data={"last": "2026-05-15T19:30:00"}, **HTML).text
    assert "It ends after these." in page
    assert "June" not in page
    assert as_("dora").get(path, **HTML).status_code == 200


def test_guests_make_no_gatherings(as_: As, session: Session) -> None:
    guest = people.create_guest(session, name="Bo")
    assert as_(guest.id).get("/new").json()["code"] == "account_needed"
