"""Tells who signed up for a gathering what became of it."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import texts, topics
from server.events.model import Event, Step
from server.inbox import service as inbox
from server.inbox import words

# Marked for the catalogue here, said in each reader's language where she reads it.
PROMOTED = texts.later("A place is free: you are going to %(event)s.")
ACCEPTED = texts.later("The host said yes: you are going to %(event)s.")
ACCEPTED_WAITING = texts.later("The host said yes to %(event)s. Every place is taken for now: you are waiting for one.")
DECLINED = texts.later("The host said no to %(event)s this time.")
CALLED_OFF = texts.later("%(event)s was called off.")
CALLED_OFF_BECAUSE = texts.later("%(event)s was called off: %(reason)s")
MOVED = texts.later("%(event)s has another time or place now. Look at it once more.")
REPEATED = texts.later("%(host)s hosts %(event)s at your place again.")
SERIES_ENDED = texts.later("%(event)s comes no more after the dates that stand: you no longer gather in its community.")
PLACE_SAYS_NO = texts.later("%(event)s comes no more after the dates that stand: you no longer gather at its place.")
KINDS = ("event.promoted", "event.answered", "event.called_off", "event.moved", "event.repeated", "event.series_ended")
# What she has to know before she sets out.
WAKING = ("event.called_off", "event.moved")


def tell(
    session: Session,
    member_ids: Iterable[str],
    *,
    event: Event,
    kind: str,
    sentence: str,
    nonce: str,
    now: dt.datetime,
    **values: Any,
) -> None:
    """Tells members something of a gathering, once for each nonce; they read it in their own language."""
    assert kind in KINDS, kind
    told = list(member_ids)
    due_by = _due_by(session, event, now) if kind in WAKING else None
    inbox.tell(
        session,
        told,
        kind=kind,
        of=f"event/{event.id}",
        sentence=sentence,
        values={"event": words.named(event.name, event.simulated), **values},
        link=f"/events/{event.id}",
        nonce=nonce,
        now=now,
        due_by=due_by,
    )
    topics.bump(session, [f"member/{member_id}" for member_id in told])


def _due_by(session: Session, event: Event, now: dt.datetime) -> dt.datetime | None:
    """When whoever goes sets out: the next start of a step, else the end of it all; None: all of it is over."""
    steps = session.execute(select(Step.starts_at, Step.ends_at).where(Step.event_id == event.id)).all()
    starts = [step.starts_at for step in steps if step.starts_at > now]
    ends = [step.ends_at for step in steps if step.ends_at > now]
    return min(starts) if starts else max(ends, default=None)
