"""Whether one signs up for the whole of a gathering or for its steps, also once people have signed up."""

import datetime as dt

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from server import topics
from server.errors import Conflict
from server.events import signups, states
from server.events.model import Event, SignUpStep


class StepsChosen(Conflict):
    """Somebody has chosen some of its steps already: one goes on signing up for them."""

    code = "steps_chosen"


# Whatever somebody is for the whole she becomes for each step, at her turn.
_SPREAD = text("""
    INSERT INTO sign_up_step (step_id, member_id, event_id, state, turn)
    SELECT step.id, sign_up.member_id, sign_up.event_id, sign_up.state, sign_up.turn
    FROM sign_up JOIN step ON step.event_id = sign_up.event_id WHERE sign_up.event_id = :event
""")
_SOME_ALONE = text("""
    SELECT EXISTS (
        SELECT FROM sign_up JOIN step ON step.event_id = sign_up.event_id
        LEFT JOIN sign_up_step AS chosen ON chosen.step_id = step.id AND chosen.member_id = sign_up.member_id
        WHERE sign_up.event_id = :event AND sign_up.state = ANY(:live)
        AND chosen.state IS DISTINCT FROM sign_up.state)
""")


def set_by_step(session: Session, event: Event, by_step: bool, now: dt.datetime) -> None:
    """Says whether one signs up for steps, each with its own places and list; twice is as once.

    Who signed up for the whole has chosen all steps, and gets those of them that have room. Back to the whole only as
    long as everybody is the same at all of them. The event has to be read to be edited. Raises StepsChosen.
    """
    if event.by_step is by_step:
        return
    with topics.together(session):
        session.flush()
        if by_step:
            session.execute(_SPREAD, {"event": event.id})
        else:
            if session.scalar(_SOME_ALONE, {"event": event.id, "live": sorted(states.LIVE)}):
                raise StepsChosen
            session.execute(delete(SignUpStep).where(SignUpStep.event_id == event.id))
        event.by_step = by_step
        session.flush()
        signups.promote(session, event, now)
        topics.bump(session, [topics.EXPECTED, f"event/{event.id}"])
