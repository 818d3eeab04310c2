"""Tests of the four ways into the demonstration, and of what an operator sees of her server."""

import dataclasses
import datetime as dt
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Settings
from server.badges import service as badges
from server.events import service as events
from server.events import signups
from server.fleet import service as fleet
from server.pages import roles
from server.people import service as people
from server.venues import service as venues
from tests.server.conftest import Clock
from tests.server.places import HOUR, IDENTITY, NOW

HTML = {"Accept": "text/html"}
Open = Callable[[], TestClient]


@dataclasses.dataclass
class Broker:
    """What the page asks of the connection."""

    is_connected: bool = True


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def demo_app(
    make_app: Callable[[Settings], FastAPI], demo_settings: Settings, session: Session, broker: Broker
) -> FastAPI:
    """A demonstration with a person for each role and two simulated events of Robin's."""
    for order, (id_, operator) in enumerate((("robin", False), ("amina", False), ("jun", True)), 1):
        people.create(session, id=id_, name=id_.title(), operator=operator, simulated=True, demo_order=order)
    people.create(session, id="real", name="Real", operator=True)
    badge_id = badges.register(session, identity=IDENTITY, since=NOW - HOUR)
    badges.pair(session, badge_id=badge_id, member_id="robin", since=NOW - HOUR)
    venues.create(
        session, id="cafe", name="Café", time_zone="UTC", owner_id="amina", contact="hello@cafe.example", simulated=True
    )
    fleet.enrol(session, agent_id="cafe-door")
    fleet.place(session, agent_id="cafe-door", venue_id="cafe", zone_id="cafe-everywhere", since=NOW - HOUR)
    for event_id, begins, guests in (("small", NOW, 0), ("large", NOW, 2), ("past", NOW - 9 * HOUR, 3)):
        step = events.NewStep("Evening", "cafe", begins, begins + 2 * HOUR)
        events.create(session, id=event_id, name=event_id, organizer_id="robin", steps=[step], simulated=True)
        for member_id in ("robin", "amina", "jun")[:guests]:
            signups.sign_up(session, event_id=event_id, member_id=member_id, now=NOW - 10 * HOUR)
    app = make_app(demo_settings)
    app.state.broker = broker
    return app


@pytest.fixture
def browser(demo_app: FastAPI) -> TestClient:
    return TestClient(demo_app, follow_redirects=False)


def test_the_operators_page_is_for_operators_alone(browser: TestClient) -> None:
    assert browser.get("/operator", headers=HTML).status_code == 401
    for role in ("attendee", "owner", "organizer"):
        browser.post("/be", data={"role": role})
        assert browser.get("/operator", headers=HTML).status_code == 403
    browser.post("/be", data={"role": "operator"})
    assert browser.get("/operator", headers=HTML).status_code == 200


@pytest.mark.parametrize(
    ("role", "member", "leads_to"),
    [
        ("attendee", "robin", "/demo"),
        ("owner", "amina", "/venues/cafe/live"),
        ("organizer", "robin", "/events/large/live"),
        ("operator", "jun", "/operator"),
    ],
)
def test_one_tap_signs_in_as_who_shows_it_and_leads_to_where_it_is_seen(
    browser: TestClient, role: str, member: str, leads_to: str
) -> None:
    page = browser.get("/", headers=HTML)
    assert f'name="role" value="{role}"' in page.text
    answer = browser.post("/be", data={"role": role})
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)
    assert browser.get("/api/me").json()["id"] == member
    assert browser.get(leads_to, headers=HTML).status_code == 200
    # One click back, and the four are there again.
    assert browser.get("/", headers=HTML).text.count('class="way ') == 4


def test_changing_over_ends_who_one_was(browser: TestClient, session: Session) -> None:
    browser.post("/be", data={"role": "owner"})
    browser.post("/be", data={"role": "operator"})
    assert session.scalars(text("SELECT member_id FROM session")).all() == ["jun"]


def test_a_role_that_nobody_shows_is_not_there(browser: TestClient, session: Session) -> None:
    for role in ("king", "", "x" * 21):
        assert browser.post("/be", data={"role": role}).status_code in (404, 422)
    session.execute(text("UPDATE member SET demo_order = NULL WHERE operator"))
    assert browser.post("/be", data={"role": "operator"}).json()["code"] == "nobody_shows"
    assert 'value="operator"' not in browser.get("/", headers=HTML).text


def test_nobody_real_is_ever_shown_as_a_role(browser: TestClient, session: Session) -> None:
    session.execute(text("UPDATE member SET demo_order = NULL WHERE id = 'jun'"))
    assert browser.post("/be", data={"role": "operator"}).status_code == 404


def test_a_server_without_demonstration_has_no_cards_and_lets_nobody_be_anybody(
    make_app: Callable[[Settings], FastAPI],
    settings: Settings,
    demo_app: FastAPI,  # noqa: ARG001 -- its people
) -> None:
    client = TestClient(make_app(settings), follow_redirects=False)
    page = client.get("/", headers=HTML).text
    assert 'class="way ' not in page
    assert 'href="/sign-in"' in page
    refused = client.post("/be", data={"role": "operator"})
    assert (refused.status_code, refused.json()["code"]) == (403, "no_choosing")
    assert "set-cookie" not in refused.headers


def test_when_all_is_over_the_wall_of_the_last_evening_is_shown(browser: TestClient, clock: Clock) -> None:
    clock.now = NOW + 5 * HOUR
    assert browser.post("/be", data={"role": "organizer"}).headers["location"] == "/events/large/live"


def test_an_empty_demonstration_has_no_ways_in(session: Session) -> None:
    assert roles.ways_in(session, NOW) == []


def test_the_operators_page_says_what_is_not_well_and_names_nobody(
    browser: TestClient, broker: Broker, session: Session, clock: Clock
) -> None:
    browser.post("/be", data={"role": "operator"})
    page = browser.get("/operator", headers=HTML).text
    assert "None has run yet. Start one: muster-gateway." in page
    session.execute(
        text("INSERT INTO gateway_health (gateway, counters, at) VALUES ('g', '{}', :at)"),
        {"at": clock.now - dt.timedelta(seconds=3)},
    )
    page = browser.get("/operator", headers=HTML).text
    assert "It wrote its counters 3 seconds ago." in page
    assert "Connected" in page
    assert "Robin" not in page
    assert "Amina" not in page
    broker.is_connected = False
    clock.now += dt.timedelta(minutes=5)
    page = browser.get("/operator", headers=HTML).text
    assert "Not connected." in page
    assert "Silent for 303 s." in page
    assert "Something wants your hand." in page
