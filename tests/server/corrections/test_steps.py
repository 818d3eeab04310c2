"""Steps that are added to a gathering and taken out of it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.events import service as events
from server.events import signups
from server.events.model import Event
from server.inbox import service as inbox
from server.venues import service as venues
from server.venues.model import Venue
from tests.server.conftest import As, Clock
from tests.server.events.gathering import TOMORROW, come, make_dinner, told
from tests.server.places import HOUR
from tests.server.presence import scene

STEPS = "/api/events/dinner/steps"


def spot(name: str = "The bridge") -> dict[str, Any]:
    """A step at any point, after the others."""
    starts, ends = TOMORROW + 5 * HOUR, TOMORROW + 6 * HOUR
    place = {"name": name, "time_zone": "Europe/Berlin"}
    return {"name": name, "spot": place, "starts_at": starts.isoformat(), "ends_at": ends.isoformat()}


def ids(session: Session) -> list[str]:
    return [step.id for step in events.steps_of(session, event_id="dinner")]


def test_anonymous_is_refused(as_: As, session: Session) -> None:
    make_dinner(session, None, None)
    assert as_(None).post(STEPS, json=spot()).status_code == 401
    assert as_(None).delete(f"{STEPS}/dinner-2").status_code == 401
    assert as_(None).get("/events/dinner/steps").status_code == 401


def test_a_spot_lives_by_the_clock_at_its_pin(as_: As, session: Session) -> None:
    make_dinner(session, None)
    added = as_("cleo").post(STEPS, json={**spot(), "spot": {"name": "The crossing", "location": [139.7005, 35.6595]}})
    assert added.status_code == 201
    assert session.scalars(select(Venue.time_zone).where(Venue.name == "The crossing")).all() == ["Asia/Tokyo"]


def test_hosts_add_and_take_out_and_who_signed_up_is_told(as_: As, session: Session) -> None:
    make_dinner(session, None)
    come(session, "eva")
    cleo = as_("cleo")
    assert as_("dora").post(STEPS, json=spot()).json()["code"] == "not_your_event"
    added = cleo.post(STEPS, json=spot())
    assert (added.status_code, added.json()["id"]) == (201, "dinner-2")
    assert cleo.post(STEPS, json={**spot("A"), "id": "dinner-1"}).json()["code"] == "step_exists"
    assert inbox.count_unread(session, member_id="eva") == 1
    assert as_("dora").delete(f"{STEPS}/dinner-1").json()["code"] == "not_your_event"
    assert cleo.delete(f"{STEPS}/dinner-1").status_code == 204
    assert cleo.delete(f"{STEPS}/dinner-1").json()["code"] == "step_unknown"
    assert cleo.delete(f"{STEPS}/dinner-2").json()["code"] == "last_step"
    assert ids(session) == ["dinner-2"]
    assert inbox.count_unread(session, member_id="eva") == 2
    assert cleo.post(STEPS, json=spot("Third")).json()["id"] == "dinner-3", "ids are not given twice"


def test_what_has_begun_or_was_come_to_stays(as_: As, session: Session, clock: Clock) -> None:
    make_dinner(session, None, None, None)
    cleo = as_("cleo")
    scene.arrive(session, "eva", clock.now, "dinner-3")
    assert cleo.delete(f"{STEPS}/dinner-3").json()["code"] == "step_used"
    clock.now = TOMORROW + HOUR / 2
    cleo = as_("cleo")
    assert cleo.delete(f"{STEPS}/dinner-1").json()["code"] == "step_begun"
    assert ids(session) == ["dinner-1", "dinner-2", "dinner-3"]


def test_as_many_steps_as_there_are_make_it_complete(as_: As, session: Session) -> None:
    make_dinner(session, None, None, None, needs=3)
    assert as_("cleo").delete(f"{STEPS}/dinner-2").status_code == 204
    assert session.get_one(Event, "dinner").needs == 2
    page = {"act": "needs", "needs": "1"}
    assert as_("cleo").post("/events/dinner/steps", data=page).status_code == 303
    assert session.get_one(Event, "dinner").needs == 1
    assert as_("cleo").post("/events/dinner/steps", data={**page, "needs": "7"}).status_code == 422
    assert as_("cleo").post("/events/dinner/steps", data={**page, "needs": ""}).status_code == 303
    assert session.get_one(Event, "dinner").needs is None


def test_who_chose_only_a_step_that_goes_means_no_other(as_: As, session: Session) -> None:
    make_dinner(session, None, None, None, by_step=True)
    come(session, "eva", step_ids=["dinner-2"])
    come(session, "finn", step_ids=["dinner-2", "dinner-3"])
    assert as_("cleo").delete(f"{STEPS}/dinner-2").status_code == 204
    assert signups.members_of(session, event_id="dinner") == ["finn"]
    assert inbox.count_unread(session, member_id="eva") == 1


def test_the_step_that_was_full_gives_its_places_when_it_goes(as_: As, session: Session) -> None:
    make_dinner(session, 1, 4)
    come(session, "eva", "finn")
    assert as_("cleo").delete(f"{STEPS}/dinner-1").status_code == 204
    assert signups.states_of(session, member_id="finn")["dinner"] == "going"
    assert "event.promoted" in told(session, "finn")


def test_who_went_to_a_step_that_goes_and_waits_for_another_waits(as_: As, session: Session) -> None:
    make_dinner(session, None, 1, by_step=True)
    come(session, "eva", "finn")
    assert signups.states_of(session, member_id="finn")["dinner"] == "going"
    assert as_("cleo").delete(f"{STEPS}/dinner-1").status_code == 204
    assert signups.states_of(session, member_id="finn")["dinner"] == "waiting"
    assert signups.states_of(session, member_id="eva")["dinner"] == "going"


def test_a_step_at_somebody_else_s_place_needs_their_yes(as_: As, session: Session) -> None:
    make_dinner(session, None)
    venues.create(session, id="bar", name="Bar", time_zone="Europe/Berlin", owner_id="ben", contact="x@example.org")
    wanted = {**spot(), "spot": None, "venue": "bar"}
    assert as_("cleo").post(STEPS, json=wanted).json()["code"] == "not_your_venue"
    as_("cleo").put("/api/venues/bar/welcome", json={})
    as_("ben").put("/api/venues/bar/welcomes/cleo", json={"welcome": True})
    assert as_("cleo").post(STEPS, json=wanted).status_code == 201
    assert as_("cleo").post(STEPS, json={**wanted, "spot": spot()["spot"]}).status_code == 422


def test_what_is_called_off_gets_no_more_steps(as_: As, session: Session) -> None:
    make_dinner(session, None)
    as_("cleo").post("/api/events/dinner/cancel", json={})
    assert as_("cleo").post(STEPS, json=spot()).json()["code"] == "called_off"
    assert as_("cleo").delete(f"{STEPS}/dinner-1").json()["code"] == "called_off"


def test_the_page_works_without_scripts(as_: As, session: Session) -> None:
    make_dinner(session, None)
    cleo = as_("cleo")
    assert "Another step" in cleo.get("/events/dinner/steps").text
    form = {"act": "add", "name": "The <bridge>", "day": "2026-03-15", "time": "10:00", "hours": "1", "venue": ""}
    nowhere = cleo.post("/events/dinner/steps", data=form)
    assert nowhere.status_code == 422
    assert "The &lt;bridge&gt;" in nowhere.text, "what was typed is still there"
    there = {**form, "place": "Under the bridge", "time_zone": "Europe/Berlin"}
    assert cleo.post("/events/dinner/steps", data=there).status_code == 303
    assert "Under the bridge" in cleo.get("/events/dinner/steps").text
    assert cleo.post("/events/dinner/steps", data={"act": "remove", "step": "dinner-2"}).status_code == 303
    assert ids(session) == ["dinner-1"]
