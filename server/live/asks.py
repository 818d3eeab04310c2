"""What of an event's doors its organizer sees live: who asks to come in, and who came last."""

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from server import times
from server.doors import asks, receipts, words
from server.doors.asks import AskRow
from server.doors.receipts import Entry
from server.presence.schema import rfc3339
from server.texts import Texts

LAST_SHOWN = 12  # as many as stand at a door


class AtDoors(NamedTuple):
    """What the tables say of an event's doors. asks: all that had no answer when they were read."""

    asks: tuple[AskRow, ...]
    last: tuple[Entry, ...]


NOTHING = AtDoors((), ())


def load(session: Session, *, event_id: str) -> AtDoors:
    """What the tables say of an event's doors."""
    # At the beginning of time nothing is over: whether it is, is judged when it is drawn.
    waiting = asks.of_event(session, event_id=event_id, now=times.EPOCH)
    return AtDoors(tuple(waiting), tuple(receipts.last_of(session, event_id, LAST_SHOWN)))


def draw(at_doors: AtDoors, now: dt.datetime, is_named: Callable[[str | None], bool], say: Texts) -> dict[str, Any]:
    """`asks` and `passages` for the organizer. is_named: whether she may see the name of a member who came."""
    return {
        "asks": [
            {"id": ask.id, "name": ask.name, "reason": ask.reason, "at": rfc3339(ask.asked_at)}
            for ask in at_doors.asks
            if now < ask.ends_at
        ],
        "passages": [
            {
                "id": entry.id,
                "name": entry.name if is_named(entry.member_id) else None,
                "direction": entry.direction,
                "at": rfc3339(entry.at),
                "evidence": entry.evidence,
                "marks": words.marks(entry.flags, say),
                "undone": entry.undone,
            }
            for entry in at_doors.last
        ],
    }
