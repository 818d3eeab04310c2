"""Signing in and out over HTTP, and members as operators see them."""

import datetime as dt
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from config.settings import Settings
from server.people import service as people
from server.people import tokens
from tests.server.conftest import As, Clock


def test_anonymous_is_refused(as_: As) -> None:
    for path in ("/api/me", "/api/members"):
        assert as_(None).get(path).json()["code"] == "sign_in_needed"


@pytest.fixture
def visitor(make_app: Callable[[Settings], FastAPI], demo_settings: Settings, session: Session) -> TestClient:
    """A stranger at a demonstration with one person to choose and one who is none of its people."""
    people.create(session, id="you", name="Robin", demo_order=1)
    people.create(session, id="ops", name="Jun", operator=True)
    return TestClient(make_app(demo_settings), raise_server_exceptions=False)


def test_a_visitor_of_the_demonstration_chooses_who_to_be(visitor: TestClient) -> None:
    answer = visitor.post("/api/sign-in", json={"member": "you"})
    assert answer.json()["name"] == "Robin"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert visitor.get("/api/me").json()["id"] == "you"


def test_a_visitor_cannot_be_anybody_else(visitor: TestClient) -> None:
    assert visitor.post("/api/sign-in", json={"member": "ops"}).json()["code"] == "no_choosing"
    assert visitor.post("/api/sign-in", json={"member": "nobody"}).json()["code"] == "member_unknown"
    assert visitor.get("/api/me").status_code == 401


def test_nobody_chooses_outside_a_demonstration(as_: As, session: Session) -> None:
    people.create(session, id="you", name="Robin", demo_order=1)
    stranger = as_(None)
    answer = stranger.post("/api/sign-in", json={"member": "you"})
    assert (answer.status_code, answer.json()["code"]) == (403, "no_choosing")
    assert stranger.get("/api/me").status_code == 401


def test_a_session_ends_with_its_days_and_with_signing_out(as_: As, clock: Clock) -> None:
    dora = as_("dora")
    assert dora.get("/api/me").json() == {
        "id": "dora",
        "name": "Dora Lindqvist",
        "about": "",
        "operator": False,
        "simulated": False,
        "email": None,
        "guest": False,
        "language": None,
        "time_zone": None,
    }
    clock.now += dt.timedelta(days=30)
    assert dora.get("/api/me").status_code == 401
    dora = as_("dora")
    assert dora.post("/api/sign-out").status_code == 204
    assert dora.get("/api/me").status_code == 401


def test_operators_make_members_and_links_and_others_do_not(as_: As, session: Session, clock: Clock) -> None:
    ana, dora = as_("ana"), as_("dora")
    wanted = {"name": "Zoë Müller"}
    for refused in (dora.get("/api/members"), dora.post("/api/members", json=wanted)):
        assert (refused.status_code, refused.json()["code"]) == (403, "operators_only")
    made, again = (ana.post("/api/members", json=wanted).json()["id"] for _ in range(2))
    assert made != again
    assert "zoe" not in made  # an id travels where names must not
    assert ana.post("/api/members", json={**wanted, "id": "ana"}).json()["code"] == "member_exists"
    path = f"/api/members/{made}/sign-in-link"
    assert dora.post(path).json()["code"] == "operators_only"
    link = ana.post(path).json()
    assert link["expires_at"] == "2026-03-13T19:15:00Z"
    token = link["url"].rpartition("/")[2]
    assert people.use_link(session, token=token, now=clock()) == made
    noted = ana.get("/api/audit").json()[0]
    assert (noted["action"], noted["by"], noted["of"]) == ("link.made", "ana", f"member/{made}")


def test_operators_see_that_members_are_here_and_nobody_browses_names(as_: As, session: Session) -> None:
    ana = as_("ana")
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    people.create_guest(session, name="Quentin")
    told = ana.get("/api/members")
    assert {"dora", "ben"} < {member["id"] for member in told.json()}
    assert not any(hers in told.text for hers in ("Lindqvist", "Quentin", "example.org"))
    assert set(told.json()[0]) == {"id", "guest", "operator", "simulated", "created_at"}
    for of, found in (
        ("dora", ["dora"]),
        (" Dora@Example.org ", ["dora"]),
        ("Dora Lindqvist", []),
        ("dor", []),
        ("nobody@example.org", []),
    ):
        assert [member["id"] for member in ana.get("/api/members", params={"of": of}).json()] == found
    assert ana.get("/api/members", params={"of": "@"}).json()["code"] == "address_invalid"


def test_a_token_of_an_operator_signs_nobody_in_and_makes_no_operators(as_: As, session: Session, clock: Clock) -> None:
    as_("ana")
    _, token = tokens.make(session, member_id="ana", name="t", ends_at=clock() + dt.timedelta(days=1), now=clock())
    program = as_(None)
    program.headers["Authorization"] = f"Bearer {token}"
    assert program.get("/api/members").status_code == 200
    for method, path in (
        ("POST", "/api/members/dora/sign-in-link"),
        ("PUT", "/api/operators/dora"),
        ("DELETE", "/api/operators/dora"),
        ("POST", "/operator/crew"),
        ("GET", "/operator/letters"),
    ):
        refused = program.request(method, path, headers={"accept": "application/json"})
        assert refused.json()["code"] == "in_person_only", path
