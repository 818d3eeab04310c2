"""Where a home is: told to its guests around their event, and found by nobody else in anything that the server says."""

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.events import places, signups
from server.events import service as events
from server.fleet import service as fleet
from server.people import roles
from server.people import service as people
from server.pictures.model import Picture
from server.venues import service as venues
from server.venues.model import PlanRow
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.test_app import addresses

DAY = dt.timedelta(days=1)
# So odd that whatever holds them has them from the home alone.
LON, LAT = 11.618033, 48.141592
STREET = "Zaunkönigstraße 77"
CONTACT = "zaunkoenig@example.org"
SECRETS = ("11.618", "48.141", "11.6181", "48.1417", "Zaunkönig", "Zaunk\\u00f6nig", "zaunkoenig@", "Zaunk&#246;nig")


@pytest.fixture
def home(as_: As, session: Session) -> As:
    """Ben's home with a plan and a Pi, a dinner there in a week that Emil goes to, and Hugo helps to host."""
    for member_id in ("emil", "hugo", "ida"):
        people.create(session, id=member_id, name=member_id.capitalize())
    area = {
        "type": "Polygon",
        "coordinates": [[[LON, LAT], [LON + 1e-4, LAT], [LON + 1e-4, LAT + 1e-4], [LON, LAT + 1e-4], [LON, LAT]]],
    }
    venues.create(
        session,
        id="home",
        name="Ben's kitchen",
        owner_id="ben",
        location=(LON, LAT),
        kind="home",
        district="Haidhausen",
        address=STREET,
        contact=CONTACT,
        zones=[venues.NewZone("home-kitchen", "Kitchen", area=area)],
    )
    fleet.enrol(session, agent_id="home-pi")
    fleet.place(
        session, agent_id="home-pi", venue_id="home", zone_id="home-kitchen", since=NOW - HOUR, location=(LON, LAT)
    )
    roles.give(session, member_id="ida", kind="venue", of_id="home", called="Ida", by="ben", now=NOW)
    step = events.NewStep("Dinner", "home", NOW + 7 * DAY, NOW + 7 * DAY + 3 * HOUR)
    later = events.NewStep("Breakfast", "cafe", NOW + 8 * DAY, NOW + 8 * DAY + HOUR)
    events.create(session, id="dinner", name="Dinner", organizer_id="cleo", steps=[step, later])
    roles.give(session, member_id="hugo", kind="event", of_id="dinner", called="Hugo", by="cleo", now=NOW)
    signups.sign_up(session, event_id="dinner", member_id="emil", now=NOW)
    return as_


def test_anonymous_is_refused(home: As) -> None:
    assert home(None).get("/api/venues/home").status_code == 401


@pytest.mark.parametrize(
    ("member_id", "before", "told"),
    [
        ("emil", 25 * HOUR, False),
        ("emil", 24 * HOUR, True),
        ("emil", -2 * HOUR, True),
        ("emil", -24 * HOUR - HOUR + dt.timedelta(seconds=1), True),  # until the end of the last step
        ("emil", -25 * HOUR, False),
        ("dora", HOUR, False),
        ("ana", HOUR, False),
        ("ben", 30 * DAY, True),
        ("ida", 30 * DAY, True),
        ("cleo", 30 * DAY, True),
        ("hugo", -30 * DAY, True),
    ],
)
def test_guests_know_it_around_their_event_and_hosts_always(
    home: As, session: Session, clock: Clock, member_id: str, before: dt.timedelta, told: bool
) -> None:
    now = NOW + 7 * DAY - before
    venue, member = venues.get(session, "home"), people.get(session, member_id)
    assert places.sees_address(session, venue=venue, member=member, now=now) is told
    browser = home(member_id)
    clock.now = now
    browser = home(member_id)
    seen = browser.get("/api/venues/home").json()
    assert (seen["name"], seen["district"], seen["withheld"]) == ("Ben's kitchen", "Haidhausen", not told)
    assert (seen["address"], seen["contact"]) == ((STREET, CONTACT) if told else ("", ""))
    assert seen["location"] == ([LON, LAT] if told else None)
    assert (seen["zones"][0]["area"] is not None) is told
    page = browser.get("/events/dinner").text
    assert (STREET in page, "geo:48.141592,11.618033" in page) == (told, told)
    assert told or "Haidhausen" in page


