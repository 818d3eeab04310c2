"""The browsers that a member is signed in with, and ending them."""

import datetime as dt

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server import paging
from server.errors import NotFound
from server.paging import Page
from server.people.hashing import hash_token
from server.people.model import SignInSession


class SessionGone(NotFound):
    """You are not signed in there, or not any more."""

    code = "session_gone"


def list_of(
    session: Session, *, member_id: str, now: dt.datetime, page: Page = paging.EVERYTHING
) -> list[SignInSession]:
    """A member's sessions, the last used first."""
    rows = select(SignInSession).where(SignInSession.member_id == member_id, SignInSession.expires_at > now)
    return page.read(session, rows, paging.down(SignInSession.seen_at), paging.down(SignInSession.number))


def is_this(row: SignInSession, token: str) -> bool:
    """Whether it is the session of this token."""
    return row.token_hash == hash_token(token)


def number_of(session: Session, *, token: str) -> int | None:
    """The number of the session of this token; None: there is none."""
    row = session.get(SignInSession, hash_token(token)) if token else None
    return None if row is None else row.number


def end(session: Session, *, member_id: str, number: int) -> None:
    """Ends one of a member's sessions; raises SessionGone."""
    gone = delete(SignInSession).where(SignInSession.member_id == member_id, SignInSession.number == number)
    if session.execute(gone.returning(SignInSession.number)).scalar_one_or_none() is None:
        raise SessionGone


def end_others(session: Session, *, member_id: str, token: str) -> None:
    """Ends all of a member's sessions but the one of this token."""
    session.execute(
        delete(SignInSession).where(SignInSession.member_id == member_id, SignInSession.token_hash != hash_token(token))
    )


def is_fresh(session: Session, *, token: str, now: dt.datetime, within: dt.timedelta) -> bool:
    """Whether this session began just now with a code, link or passkey: who sits there has proved who she is."""
    row = session.get(SignInSession, hash_token(token))
    return row is not None and row.how in ("code", "link", "passkey") and now - row.created_at <= within
