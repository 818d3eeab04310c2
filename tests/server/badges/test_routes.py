"""Badges over HTTP."""

import datetime as dt

from sqlalchemy.orm import Session

from tests.server.conftest import As, Clock
from tests.server.places import make_badge

NEW = {"uuid": "daf246ce-f201-11e4-b116-123b93f75cba", "major": 14, "minor": 2, "label": "15"}


def test_anonymous_is_refused(as_: As, session: Session) -> None:
    badge_id = make_badge(session)
    stranger = as_(None)
    assert stranger.get("/api/me/badges").status_code == 401
    assert stranger.post("/api/badges", json=NEW).status_code == 401
    assert stranger.post(f"/api/badges/{badge_id}/give-back").status_code == 401


def test_an_operator_registers_pairs_and_takes_back(as_: As, clock: Clock) -> None:
    ana, dora = as_("ana"), as_("dora")
    made = ana.post("/api/badges", json=NEW)
    assert made.status_code == 201
    assert made.json()["identities"] == [
        {**{key: NEW[key] for key in ("uuid", "major", "minor")}, "since": "2026-03-13T19:00:00Z", "until": None}
    ]
    path = f"/api/badges/{made.json()['id']}"
    assert ana.post(f"{path}/pairings", json={"member": "dora"}).status_code == 201
    assert ana.post(f"{path}/pairings", json={"member": "cleo"}).json()["code"] == "badge_held"
    assert ana.get(path).json()["holder"] == "dora"
    assert [held["badge"] for held in dora.get("/api/me/badges").json()] == [made.json()["id"]]
    clock.now += dt.timedelta(hours=1)
    assert ana.post(f"{path}/give-back").json()["until"] == "2026-03-13T20:00:00Z"
    assert ana.post(f"{path}/give-back").json()["code"] == "badge_not_held"
    assert dora.get("/api/me/badges").json() == []


def test_who_holds_a_badge_sees_it_and_gives_it_back_and_nobody_else(as_: As, session: Session, clock: Clock) -> None:
    badge_id = make_badge(session)
    path = f"/api/badges/{badge_id}"
    as_("ana").post(f"{path}/pairings", json={"member": "dora"})
    clock.now += dt.timedelta(minutes=1)
    for member_id in ("ben", "cleo"):
        assert as_(member_id).get(path).json()["code"] == "not_your_badge"
        assert as_(member_id).post(f"{path}/give-back").json()["code"] == "not_your_badge"
    assert as_("dora").get(path).json()["label"] == "14"
    assert as_("dora").post(f"{path}/give-back").status_code == 200


def test_only_operators_register_list_and_pair(as_: As, session: Session) -> None:
    badge_id = make_badge(session)
    dora = as_("dora")
    for refused in (
        dora.get("/api/badges"),
        dora.post("/api/badges", json=NEW),
        dora.post(f"/api/badges/{badge_id}/pairings", json={"member": "dora"}),
    ):
        assert refused.json()["code"] == "operators_only"
    assert [badge["id"] for badge in as_("ana").get("/api/badges").json()] == [badge_id]


def test_what_a_badge_cannot_show_is_refused(as_: As) -> None:
    ana = as_("ana")
    for change, at in (
        ({"major": 65536}, "major"),
        ({"uuid": "x"}, "uuid"),
        ({"since": "2026-03-13T19:00:00"}, "since"),
    ):
        answer = ana.post("/api/badges", json={**NEW, **change})
        assert answer.status_code == 422
        assert [fault["at"] for fault in answer.json()["faults"]] == [at]
    assert ana.post("/api/badges", json=NEW).status_code == 201
    assert ana.post("/api/badges", json=NEW).json()["code"] == "identity_taken"


def test_a_loan_says_when_it_ends(as_: As, session: Session) -> None:
    path = f"/api/badges/{make_badge(session)}/pairings"
    ana = as_("ana")
    answer = ana.post(path, json={"member": "dora", "until": "2026-03-13T23:00:00+01:00"})
    assert answer.json()["until"] == "2026-03-13T22:00:00Z"
    assert ana.post(path, json={"member": "cleo"}).json()["code"] == "badge_held"
