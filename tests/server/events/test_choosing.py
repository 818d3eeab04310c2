"""A gathering that people signed up for as a whole becomes one of steps, and the other way round."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.events import choosing, signups
from server.events import service as events
from server.events.model import SignUpStep
from server.events.states import SaidNo
from tests.server.conftest import As
from tests.server.events.gathering import by_step, come, leave, make_dinner, seen, told
from tests.server.places import NOW


def set_to(session: Session, steps: bool) -> None:
    choosing.set_by_step(session, events.get(session, "dinner", to_edit=True), steps, NOW)


def test_anonymous_is_refused(as_: As, session: Session) -> None:
    make_dinner(session, 1, 4)
    assert as_(None).patch("/api/events/dinner", json={"by_step": True}).status_code == 401


def test_who_signed_up_for_the_whole_has_chosen_every_step_and_who_waits_gets_what_has_room(session: Session) -> None:
    make_dinner(session, 1, 4)
    come(session, "eva", "finn", "gus")
    leave(session, "gus")
    assert seen(session) == {"eva": "going", "finn": "waiting after 0", "gus": "withdrawn"}
    set_to(session, True)
    assert by_step(session, "eva") == ["going", "going"]
    assert by_step(session, "finn") == ["waiting", "going"]
    assert by_step(session, "gus") == ["withdrawn", "withdrawn"]
    assert told(session, "finn") == ["event.promoted"]
    leave(session, "eva")
    assert by_step(session, "finn") == ["going", "going"]


def test_who_was_declined_stays_declined(session: Session) -> None:
    make_dinner(session, 1, 4, approval=True)
    come(session, "eva", "finn")
    signups.answer(session, event_id="dinner", member_id="eva", yes=False, now=NOW)
    set_to(session, True)
    assert by_step(session, "finn") == ["asked", "asked"]
    with pytest.raises(SaidNo):
        come(session, "eva")


def test_back_to_the_whole_while_everybody_means_all_of_it(session: Session) -> None:
    make_dinner(session, 1, 1)
    come(session, "eva", "finn")
    before = seen(session)
    set_to(session, True)
    set_to(session, True)
    set_to(session, False)
    assert session.scalar(select(func.count()).select_from(SignUpStep)) == 0
    assert seen(session) == before
    leave(session, "eva")
    assert seen(session)["finn"] == "going"


def test_once_somebody_chose_some_steps_it_stays_so(as_: As, session: Session) -> None:
    make_dinner(session, 1, 4)
    cleo = as_("cleo")
    assert cleo.patch("/api/events/dinner", json={"by_step": True}).json()["by_step"] is True
    come(session, "eva", step_ids=["dinner-2"])
    refused = cleo.patch("/api/events/dinner", json={"by_step": False, "name": "Supper"})
    assert (refused.status_code, refused.json()["code"]) == (409, "steps_chosen")
    assert cleo.get("/api/events/dinner").json()["name"] == "Dinner"
    leave(session, "eva")
    assert cleo.patch("/api/events/dinner", json={"by_step": False}).json()["by_step"] is False