def test_who_withdraws_is_told_no_more(home: As, session: Session, clock: Clock) -> None:
    clock.now = NOW + 7 * DAY - HOUR
    assert not home("emil").get("/api/venues/home").json()["withheld"]
    signups.withdraw(session, event_id="dinner", member_id="emil", now=clock.now)
    assert home("emil").get("/api/venues/home").json()["withheld"]


@pytest.mark.usefixtures("home")
def test_a_stranger_sees_no_place_of_it_and_places_are_everybody_s(session: Session) -> None:
    assert not places.sees_address(session, venue=venues.get(session, "home"), member=None, now=NOW)
    assert places.sees_address(session, venue=venues.get(session, "cafe"), member=None, now=NOW)


def _asked(app: FastAPI) -> list[str]:
    """Every address that is read, of the API and of pages, as it concerns the home."""
    names: dict[str, Any] = {
        "venue_id": "home",
        "agent_id": "home-pi",
        "event_id": "dinner",
        "step_id": "dinner-1",
        "member_id": "ben",
        "plural": "venues",
        "of_id": "home",
        "zone_id": "home-kitchen",
        "level": "0",
    }
    asked = []
    for method, path in addresses(app):
        if method == "GET" and path != "/api/live":
            for part in path.split("{")[1:]:
                key = part.partition("}")[0]
                path = path.replace(f"{{{key}}}", str(names.get(key, "1")))
            asked.append(path)
    return [path for path in asked if not path.endswith("/live") or not path.startswith("/api/")]


@pytest.mark.parametrize("member_id", [None, "dora", "emil", "ana"])
def test_no_answer_and_no_page_says_where_it_is(
    home: As, app: FastAPI, session: Session, member_id: str | None
) -> None:
    picture_id = _make_picture(session)
    line = {"ax": 1, "ay": 1, "bx": 99, "by": 1, "metres": 10, "bearing_deg": 0}
    session.add(
        PlanRow(venue_id="home", level=0, picture_id=picture_id, width=100, height=100, lon=LON, lat=LAT, **line)
    )
    session.flush()
    browser = home(member_id)
    told = [path for path in _asked(app) if _tells(browser, path)]
    assert told == []
    # The same walk finds them where they are told: it looks in the right places.
    if member_id == "dora":
        found = {path for path in _asked(app) if _tells(home("ben"), path)}
        assert {
            "/api/venues/home",
            "/api/venues",
            "/venues/home",
            "/venues/home/settings",
            "/venues/home/notice",
        } <= found


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_up SET state = 'asked'",
        "UPDATE sign_up SET state = 'waiting'",
        "UPDATE event SET state = 'cancelled'",
        "UPDATE event SET state = 'draft'",
        "INSERT INTO sign_up_step (event_id, step_id, member_id, state, turn)"
        " VALUES ('dinner', 'dinner-2', 'emil', 'going', 1)",  # breakfast at the cafe is all that she comes to
    ],
)
def test_who_is_not_let_in_there_is_not_told(home: As, session: Session, clock: Clock, change: str) -> None:
    clock.now = NOW + 7 * DAY - HOUR
    assert not home("emil").get("/api/venues/home").json()["withheld"]
    session.execute(text(change))
    assert home("emil").get("/api/venues/home").json()["withheld"]


def test_a_home_is_in_no_list_of_others(home: As) -> None:
    assert "home" in [venue["id"] for venue in home("ben").get("/api/venues").json()]
    assert "home" not in [venue["id"] for venue in home("ana").get("/api/venues").json()]


def test_an_operator_does_not_watch_a_home(home: As) -> None:
    answer = home("ana").get("/api/venues/home/presence")
    assert (answer.status_code, answer.json()["code"]) == (403, "venue_not_yours")
    assert home("ana").get("/api/venues/cafe/presence").status_code == 200
    assert home("ben").get("/api/venues/home/presence").status_code == 200


