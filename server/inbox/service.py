"""Tells members what they should know, once, and knows what they have read."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
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
    assert link is None or link.startswith("/")
    assert kind in groups.KINDS, f"{kind} is in no group of server/inbox/groups.py"
    rows = [
        {
            "member_id": member_id,
            "kind": kind,
            "subject": of,
            "nonce": nonce,
            "sentence": sentence,
            "values": dict(values or {}),
            "link": link,
            "at": now,
            "due_by": due_by,
        }
        for member_id in sorted(set(member_ids))  # in one order, so that two at once do not wait for each other
    ]
    told = 0
    for start in range(0, len(rows), _AT_ONCE):
        wanted = (
            insert(Notification)
            .values(rows[start : start + _AT_ONCE])
            .on_conflict_do_nothing(constraint="uq_notification_once")
        )
        told += len(session.scalars(wanted.returning(Notification.id)).all())
    if told:
        jobs.defer(session, POST, only_one=POST)
    return told


def take_back(session: Session, member_ids: Iterable[str], *, kind: str, of: str) -> None:
    """Deletes notes that members were told, with all that has not gone out of them yet."""
    wanted = delete(Notification).where(
        Notification.member_id.in_(list(member_ids)), Notification.kind == kind, Notification.subject == of
    )
    session.execute(wanted.execution_options(synchronize_session=False))


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
