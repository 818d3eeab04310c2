"""API tokens: what a program acts as a member with. Shown once, with an end, taken back at any time."""

import datetime as dt

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server import names
from server.errors import Conflict, Invalid, NotFound
from server.people.hashing import hash_token, new_token
from server.people.model import ApiToken, Member

PREFIX = "mst_"  # so that scanners for leaked secrets, and people, know one when they see it
MOST_DAYS = 366  # a year: whoever forgot that it exists is asked again
MOST_TOKENS = 50  # of one member: a script that makes one at each run is stopped before it fills the table
SEEN_EVERY = dt.timedelta(minutes=1)  # a program asks many times a second; one row is written once a minute


class TokenGone(NotFound):
    """There is no such token of yours."""

    code = "token_gone"


class TooManyTokens(Conflict):
    """You have as many tokens as one can have; take one back first."""

    code = "too_many_tokens"


def is_token(text: str) -> bool:
    """Whether this is one by its looks."""
    return text.startswith(PREFIX)


def make(
    session: Session, *, member_id: str, name: str, ends_at: dt.datetime, now: dt.datetime
) -> tuple[ApiToken, str]:
    """Makes a token and returns it with its text, this once; raises Invalid, TooManyTokens."""
    if not now < ends_at <= now + dt.timedelta(days=MOST_DAYS):
        raise Invalid("A token ends within %(days)s days.", days=MOST_DAYS)
    session.execute(delete(ApiToken).where(ApiToken.member_id == member_id, ApiToken.ends_at <= now))
    if session.scalar(select(func.count()).where(ApiToken.member_id == member_id)) >= MOST_TOKENS:  # type: ignore[operator]
        raise TooManyTokens
    text = PREFIX + new_token()
    token = ApiToken(
        token_hash=hash_token(text),
        member_id=member_id,
        name=names.check_name(name, "token"),
        made_at=now,
        ends_at=ends_at,
    )
    session.add(token)
    session.flush()
    return token, text


def list_of(session: Session, *, member_id: str, now: dt.datetime) -> list[ApiToken]:
    """A member's tokens that still work, the newest first."""
    rows = select(ApiToken).where(ApiToken.member_id == member_id, ApiToken.ends_at > now)
    return list(session.scalars(rows.order_by(ApiToken.number.desc())))


def revoke(session: Session, *, member_id: str, number: int) -> None:
    """Takes a token back; raises TokenGone."""
    gone = delete(ApiToken).where(ApiToken.member_id == member_id, ApiToken.number == number)
    if session.execute(gone.returning(ApiToken.number)).scalar_one_or_none() is None:
        raise TokenGone


def member_of(session: Session, *, token: str, now: dt.datetime, seen: bool = False) -> Member | None:
    """As whom a token acts at `now`; None when it is nobody's or has ended. seen: notes that it was used."""
    found = session.execute(
        select(Member, ApiToken)
        .join(ApiToken, ApiToken.member_id == Member.id)
        .where(ApiToken.token_hash == hash_token(token), ApiToken.ends_at > now)
    ).one_or_none()
    if found is None:
        return None
    member, row = found
    if seen and (row.used_at is None or row.used_at <= now - SEEN_EVERY):
        row.used_at = now
        session.flush()
    return member
