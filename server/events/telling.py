"""Tells who signed up for a gathering what became of it."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from server import texts, topics
from server.events.model import Event
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
    )
    topics.bump(session, [f"member/{member_id}" for member_id in told])