def test_how_far_somebody_is_from_it_is_not_told(home: As, clock: Clock) -> None:
    body = {"nonce": "n" * 16, "event": "dinner", "fix": {"position": [LON, LAT + 0.05], "accuracy_m": 5}}
    clock.now = NOW + 7 * DAY
    answer = home("dora").post("/api/check-ins", json=body).json()
    assert answer["code"] == "place_unknown"
    assert "metres" not in answer["detail"]


def test_an_operator_cannot_make_herself_one_who_may_know(home: As) -> None:
    ana = home("ana")
    step = {"name": "Trap", "venue": "home", "starts_at": NOW.isoformat(), "ends_at": (NOW + HOUR).isoformat()}
    for method, path, body in (
        ("PATCH", "/api/venues/home", {"name": "Kitchen"}),
        ("PATCH", "/api/venues/home", {"kind": "place"}),
        ("PATCH", "/api/venues/home", {"owner": "ana"}),
        ("PUT", "/api/venues/home/staff/ana", {}),
        ("POST", "/api/events", {"name": "Trap", "steps": [step]}),
        ("PATCH", "/api/events/dinner/steps/dinner-2", {"venue": "home"}),
    ):
        answer = ana.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_venue"), path
    ran: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/api/events/dinner/again", {}),
        ("POST", "/events/dinner/again", None),
        ("POST", "/api/events/dinner/series", {"rule": "FREQ=WEEKLY"}),
        ("POST", "/api/events/dinner/hand-over", {"to": "ana"}),
        ("PUT", "/api/events/dinner/hosts/ana", {}),
        ("POST", "/events/dinner/crew", None),
        ("PATCH", "/api/events/dinner", {"approval": False}),
        ("PATCH", "/api/events/dinner/entry", {"approval": False, "places": []}),
        ("PUT", "/api/events/dinner/sign-ups/1", {"yes": True}),
        ("POST", "/events/dinner/people/1", None),
        ("POST", "/api/events/dinner/sign-ups.csv", None),
        ("POST", "/api/events/dinner/doors", {"kind": "poster", "name": "Door"}),
    )
    for method, path, body in ran:
        form = {"nonce": "n" * 16, "who": "ana", "answer": "yes"} if body is None else None
        answer = ana.request(method, path, json=body, data=form, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_event"), path
    assert ana.get("/api/venues/home").json()["withheld"]
    plan = {"picture": "f" * 32, "a": [1, 1], "b": [90, 1], "metres": 9}
    assert home("ana").put("/api/venues/home/plans/0", json=plan).json()["code"] == "not_your_venue"
    assert home("ida").patch("/api/venues/home", json={"kind": "place"}).json()["code"] == "not_your_venue"


def test_an_operator_calls_off_what_is_at_a_home_and_runs_what_moved_away(home: As, session: Session) -> None:
    session.execute(text("UPDATE step SET venue_id = 'cafe' WHERE venue_id = 'home'"))
    assert home("ana").patch("/api/events/dinner", json={"approval": True}).status_code == 200
    session.execute(text("UPDATE step SET venue_id = 'home' WHERE id = 'dinner-1'"))
    assert home("ana").patch("/api/events/dinner", json={"approval": False}).status_code == 403
    assert home("ana").post("/api/events/dinner/cancel", json={}).json()["state"] == "cancelled"


def _make_picture(session: Session) -> str:
    size = {"mime": "image/webp", "width": 100, "height": 100}
    session.add(Picture(id="f" * 32, data=b"x", sha256=b"y" * 32, made_at=NOW, **size))
    session.flush()
    return "f" * 32


def _tells(browser: TestClient, path: str) -> bool:
    page = browser.get(path, headers={"Accept": "text/html, application/json"})
    told = page.text + " ".join(page.headers.values())
    if page.headers.get("content-type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(page.content)) as archive:
            told += "".join(archive.read(name).decode() for name in archive.namelist())
    return any(secret in told for secret in SECRETS)
