"""Webhooks over HTTP: whose they are, what is told of them, and what is refused."""

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from server.events import service as events
from server.webhooks.model import Webhook
from tests.server.conftest import As
from tests.server.places import HOUR, NOW

URL = "https://hooks.example.org/in/s3cret"
NEW: dict[str, Any] = {"event": "supper", "url": URL, "happenings": ["check_in"]}


@pytest.fixture(autouse=True)
def _supper(as_: As, session: Session) -> None:  # noqa: ARG001 - who is there
    steps = [events.NewStep("Supper", "cafe", NOW, NOW + HOUR)]
    events.create(session, id="supper", name="Friday supper", organizer_id="cleo", steps=steps)


def _make(browser: TestClient, **other: Any) -> dict[str, Any]:
    answer = browser.post("/api/webhooks", json={**NEW, **other})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_anonymous_is_refused(as_: As) -> None:
    stranger, number = as_(None), _make(as_("cleo"))["id"]
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{number}"),
        ("DELETE", f"/{number}"),
        ("GET", f"/{number}/deliveries"),
        ("POST", f"/{number}/test"),
        ("POST", f"/{number}/rotate"),
        ("POST", f"/{number}/resume"),
        ("GET", "/preview?kind=plain&happening=check_in"),
    ):
        assert stranger.request(method, f"/api/webhooks{path}", json=NEW).status_code == 401


def test_who_hosts_makes_one_and_nobody_else_sees_it(as_: As) -> None:
    cleo, dora = as_("cleo"), as_("dora")
    made = _make(cleo)
    assert made["to"] == "hooks.example.org"
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 24
    assert dora.post("/api/webhooks", json=NEW).json()["code"] == "not_your_event"
    assert [one["id"] for one in cleo.get("/api/webhooks").json()] == [made["id"]]
    assert dora.get("/api/webhooks").json() == []
    for method, path in (
        ("GET", ""),
        ("GET", "/deliveries"),
        ("POST", "/test"),
        ("POST", "/rotate"),
        ("POST", "/resume"),
        ("DELETE", ""),
    ):
        address = f"/api/webhooks/{made['id']}{path}"
        assert dora.request(method, address).json()["code"] == "webhook_unknown"
        assert as_("cleo").request(method, address).status_code < 300


def test_address_and_secret_are_told_to_nobody_afterwards(as_: As) -> None:
    cleo = as_("cleo")
    number = _make(cleo)["id"]
    for path in ("", f"/{number}", f"/{number}/deliveries"):
        told = cleo.get(f"/api/webhooks{path}").text
        assert "s3cret" not in told
        assert "whsec_" not in told


def test_a_shop_owner_and_a_community_s_host_have_theirs(as_: As) -> None:
    assert _make(as_("ben"), event=None, venue="cafe")["venue"] == "cafe"
    assert as_("cleo").post("/api/webhooks", json={**NEW, "event": None, "venue": "cafe"}).status_code == 403
    as_("dora").post("/api/communities", json={"id": "readers", "name": "Readers"})
    assert as_("ben").post("/api/webhooks", json={**NEW, "event": None, "community": "readers"}).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"url": "http://127.0.0.1:9000/"}, "address_private"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "address_private"),
        ({"url": "ftp://example.org"}, "address_wrong"),
        ({"url": "x" * 2001}, "invalid"),
        ({"venue": "cafe"}, "one_thing"),
        ({"event": None}, "one_thing"),
        ({"event": "nothing"}, "event_unknown"),
        ({"kind": "slack", "names": True}, "names_for_programs"),
        ({"happenings": []}, "invalid"),
        ({"happenings": ["anything"]}, "invalid"),
        ({"kind": "carrier-pigeon"}, "invalid"),
        ({"more": 1}, "invalid"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(as_: As, wrong: dict[str, Any], code: str) -> None:
    cleo = as_("cleo")
    assert cleo.post("/api/webhooks", json={**NEW, **wrong}).json()["code"] == code
    assert _make(cleo)["id"]


def test_ten_of_one_thing_are_enough(as_: As) -> None:
    cleo = as_("cleo")
    first, *_ = [_make(cleo)["id"] for _ in range(10)]
    assert cleo.post("/api/webhooks", json=NEW).json()["code"] == "too_many_webhooks"
    assert cleo.delete(f"/api/webhooks/{first}").status_code == 204
    _make(cleo)


def test_a_new_secret_replaces_the_old_one_which_stays_for_a_day(as_: As, session: Session) -> None:
    cleo = as_("cleo")
    made = _make(cleo)
    rotated = cleo.post(f"/api/webhooks/{made['id']}/rotate").json()
    assert rotated["secret"] != made["secret"]
    webhook = session.get_one(Webhook, made["id"])
    assert webhook.old_secret == base64.b64decode(made["secret"].removeprefix("whsec_"))
    assert webhook.old_secret_until == NOW + 24 * HOUR


def test_an_ended_one_is_tried_and_resumed_no_more(as_: As) -> None:
    cleo = as_("cleo")
    number = _make(cleo)["id"]
    assert [cleo.delete(f"/api/webhooks/{number}").status_code for _ in range(2)] == [204, 204]
    for act in ("test", "resume", "rotate"):
        assert cleo.post(f"/api/webhooks/{number}/{act}").json()["code"] == "webhook_over"
    assert cleo.get(f"/api/webhooks/{number}").json()["why"] == "You ended it."


def test_a_test_waits_among_the_deliveries(as_: As) -> None:
    cleo = as_("cleo")
    number = _make(cleo)["id"]
    answer = cleo.post(f"/api/webhooks/{number}/test")
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert [one["happening"] for one in cleo.get(f"/api/webhooks/{number}/deliveries").json()] == ["test"]


@pytest.mark.parametrize("kind", ["plain", "wecom", "slack", "matrix"])
@pytest.mark.parametrize(
    "happening",
    ["check_in", "check_in_undone", "full", "asked", "event_opened", "event_ended", "people_wanted", "venue_unheard"],
)
def test_every_message_has_a_preview(as_: As, kind: str, happening: str) -> None:
    answer = as_("dora").get(f"/api/webhooks/preview?kind={kind}&happening={happening}")
    assert answer.status_code == 200
    assert "None" not in answer.json()["body"]


def test_each_act_is_noted_with_who_did_it_and_no_address(as_: As) -> None:
    cleo = as_("cleo")
    made = _make(cleo, names=True)
    for act in ("rotate", "resume", "test"):
        assert cleo.post(f"/api/webhooks/{made['id']}/{act}").status_code < 300
    for _ in range(2):
        cleo.delete(f"/api/webhooks/{made['id']}")
    assert cleo.post("/api/webhooks", json={**NEW, "url": "ftp://example.org"}).status_code == 422
    answer = cleo.get("/api/events/supper/audit")
    assert [(note["action"], note["by"]) for note in answer.json()] == [
        ("webhook.ended", "cleo"),
        ("webhook.rotated", "cleo"),
        ("webhook.made", "cleo"),
    ]
    assert answer.json()[-1]["details"] == {"webhook": made["id"], "names": True}
    assert "s3cret" not in answer.text
    page = cleo.get("/events/supper/crew", headers={"Accept": "text/html"}).text
    assert "had news sent to others" in page
