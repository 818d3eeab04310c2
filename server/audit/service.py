"""Notes what was done, within the transaction that does it, and reads it again."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import paging
from server.audit.model import Note


def note(
    session: Session,
    action: str,
    *,
    of: str,
    now: dt.datetime,
    by: str | None = None,
    door_id: int | None = None,
    **details: str | int | float | bool | None,
) -> None:
    """Notes an act.

    action: `role.given`, `check_in.undone` ...; of: `venue/<id>`, `event/<id>`, `member/<id>`, `server`; by: the id of
    a member; details: ids and numbers, never names.
    """
    session.add(Note(at=now, actor_id=by, door_id=door_id, action=action, subject=of, details=details))
    session.flush()


def read(session: Session, *, of: str | None = None, page: paging.Page = paging.EVERYTHING) -> list[Note]:
    """The notes of one subject, or of all, the newest first."""
    rows = select(Note)
    return page.read(session, rows if of is None else rows.where(Note.subject == of), paging.down(Note.id))
