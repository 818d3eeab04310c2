"""What the API says of notes."""

from typing import Any

from server.audit.model import Note
from server.fields import Moment, Outgoing


class NoteOut(Outgoing):
    """One act: who did what to what; by: a member's id, none of a door's and of somebody who was erased."""

    id: int
    at: Moment
    by: str | None
    door: int | None
    action: str
    of: str
    details: dict[str, Any]


def show(note: Note) -> NoteOut:
    """A note as the API shows it."""
    return NoteOut(
        id=note.id,
        at=note.at,
        by=note.actor_id,
        door=note.door_id,
        action=note.action,
        of=note.subject,
        details=note.details,
    )
