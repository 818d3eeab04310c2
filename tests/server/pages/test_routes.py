"""The pages' addresses: who sees what, where forms lead, and one-time links."""

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
from server.pages import sign_in
from server.people import service as people
from server.venues import service as venues
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW, make_badge, make_members
from tests.server.presence import scene

HTML = {"Accept": "text/html"}


@pytest.fixture
def night(as_: As, session: Session) -> As:
    """The browsers, and Cleo's event in the cafe that begins in an hour and is open."""
    step = events.NewStep("Talk", "cafe", NOW + HOUR, NOW + 3 * HOUR, zone_id="cafe-back")
    events.create(session, id="night", name="Night of ideas", organizer_id="cleo", steps=[step])
    return as_


def test_anonymous_is_refused(night: As) -> None:
    for path in ("/tonight", "/events/night/live", "/venues/cafe/live", "/demo"):
        page = night(None).get(path, headers=HTML)
        assert page.status_code == 401
        assert "Night of ideas" not in page.text
        assert "Café Lumen" not in page.text


def test_strangers_see_what_muster_is(as_: As) -> None:
    assert "See your gathering come alive" in as_(None).get("/").text
    assert "muster-server signin" in as_(None).get("/sign-in").text


@pytest.mark.parametrize(
    ("path", "may", "may_not"),
    [
        ("/events/night/live", ["ana", "cleo"], ["ben", "dora"]),
        ("/venues/cafe/live", ["ana", "ben", "cleo"], ["dora"]),
    ],
)
def test_live_pages_are_for_those_whose_they_are(night: As, path: str, may: list[str], may_not: list[str]) -> None:
    for member_id in may:
        page = night(member_id).get(path, headers=HTML)
        assert page.status_code == 200, member_id
        assert f'"/api{path}"' in page.text
    for member_id in may_not:
        page = night(member_id).get(path, headers=HTML)
        assert page.status_code == 403, member_id
        assert f'"/api{path}"' not in page.text


def test_an_organizer_sees_the_venue_while_her_event_is_on_alone(night: As, clock: Clock) -> None:
    assert night("cleo").get("/venues/cafe/live").status_code == 200
    clock.now = NOW + 3 * HOUR
    assert night("cleo").get("/venues/cafe/live").status_code == 403
    clock.now = NOW - HOUR
    assert night("cleo").get("/venues/cafe/live").status_code == 403


def test_what_is_not_there_is_a_page_of_its_own(as_: As) -> None:
    for path in ("/events/nothing/live", "/venues/nowhere/live", "/nothing"):
        page = as_("ana").get(path, headers=HTML)
        assert page.status_code == 404
        assert "Traceback" not in page.text


def test_home_shows_what_one_hosts_goes_to_and_looks_after(night: As, session: Session) -> None:
    signups.sign_up(session, event_id="night", member_id="dora", now=NOW)
    hosts = night("cleo").get("/").text
    assert "You host this" in hosts
    assert "/events/night/live" in hosts
    goes = night("dora").get("/").text
    assert "You signed up" in goes
    assert "/events/night/live" not in goes
    looks_after = night("ben").get("/").text
    assert "/venues/cafe/live" in looks_after
    assert "Open to you" in looks_after


def test_a_shop_s_pages_count_attendances_and_not_visits(night: As, session: Session) -> None:
    guest, other = scene.badge(session), scene.badge(session)
    scene.listens(session, "cafe-door", scene.at(3600, NOW), scene.at(3400, NOW))
    scene.listens(session, "cafe-door", scene.at(2900, NOW), scene.at(0, NOW))
    for badge_id, since_s, until_s in ((guest, 3600, 3400), (guest, 2900, 2000), (other, 2800, 2700)):
        scene.visit(session, badge_id, "cafe", None, scene.at(since_s, NOW), scene.at(until_s, NOW))
    yesterday = scene.badge(session)
    scene.visit(session, yesterday, "cafe", None, scene.at(100_000, NOW), scene.at(90_000, NOW))
    assert "2 visits today" in night("ben").get("/").text
    page = night("ben").get("/venues/cafe/live").text
    assert "Visits today" in page
    assert '<span class="num" id="visits">2</span>' in page
    assert "ended while a Pi did not listen" not in page
    scene.visit(session, yesterday, "cafe", None, scene.at(3500, NOW), scene.at(3401, NOW))
    page = night("ben").get("/venues/cafe/live").text
    assert '<span class="num" id="visits">3</span>' in page
    assert "1 of them ended while a Pi did not listen" in page


def test_a_replayed_venue_says_of_which_day_it_is(night: As, session: Session) -> None:
    venues.create(session, id="hall", name="Hall", time_zone="UTC", owner_id="ben", replayed=True)
    assert f"A recording of {NOW.day} {NOW:%B %Y}." in night("ben").get("/venues/hall/live").text
    assert "A recording" not in night("ben").get("/venues/cafe/live").text
    assert night("ben").get("/").status_code == 200


