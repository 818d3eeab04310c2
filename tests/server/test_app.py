"""What holds for all addresses of the app."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server import protection
from server.events import service as events
from tests.server.conftest import As
from tests.server.places import HOUR, NOW, make_badge

# What serves strangers; everything else asks who is there.
FOR_STRANGERS = {
    ("GET", "/"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/be"),
    ("GET", "/trust"),
    ("GET", "/trust/muster.crt"),
    ("GET", "/trust/muster.pem"),
    ("GET", "/trust/muster.mobileconfig"),
    ("GET", "/sign-in/{token}"),
    ("POST", "/sign-in/{token}"),
    ("POST", "/sign-out"),
    ("POST", "/api/sign-in"),
    ("POST", "/api/sign-in/codes"),
    ("POST", "/api/sign-in/codes/use"),
    ("POST", "/api/sign-in/passkey"),
    ("POST", "/api/sign-in/passkey/options"),
    ("POST", "/api/sign-in/password"),
    ("POST", "/sign-in/email"),
    ("GET", "/sign-in/code"),
    ("POST", "/sign-in/code"),
    ("POST", "/sign-in/password"),
    ("GET", "/d"),
    ("POST", "/d"),
    ("GET", "/d/{code}"),
    ("GET", "/door/{token}"),
    ("POST", "/door/{token}"),
    ("POST", "/door/{token}/undo"),
    ("GET", "/q/{token}"),
    ("GET", "/screen/{token}"),
    ("GET", "/venues/{venue_id}"),
    ("GET", "/venues/{venue_id}/notice"),
    ("GET", "/hello/{venue_id}"),
    ("POST", "/hello/{venue_id}"),
    ("POST", "/api/check-ins"),
    ("POST", "/api/owntracks"),
    ("GET", "/gather"),
    ("POST", "/gather"),
    ("POST", "/gather/join"),
    ("POST", "/api/gathers"),
    ("POST", "/api/gathers/join"),
    ("GET", "/g/{event_id}"),
    ("GET", "/g/{event_id}/picture.png"),
    ("GET", "/g/{event_id}/event.ics"),
    ("GET", "/calendars/{secret}.ics"),
    ("GET", "/communities/{community_id}/calendar.ics"),
    ("GET", "/venues/{venue_id}/calendar.ics"),
    ("GET", "/inbox/worker.js"),
    ("GET", "/letters/stop/{token}"),
    ("POST", "/letters/stop/{token}"),
    ("POST", "/api/doors/search"),
    ("POST", "/api/doors/undo"),
    ("GET", "/api/screens/{token}"),
    ("GET", "/api/pictures/{picture_id}"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}
NAMES = {"venue_id": "cafe", "agent_id": "cafe-door", "event_id": "night", "member_id": "dora", "community_id": "x"}


def addresses(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path that the app has."""
    included: list[Any] = [
        route
        for router in app.router.routes
        if hasattr(router, "effective_route_contexts")
        for route in router.effective_route_contexts()
    ]
    return [(method, route.path) for route in included for method in sorted(route.methods - {"HEAD"})]


def test_anonymous_is_refused_at_every_address_but_those_for_strangers(app: FastAPI, as_: As, session: Session) -> None:
    events.create(
        session, id="night", name="Night", organizer_id="cleo", steps=[events.NewStep("Talk", "cafe", NOW, NOW + HOUR)]
    )
    badge_id = make_badge(session)
    stranger = as_(None)
    asked = [address for address in addresses(app) if address not in FOR_STRANGERS]
    assert len(asked) > 35
    for method, path in asked:
        names = {**NAMES, "badge_id": badge_id}
        concrete = path
        for name in path.split("{")[1:]:
            key = name.partition("}")[0]
            concrete = concrete.replace(f"{{{key}}}", str(names.get(key, "1")))
        answer = stranger.request(method, concrete, json={})
        assert answer.status_code == 401, f"{method} {path} answers {answer.status_code}"
        assert answer.json()["code"] == "sign_in_needed"


def test_the_addresses_for_strangers_exist(app: FastAPI) -> None:
    assert set(addresses(app)) >= FOR_STRANGERS


def test_a_session_that_expired_or_is_made_up_is_nobody_s(as_: As) -> None:
    browser = as_("ana")
    assert browser.get("/api/me").status_code == 200
    browser.cookies.set("muster_session", "made-up", domain="testserver.local", path="/")
    stranger = as_(None)
    stranger.cookies.set("muster_session", "made-up")
    assert stranger.get("/api/me").status_code == 401


