"""The check-ins of an event and of oneself over HTTP, undoing, and why."""

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from server.checkins.model import CheckIn, Undoing
from server.events import service as events
from server.events import signups
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.presence import scene

PATHS = ["/api/events/party/check-ins", "/api/me/check-ins", "/api/steps/party-1/why"]


@pytest.fixture
def checkin(as_: As, session: Session) -> int:
    """Cleo's party in the cafe runs; Ben signed up and came, Dora came by; the id of Ben's check-in."""
    del as_  # makes the members and the cafe
    step = events.NewStep(name="Doors", venue_id="cafe", starts_at=NOW, ends_at=NOW + 2 * HOUR)
    events.create(session, id="party", name="Party", organizer_id="cleo", steps=[step])
    signups.sign_up(session, event_id="party", member_id="ben", now=NOW - HOUR)
    scene.arrive(session, "dora", NOW - dt.timedelta(minutes=5), signed_up=False)
    return scene.arrive(session, "ben", NOW)


@pytest.mark.parametrize("path", PATHS)
def test_the_anonymous_are_refused(as_: As, path: str) -> None:
    assert as_(None).get(path).json()["code"] == "sign_in_needed"
    assert as_(None).post("/api/check-ins/1/undo").json()["code"] == "sign_in_needed"


@pytest.mark.usefixtures("checkin")
@pytest.mark.parametrize("member", ["dora", "ben"])
def test_who_came_is_for_the_organizer_and_operators(as_: As, member: str) -> None:
    assert as_(member).get(PATHS[0]).json()["code"] == "event_not_yours"
    assert as_("cleo").get(PATHS[0]).status_code == as_("ana").get(PATHS[0]).status_code == 200
    assert as_("cleo").get("/api/events/nothing/check-ins").status_code == 404


@pytest.mark.usefixtures("checkin")
def test_names_are_for_the_organizer_until_a_day_after_and_of_who_signed_up(as_: As, clock: Clock) -> None:
    def seen(member: str) -> list[tuple[str | None, str | None]]:
        return [(row["name"], row["member"]) for row in as_(member).get(PATHS[0]).json()]

    assert seen("cleo") == [("Ben Okafor", "ben"), (None, None)]
    assert seen("ana") == [(None, None), (None, None)]
    clock.now = NOW + 26 * HOUR
    assert seen("cleo") == [(None, None), (None, None)]


def test_everybody_reads_their_own(as_: As, checkin: int) -> None:
    mine = as_("ben").get("/api/me/check-ins").json()
    assert [(row["id"], row["event"], row["step"], row["name"]) for row in mine] == [
        (checkin, "party", "party-1", "Ben Okafor")
    ]
    assert as_("ana").get("/api/me/check-ins").json() == []


@pytest.mark.parametrize(("member", "status"), [("ben", 204), ("cleo", 204), ("dora", 403), ("ana", 403)])
def test_a_check_in_is_taken_back_by_its_own_or_the_organizer(
    as_: As, session: Session, checkin: int, member: str, status: int
) -> None:
    assert as_(member).post(f"/api/check-ins/{checkin}/undo").status_code == status
    row = session.get(CheckIn, checkin, populate_existing=True)
    assert row is not None
    assert row.undone_at == (NOW if status == 204 else None)
    assert [undoing.by for undoing in session.query(Undoing)] == ([member] if status == 204 else [])


def test_what_is_taken_back_already_is_not_found(as_: As, checkin: int) -> None:
    assert as_("ben").post(f"/api/check-ins/{checkin}/undo").status_code == 204
    assert as_("ben").post(f"/api/check-ins/{checkin}/undo").json()["code"] == "not_checked_in"
    assert as_("ben").post("/api/check-ins/987654/undo").json()["code"] == "not_checked_in"


@pytest.mark.usefixtures("checkin")
def test_why_answers_for_oneself_with_a_sentence(as_: As) -> None:
    found = as_("ben").get(PATHS[2]).json()
    assert (found["code"], found["signed_up"]) == ("checked_in", True)
    assert as_("ana").get(PATHS[2]).json()["code"] == "no_badge"
    assert as_("ana").get("/api/steps/nothing/why").json()["code"] == "step_unknown"


@pytest.mark.usefixtures("checkin")
def test_why_about_others_is_for_the_organizer_about_who_signed_up(as_: As, clock: Clock) -> None:
    def ask(member: str, about: str) -> str:
        return str(as_(member).get(PATHS[2], params={"member": about}).json()["code"])

    assert ask("cleo", "ben") == "checked_in"
    assert {ask("cleo", "dora"), ask("cleo", "nobody"), ask("ana", "ben"), ask("dora", "ben")} == {"name_not_shown"}
    clock.now = NOW + 26 * HOUR
    assert ask("cleo", "ben") == "name_not_shown"
    assert ask("ben", "ben") == "checked_in"
