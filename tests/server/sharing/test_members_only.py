"""What is for the members of a community stays theirs, whichever way one asks."""

import pytest
from sqlalchemy.orm import Session

from server.checkins.model import CheckIn
from server.communities import service as communities
from server.events import seeing, signups
from server.events import service as events
from server.events.details import Details
from server.face_to_face import dissolving
from server.people import roles
from server.people import service as people
from tests.server.conftest import As
from tests.server.places import HOUR, NOW

HTML = {"accept": "text/html"}
SECRETS = ("Moonlit", "torch", "Café Lumen", "52.52", "Cléo", "2026-03-13", "20:30")
WAYS = (
    *("/", "/communities", "/communities/readers", "/g/moon", "/g/moon/event.ics", "/api/live?topic=event/moon"),
    *(f"/api/events/moon{of}" for of in ("", "/sign-up", "/progress", "/posts", "/reviews", "/rating", "/report")),
    *(f"/events/moon{of}" for of in ("", "/posts", "/reviews", "/live", "/plan", "/group.png", "/morning", "/pulse")),
    *("/api/events", "/api/events/moon/export.json", "/communities/readers/calendar.ics", "/venues/cafe/calendar.ics"),
)
_DROPPED = {"state": "cancelled", "dropped": True}
INSIDERS = ("fay", "eva", "gus", "cleo", "hugo")  # of the community, signed up and left it, came, organizes, hosts


@pytest.fixture(autouse=True)
def _moon(as_: As, session: Session) -> None:  # noqa: ARG001 - who is there
    for member_id in ("eva", "fay", "gus", "hugo"):
        people.create(session, id=member_id, name=member_id.capitalize())
    communities.create(session, id="readers", name="Night readers")
    for member_id in ("eva", "fay"):
        communities.join(session, community_id="readers", member_id=member_id, now=NOW)
    step = events.NewStep("Reading", "cafe", NOW + HOUR / 2, NOW + 3 * HOUR, opens_at=NOW - HOUR)
    events.create(
        session, id="moon", name="Moonlit reading", organizer_id="cleo", community_id="readers", steps=[step],
        about=Details(about="Bring a torch."),
    )  # fmt: skip
    signups.sign_up(session, event_id="moon", member_id="eva", now=NOW)
    communities.leave(session, community_id="readers", member_id="eva", now=NOW)
    roles.give(session, member_id="hugo", kind="event", of_id="moon", called="", by=None, now=NOW)
    session.add(CheckIn(step_id="moon-1", member_id="gus", at=NOW, recorded_at=NOW, evidence="manual", signed_up=False))
    session.flush()


@pytest.mark.parametrize("way", WAYS)
def test_strangers_and_guests_and_other_members_read_nothing_of_it(as_: As, session: Session, way: str) -> None:
    guest = people.create_guest(session, name="Bo", language="en")
    for member_id in (None, guest.id, "dora"):
        said = (
            as_(member_id)
            .get(way, headers=HTML)
            .text.replace("X-WR-CALNAME:Café Lumen", "")
            .replace("NAME:Café Lumen", "")
        )
        assert [secret for secret in SECRETS if secret in said] == []


def test_whom_it_is_not_for_is_told_whose_it_is(as_: As) -> None:
    dora = as_("dora")
    for answer in (dora.get("/api/events/moon"), dora.put("/api/events/moon/sign-up", json={})):
        assert (answer.status_code, answer.json()["code"]) == (403, "members_only")
        assert "Night readers" in answer.json()["detail"]
    assert dora.get("/events/moon", headers=HTML, follow_redirects=False).headers["location"] == "/g/moon"
    assert "For members of Night readers" in dora.get("/events/moon", headers=HTML, follow_redirects=True).text


@pytest.mark.parametrize("member_id", [*INSIDERS, "ben", "ana"])
def test_its_people_its_place_s_keeper_and_operators_read_it(as_: As, member_id: str) -> None:
    her = as_(member_id)
    assert her.get("/api/events/moon").json()["name"] == "Moonlit reading"
    assert [event["id"] for event in her.get("/api/events").json()] == ["moon"]
    assert "Moonlit" in her.get("/communities/readers", headers=HTML).text
    assert "Moonlit" in her.get("/events/moon", headers=HTML).text


def test_both_ways_to_ask_answer_the_same(session: Session) -> None:
    everybody = [people.get(session, one) for one in (*INSIDERS, "ana", "ben", "dora")]
    moon = events.get(session, "moon")
    changes: tuple[dict[str, object], ...] = ({}, {"open_to_all": True}, {"state": "draft"}, _DROPPED)
    for changed in changes:
        for column, value in changed.items():
            setattr(moon, column, value)
        session.flush()
        one = {her.id for her in everybody if seeing.is_seen(session, moon, her)}
        assert one == {her.id for her in everybody if events.list_seen(session, her)}
    assert one == {"ana", "cleo", "hugo"}


def test_of_a_community_that_is_gone_it_stays_who_came_or_signed_up_s(as_: As, session: Session) -> None:
    dissolving.dissolve(session, community_id="readers")
    assert "For members of a community that is gone" in as_(None).get("/g/moon", headers=HTML).text
    for member_id in ("dora", "fay"):
        assert as_(member_id).get("/api/events/moon").json()["code"] == "members_only"
        assert as_(member_id).put("/api/events/moon/sign-up", json={}).json()["code"] == "members_only"
        assert as_(member_id).get("/api/events").json() == []
    for member_id in ("eva", "gus", "cleo"):
        assert as_(member_id).get("/api/events/moon").status_code == 200