def test_errors_are_problems_with_a_code(as_: As) -> None:
    answer = as_("ana").get("/api/venues/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:muster:venue_unknown",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no venue 'nowhere'.",
        "code": "venue_unknown",
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/api/nothing", 404, "not_found"), ("DELETE", "/api/venues", 405, "method_not_allowed")],
)
def test_addresses_that_are_none_are_problems_too(as_: As, method: str, path: str, status: int, code: str) -> None:
    answer = as_("ana").request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ("{", ""),
        ("[]", ""),
        ('{"time_zone": "UTC"}', "name"),
        ('{"name": "Bar", "time_zone": "Europe/Berlin", "colour": "red"}', "colour"),
        ('{"name": "\\ud800", "time_zone": "Europe/Berlin"}', "name"),
        ('{"name": "Bar", "time_zone": "Europe/Berlin", "location": [NaN, 1]}', "location.0"),
        ('{"name": "Bar", "time_zone": "Europe/Berlin", "join_gap_s": 1e400}', "join_gap_s"),
    ],
)
def test_what_cannot_be_read_says_where(as_: As, body: str, at: str) -> None:
    answer = as_("ana").post("/api/venues", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert any(fault["at"].startswith(at) for fault in answer.json()["faults"])


def test_a_name_that_the_database_cannot_hold_is_no_fault_of_ours(as_: As) -> None:
    ana = as_("ana")
    assert ana.get("/api/venues/%00").status_code == 404
    assert ana.get("/venues/%00/live").status_code == 404
    assert ana.get("/api/badges/99999999999999999999").status_code == 422
    assert ana.post("/api/communities", json={"name": "a\x00b"}).status_code == 422
    assert ana.post("/sign-in/%00").status_code == 410


def test_people_get_pages_and_programs_get_problems(as_: As) -> None:
    stranger = as_(None)
    page = stranger.get("/tonight", headers={"Accept": "text/html,*/*"})
    assert page.status_code == 401
    assert page.headers["content-type"].startswith("text/html")
    assert "/sign-in?next=/tonight" in page.text
    assert stranger.get("/tonight").headers["content-type"] == "application/problem+json"
    assert (
        stranger.get("/api/me", headers={"Accept": "text/html"}).headers["content-type"] == "application/problem+json"
    )


def test_a_fault_of_ours_shows_nothing_of_itself(app: FastAPI, as_: As) -> None:
    @app.get("/api/broken")
    def break_down() -> None:
        raise RuntimeError("the secret is 42")

    answer = as_("ana").get("/api/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "error")
    assert "42" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = as_("ana").get("/api/broken", headers={"Accept": "text/html"})
    assert "42" not in page.text


def test_a_fault_logs_no_names(app: FastAPI, as_: As, session: Session, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/api/broken")
    def break_down() -> None:
        session.execute(text("SELECT 1 / 0 WHERE :name <> ''"), {"name": "Dora Lindqvist"})

    assert as_("ana").get("/api/broken").status_code == 500
    assert "Dora" not in caplog.text


def test_a_database_that_is_away_is_said_to_be(app: FastAPI, as_: As) -> None:
    @app.get("/api/away")
    def lose() -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    answer = as_("ana").get("/api/away")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"Origin": "http://testserver"}, True),
        ({"Origin": "https://testserver"}, True),  # its proxy did not say that it ended TLS
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://testserver.elsewhere.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"}, False),
    ],
)
def test_other_sites_change_nothing(as_: As, headers: dict[str, str], taken: bool) -> None:
    answer = as_("dora").post("/api/communities", json={"name": "Swift watchers"}, headers=headers)
    assert answer.status_code == (201 if taken else 403)
    assert taken or answer.json()["code"] == "other_site"


def test_a_body_that_is_too_large_is_not_taken(as_: As) -> None:
    ana = as_("ana")
    large = b" " * (protection.BODY_MAX_BYTES + 1)
    assert ana.post("/api/venues", content=large).json()["code"] == "too_large"

    def in_pieces() -> Any:
        for _ in range(11):
            yield b" " * (protection.BODY_MAX_BYTES // 10)

    assert ana.post("/api/venues", content=in_pieces()).status_code == 413
    fits = b" " * (protection.BODY_MAX_BYTES - 100) + b'{"name": "Bar", "time_zone": "Europe/Berlin"}'
    assert ana.post("/api/venues", content=fits, headers={"Content-Type": "application/json"}).status_code == 201


def test_every_answer_is_protected_in_browsers(as_: As) -> None:
    ana = as_("ana")
    for path in ("/api/me", "/api/nothing", "/", "/healthz"):
        headers = ana.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


def test_pages_answer_head_without_a_body(as_: As) -> None:
    for path in ("/", "/sign-in", "/tonight", "/venues/cafe/live", "/api/docs", "/healthz"):
        answer = as_("ana").head(path)
        assert answer.status_code == 200, path
        assert answer.content == b""


def test_a_refused_request_changes_nothing(as_: As) -> None:
    ana = as_("ana")
    wanted = {"id": "window", "placement": {"venue": "cafe", "zone": "kitchen"}}
    assert ana.post("/api/agents", json=wanted).json()["code"] == "zone_unknown"
    assert ana.get("/api/agents/window").status_code == 404
    wanted["placement"] = {"venue": "cafe", "zone": "cafe-back"}
    assert ana.post("/api/agents", json=wanted).status_code == 201
    assert ana.get("/api/agents/window").status_code == 200


def test_the_api_describes_itself_without_the_outside(as_: As) -> None:
    dora = as_("dora")
    document = dora.get("/api/openapi.json").json()
    assert "/api/events/{event_id}/sign-up" in document["paths"]
    assert "/healthz" not in document["paths"]
    page = dora.get("/api/docs")
    assert "/api/events/{event_id}/sign-up" in page.text
    assert "://" not in page.text.replace("http://www.w3.org", "")


def test_answers_are_counted_by_route(app: FastAPI, as_: As) -> None:
    dora = as_("dora")
    for path in ("/api/venues/cafe", "/api/venues/nowhere", "/random-1", "/random-2"):
        dora.get(path)
    counts = app.state.answers
    assert counts["GET", "/api/venues/{venue_id}", "200"] == 1
    assert counts["GET", "/api/venues/{venue_id}", "404"] == 1
    assert counts["GET", "none", "404"] == 2
