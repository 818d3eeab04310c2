"""Posts letters in the caller's transaction, and knows what became of them."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from server.jobs import service as jobs
from server.mail.addresses import normalise
from server.mail.model import Letter

LIFETIME = dt.timedelta(days=2)  # of a letter without a reason to be in time: a mail server's weekend is shorter
SHOWN = 100
# Jobs are known by name: whoever posts a letter need not load what sends it.
DELIVER = "mail.deliver"


def post(
    session: Session,
    *,
    to: str,
    subject: str,
    text: str,
    now: dt.datetime,
    expires_at: dt.datetime | None = None,
    headers: Mapping[str, str] | None = None,
) -> Letter:
    """Queues a letter within the session's transaction; raises AddressInvalid.

    subject: one line; what would begin another header is taken out. expires_at: after that it is not worth sending.
    headers: more than every letter has, in ASCII.
    """
    letter = Letter(
        address=normalise(to),
        subject=" ".join(subject.split()),
        text=text,
        made_at=now,
        expires_at=expires_at or now + LIFETIME,
        headers=dict(headers or {}),
    )
    session.add(letter)
    session.flush()
    jobs.defer(session, DELIVER, letter_id=letter.id)
    return letter


def waiting(session: Session, *, now: dt.datetime) -> list[Letter]:
    """The letters that are neither sent nor given up and still worth it, the newest first."""
    rows = select(Letter).where(Letter.sent_at.is_(None), Letter.refused.is_(None), Letter.expires_at > now)
    return list(session.scalars(rows.order_by(Letter.id.desc()).limit(SHOWN)))


def refused(session: Session) -> list[Letter]:
    """The letters that will never arrive, the newest first: for the operator to act on."""
    rows = select(Letter).where(Letter.refused.is_not(None)).order_by(Letter.id.desc()).limit(SHOWN)
    return list(session.scalars(rows))


def tidy(session: Session, *, now: dt.datetime, keep: dt.timedelta) -> None:
    """Empties what is too late to be sent, and forgets what was posted longer ago than `keep`."""
    for letter in session.scalars(
        select(Letter).where(Letter.text != "", or_(Letter.expires_at <= now, Letter.refused.is_not(None)))
    ):
        letter.text = ""
    session.execute(delete(Letter).where(Letter.made_at <= now - keep))
