"""Pictures over HTTP."""

import dataclasses
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from config.settings import Settings
from server import protection
from server.people import access
from server.pictures import making
from tests.server.conftest import As
from tests.server.pictures.test_making import encode, two_colours

SENT = encode(two_colours(), "JPEG")
JPEG = {"Content-Type": "image/jpeg"}
LARGE_MAX_BYTES = protection.large_max_bytes(10)  # of the default upload_mb


def test_anonymous_is_refused(as_: As) -> None:
    assert as_(None).post("/api/pictures", content=SENT, headers=JPEG).status_code == 401


def test_a_picture_is_added_and_seen_by_whoever_knows_its_id(as_: As) -> None:
    added = as_("dora").post("/api/pictures", content=SENT, headers=JPEG)
    assert added.status_code == 201
    told = added.json()
    assert told == {"id": told["id"], "url": f"/api/pictures/{told['id']}", "width": 40, "height": 20}
    seen = as_(None).get(told["url"])
    assert (seen.status_code, seen.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in seen.headers["cache-control"]
    assert seen.headers["x-content-type-options"] == "nosniff"
    assert seen.content[8:12] == b"WEBP"
    assert as_("cleo").post("/api/pictures", content=SENT, headers=JPEG).json()["id"] == told["id"]


@pytest.mark.parametrize("sent", [b"", b"<svg/>", SENT[:100]])
def test_what_is_no_picture_is_refused_with_a_sentence(as_: As, sent: bytes) -> None:
    answer = as_("dora").post("/api/pictures", content=sent, headers=JPEG)
    assert (answer.status_code, answer.json()["code"]) == (422, "picture_unreadable")


def test_what_is_too_large_is_said_to_be(as_: As) -> None:
    dora = as_("dora")
    more_than_a_picture = SENT + b"\0" * making.MAX_BYTES
    answer = dora.post("/api/pictures", content=more_than_a_picture, headers=JPEG)
    assert (answer.status_code, answer.json()["code"]) == (413, "picture_too_large")
    answer = dora.post("/api/pictures", content=b"\0" * 50_000_000, headers=JPEG)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    page = dora.post(
        "/api-no/pictures", files={"picture": b"\0" * (LARGE_MAX_BYTES + 1)}, headers={"Accept": "text/html"}
    )
    assert page.status_code == 413
    assert page.headers["content-type"].startswith("text/html")


def test_only_pictures_may_be_large(as_: As) -> None:
    dora, large = as_("dora"), b" " * (protection.BODY_MAX_BYTES + 1)
    for kind in ("application/json", "text/plain", ""):
        answer = dora.post("/api/pictures", content=large, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    answer = dora.post("/api/pictures", content=large, headers=JPEG)
    assert answer.json()["code"] == "picture_unreadable"


def test_only_so_many_large_ones_come_in_at_once(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "LARGE_AT_ONCE", 0)
    dora = as_("dora")
    answer = dora.post("/api/pictures", content=SENT + b"\0" * protection.BODY_MAX_BYTES, headers=JPEG)
    assert (answer.status_code, answer.json()["code"]) == (429, "uploads_busy")
    assert answer.headers["retry-after"] == "10"
    assert dora.post("/api/pictures", content=SENT, headers=JPEG).status_code == 201


def test_a_turn_is_given_back_however_it_ended(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "LARGE_AT_ONCE", 1)
    dora = as_("dora")
    for _ in range(2):
        answer = dora.post("/api/pictures", content=b"\0" * (LARGE_MAX_BYTES + 1), headers=JPEG)
        assert answer.json()["code"] == "too_large"
        answer = dora.post("/api/pictures", content=SENT + b"\0" * protection.BODY_MAX_BYTES, headers=JPEG)
        assert answer.status_code == 201


def test_pictures_are_counted_per_member(as_: As, make_app: Callable[[Settings], FastAPI], settings: Settings) -> None:
    dora = as_("dora")
    few = dataclasses.replace(settings, limits=dataclasses.replace(settings.limits, pictures_at_once=2))
    client = TestClient(make_app(few))
    client.cookies.set(access.COOKIE, dora.cookies[access.COOKIE])
    for _ in range(2):
        assert client.post("/api/pictures", content=SENT, headers=JPEG).status_code == 201
    assert client.post("/api/pictures", content=SENT, headers=JPEG).json()["code"] == "too_many"