def test_the_phone_shows_the_badge_and_where_to_go(night: As, session: Session) -> None:
    badges.pair(session, badge_id=make_badge(session), member_id="dora", since=NOW)
    signups.sign_up(session, event_id="night", member_id="dora", now=NOW)
    page = night("dora").get("/tonight").text
    assert "Night of ideas" in page
    assert "21:00" in page  # 20:00 UTC in Berlin
    assert "/api/me/live" in page
    assert "You have no badge yet" not in page
    assert "You have no badge yet" in night("ben").get("/tonight").text


def test_the_phone_shows_a_check_in(night: As, session: Session) -> None:
    session.execute(
        text(
            "INSERT INTO checkin (step_id, member_id, at, evidence, signed_up)"
            " VALUES ('night-1', 'dora', :at, 'beacon', true)"
        ),
        {"at": NOW + dt.timedelta(minutes=28)},
    )
    page = night("dora").get("/tonight").text
    assert "20:28 · by your badge" in page
    assert "until 23:00" in page
    assert "in since 20:28" in night("dora").get("/").text


def test_a_link_is_asked_about_first_and_used_once(as_: As, session: Session, clock: Clock) -> None:
    token = people.make_link(session, member_id="dora", now=NOW)
    stranger = as_(None)
    for _ in range(2):
        assert "Welcome, Dora Lindqvist" in stranger.get(f"/sign-in/{token}").text
    assert stranger.head(f"/sign-in/{token}").status_code == 200
    answer = stranger.post(f"/sign-in/{token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert stranger.get("/api/me").json()["id"] == "dora"
    other = as_(None)
    for used in (other.post(f"/sign-in/{token}"), other.get(f"/sign-in/{token}"), other.get("/sign-in/made-up")):
        assert used.status_code == 410
        assert "Dora" not in used.text
    assert other.get("/api/me").status_code == 401
    late = people.make_link(session, member_id="dora", now=NOW)
    clock.now += dt.timedelta(minutes=15)
    assert other.post(f"/sign-in/{late}").status_code == 410


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(as_: As) -> None:
    dora = as_("dora")
    kept = dora.cookies["muster_session"]
    assert dora.post("/sign-out").status_code == 303
    thief = as_(None)
    thief.cookies.set("muster_session", kept)
    assert thief.get("/api/me").status_code == 401
    assert as_(None).post("/sign-out").status_code == 303


@pytest.fixture
def visitor(make_app: Callable[[Settings], FastAPI], demo_settings: Settings, session: Session) -> TestClient:
    """A stranger at a demonstration with a venue of Robin's."""
    make_members(session)
    people.create(session, id="you", name="Robin", about="You carry a badge.", demo_order=1)
    people.create(session, id="guest", name="Lin", about="She signed up.", demo_order=2)
    venues.create(session, id="books", name="Books", time_zone="UTC", owner_id="you", contact="here", simulated=True)
    fleet.enrol(session, agent_id="books-pi")
    fleet.place(session, agent_id="books-pi", venue_id="books", zone_id="books-everywhere", since=NOW - HOUR)
    return TestClient(make_app(demo_settings), raise_server_exceptions=False, follow_redirects=False)


def test_a_visitor_chooses_a_name_and_goes_on(visitor: TestClient) -> None:
    page = visitor.get("/sign-in", params={"next": "/tonight"}).text
    assert "You carry a badge." in page
    assert 'value="/tonight"' in page
    answer = visitor.post("/sign-in", data={"member": "you", "next": "/tonight"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/tonight")
    assert visitor.get("/tonight").status_code == 200
    assert "/demo" in visitor.get("/").text


def test_a_visitor_cannot_be_somebody_of_the_house(visitor: TestClient) -> None:
    assert visitor.post("/sign-in", data={"member": "ana"}, headers=HTML).status_code == 403
    assert visitor.post("/sign-in", data={}, headers=HTML).status_code == 422
    assert visitor.get("/api/me").status_code == 401


def test_the_demonstration_shows_the_venues_one_may_watch(visitor: TestClient) -> None:
    visitor.post("/sign-in", data={"member": "you"})
    page = visitor.get("/demo").text
    assert "/api/live?topic=venue/books" in page
    visitor.post("/sign-in", data={"member": "guest"})
    assert visitor.get("/demo").status_code == 403


def test_there_is_no_demonstration_elsewhere(as_: As) -> None:
    assert as_("ana").get("/demo").json()["code"] == "no_demo"
    assert as_(None).post("/sign-in", data={"member": "ana"}).json()["code"] == "no_choosing"


@pytest.mark.parametrize("path", ["/", "/tonight", "/events/night/live?wall=1#now", "/venues/café/live"])
def test_one_s_own_paths_are_gone_to(path: str) -> None:
    assert sign_in.check_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tonight",
        "//elsewhere.example",
        "///elsewhere.example",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "https://elsewhere.example/",
        "javascript:alert(1)",
        "/\t/elsewhere.example",
        "/\n/elsewhere.example",
        " //elsewhere.example",
        "/tonight\r\nSet-Cookie: a=b",
        "/sign-out",
        "/sign-in?next=/",
    ],
)
def test_nobody_is_sent_elsewhere(visitor: TestClient, path: str) -> None:
    assert sign_in.check_next(path) == "/"
    answer = visitor.post("/sign-in", data={"member": "you", "next": path})
    assert answer.headers["location"] == "/"
    assert "elsewhere.example" not in visitor.get("/sign-in", params={"next": path}).text
