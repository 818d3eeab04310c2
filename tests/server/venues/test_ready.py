"""No place goes live without an owner and a contact; a recording needs neither."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.server.conftest import As
from tests.server.places import HOUR, NOW

STEP = {"name": "Doors", "venue": "cafe", "starts_at": NOW.isoformat(), "ends_at": (NOW + HOUR).isoformat()}
PLACE = {"venue": "cafe", "zone": "cafe-back"}


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("owner_id = NULL", "who owns it."),
        ("contact = ''", "how whoever is responsible can be reached."),
        ("owner_id = NULL, contact = ''", "who owns it, and how they can be reached."),
    ],
)
def test_neither_an_agent_nor_an_event_before_both_are_said(as_: As, session: Session, lacks: str, says: str) -> None:
    ana = as_("ana")
    ana.post("/api/events", json={"id": "before", "name": "Before", "organizer": "cleo", "steps": [STEP]})
    session.execute(text(f"UPDATE venue SET {lacks}"))
    event = {"id": "night", "name": "Night", "organizer": "cleo", "steps": [STEP]}
    for path, body in (("/api/agents/cafe-door/placements", PLACE), ("/api/events", event)):
        answer = ana.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "venue_not_ready"), answer.text
        assert "/venues/cafe/settings" in answer.json()["detail"]
        assert answer.json()["detail"].endswith(says) or says in answer.json()["detail"]
    session.execute(text("UPDATE venue SET replayed = true"))
    assert ana.post("/api/agents/cafe-door/placements", json=PLACE).status_code == 201


def test_contact_offer_and_owner_are_said_by_who_keeps_it(as_: As) -> None:
    path, ben = "/api/venues/cafe", as_("ben")
    assert as_(None).patch(path, json={}).json()["code"] == "sign_in_needed"
    assert as_("dora").patch(path, json={"contact": "me"}).json()["code"] == "not_your_venue"
    answer = ben.patch(path, json={"contact": " 12  Quay Street ", "offer": "10th visit on the house"})
    assert (answer.json()["contact"], answer.json()["offer"]) == ("12 Quay Street", "10th visit on the house")
    assert ben.patch(path, json={"contact": "x" * 201}).json()["code"] == "invalid"
    assert ben.patch(path, json={"owner": "nobody"}).json()["code"] == "member_unknown"
    assert ben.patch(path, json={"owner": "dora"}).json()["owner"] == "dora"
    assert ben.patch(path, json={"owner": "ben"}).json()["code"] == "not_your_venue"
    assert as_("ana").patch(path, json={"owner": "ben"}).json()["owner"] == "ben"
