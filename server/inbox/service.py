"""Tells members what they should know, once, and knows what they have read."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from server import paging
from server.inbox import groups, words
from server.inbox.model import Digest, Notification
from server.jobs import service as jobs

POST = "inbox.post"
KEPT = dt.timedelta(days=90)
_AT_ONCE = 1000  # rows of one statement
_NAMES = text(
    """jsonb_path_exists("values", '$.** ? (@.member == $id)', jsonb_build_object('id', CAST(:member AS text)))"""
)


class Note(NamedTuple):
    """Something to tell members once, see `tell`."""

    member_ids: tuple[str, ...]
    kind: str
    of: str
    sentence: str
    values: Mapping[str, Any]
    link: str | None = None
    nonce: str = ""
    due_by: dt.datetime | None = None


# In one order, so that two at once do not wait for each other.
_TELL = text("""
    INSERT INTO notification (member_id, kind, subject, nonce, sentence, "values", link, at, due_by)
    SELECT member_id, kind, subject, nonce, sentence, "values", link, :now, due_by
    FROM jsonb_to_recordset(CAST(:notes AS jsonb))
         AS note (member_id text, kind text, subject text, nonce text, sentence text, "values" jsonb, link text,
                  due_by timestamptz)
    ORDER BY member_id, kind, subject, nonce
    ON CONFLICT ON CONSTRAINT uq_notification_once DO NOTHING RETURNING id
""")


def tell(
    session: Session,
    member_ids: Iterable[str],
    *,
    kind: str,
    of: str,
    sentence: str,
    now: dt.datetime,
    values: Mapping[str, Any] | None = None,
    link: str | None = None,
    nonce: str = "",
    due_by: dt.datetime | None = None,
) -> int:
    """Tells members something, within the session's transaction; how many of them had not been told it yet.

    kind, of, nonce: who was told the same of the same (`event/<id>`) with the same nonce is not told again.
    sentence: English, marked for the catalogue with `texts.later`, whole and with its `%(name)s` unfilled. values: what
    fills it, as JSON has it, with `words.moment` for times, `words.person` for members, and `words.named` for other
    names that may be the demonstration's.
    link: a path of ours where she can act. due_by: after that no message of it is worth sending; what wakes
    (groups.KINDS) and would come too late after her quiet hours goes out in them.
    """
    return tell_all(session, [Note(tuple(member_ids), kind, of, sentence, values or {}, link, nonce, due_by)], now=now)


def tell_all(session: Session, notes: Iterable[Note], *, now: dt.datetime) -> int:
    """Tells however many notes; how many were not told yet, each counted for each member."""
    rows = []
    for note in notes:
        assert note.link is None or note.link.startswith("/")
        assert note.kind in groups.KINDS, f"{note.kind} is in no group of server/inbox/groups.py"
        row = {
            "kind": note.kind,
            "subject": note.of,
            "nonce": note.nonce,
            "sentence": note.sentence,
            "values": note.values,
            "link": note.link,
            "due_by": None if note.due_by is None else note.due_by.isoformat(),
        }
        rows += [{**row, "member_id": member_id} for member_id in set(note.member_ids)]
    rows.sort(key=lambda row: (row["member_id"], row["kind"], row["subject"], row["nonce"]))
    told = 0
    for start in range(0, len(rows), _AT_ONCE):
        given = {"notes": json.dumps(rows[start : start + _AT_ONCE]), "now": now}
        told += len(session.scalars(_TELL, given).all())
    if told:
        jobs.defer(session, POST, only_one=POST)
    return told


def take_back(session: Session, *, kind: str, of: str) -> None:
    """Deletes what all were told of something, with all that has not gone out of it yet; by an index of that kind."""
    wanted = delete(Notification).where(Notification.kind == kind, Notification.subject == of)
    session.execute(wanted.execution_options(synchronize_session=False))


def was_told(session: Session, *, member_id: str, kind: str, of: str) -> bool:
    """Whether somebody has a note of something."""
    wanted = select(Notification.id).where(
        Notification.member_id == member_id, Notification.kind == kind, Notification.subject == of
    )
    return session.scalar(wanted.limit(1)) is not None


def forget(session: Session, member_id: str) -> None:
    """Takes a member's name out of everybody's notes."""
    for note in session.scalars(select(Notification).where(_NAMES).with_for_update(), {"member": member_id}):
        note.values = words.without(note.values, member_id)
    session.flush()


def list_of(session: Session, *, member_id: str, page: paging.Page = paging.EVERYTHING) -> list[Notification]:
    """Her notes, the newest first."""
    return page.read(
        session,
        select(Notification).where(Notification.member_id == member_id),
        paging.down(Notification.at),
        paging.down(Notification.id),
    )


def count_unread(session: Session, *, member_id: str) -> int:
    """How many of her notes she has not read."""
    wanted = (
        select(func.count())
        .select_from(Notification)
        .where(Notification.member_id == member_id, Notification.read_at.is_(None))
    )
    return session.scalar(wanted) or 0


def read(session: Session, *, member_id: str, up_to: int, now: dt.datetime) -> None:
    """Notes that she has read everything up to a note; what came since is still unread."""
    session.execute(
        update(Notification)
        .where(Notification.member_id == member_id, Notification.id <= up_to, Notification.read_at.is_(None))
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )


def tidy(session: Session, *, now: dt.datetime) -> None:
    """Forgets notes of more than 90 days ago."""
    session.execute(delete(Notification).where(Notification.at <= now - KEPT))
    session.execute(delete(Digest).where(Digest.made_at <= now - KEPT))
