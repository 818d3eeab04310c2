"""Proves that an e-mail address is somebody's: six digits to type where she asked, or a link to open anywhere.

A code is good for ten minutes, five tries, and only the newest one of an address. It has to come with the token of the
browser that asked for it: nobody else can try, and the hash that is kept of both together tells nobody the digits.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.errors import Invalid, Refused
from server.limits import service as limits
from server.limits.service import Caller, Rate
from server.mail import addresses
from server.mail import service as mail
from server.people import letters
from server.people.hashing import hash_token, new_token
from server.people.model import Proof

DIGITS = 6  # as many as one remembers between two screens
TRIES = 5  # five of a million: with the newest code alone, and letters limited, a guesser has 25 an hour


class CodeWrong(Refused):
    """That is not the code of the newest letter. Please look again: six digits."""

    code = "code_wrong"
    kept = True  # with it the try is counted


class CodeSpent(Refused):
    """This code was tried too often, or it is too old. Please ask for a new one."""

    code = "code_spent"


class CodeMalformed(Invalid):
    """A code has six digits."""

    code = "code_malformed"


@dataclass(frozen=True, slots=True)
class Proved:
    """An address that is somebody's; for_id: the member who wants it to be hers, None to sign in."""

    address: str
    for_id: str | None
    language: str


def ask(
    session: Session,
    caller: Caller,
    *,
    email: str,
    language: str | None,
    lifetime: dt.timedelta,
    url: str,
    for_id: str | None = None,
) -> str:
    """Sends a code to an address, and returns the token that the asking browser keeps; raises AddressInvalid, TooMany.

    Whether anybody here has the address makes no difference to what happens. url: of this server, for the link; what
    is to belong to a member (`for_id`) has none: it has to be proved in the browser that asked.
    """
    address = addresses.normalise(email)
    rates, now = caller.rates, caller.now
    per_network, per_address = (
        Rate(rates.asks_at_once, rates.asks_per_h),
        Rate(rates.letters_at_once, rates.letters_per_h),
    )
    limits.take(caller.engine, "asks from", caller.network, now=now, rate=per_network)
    limits.take(caller.engine, "letters to", address, now=now, rate=per_address)
    asked, link, digits = new_token(), new_token(), f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    words = letters.of(language)
    values = {
        "address": address,
        "asked_hash": hash_token(asked),
        "code_hash": _hash(asked, digits),
        "link_hash": hash_token(link) if for_id is None else None,
        "for_id": for_id,
        "language": language or "en",
        "expires_at": now + lifetime,
        "used_at": None,
        "tries": 0,
    }
    session.execute(insert(Proof).values(values).on_conflict_do_update(index_elements=[Proof.address], set_=values))
    said = {
        "code": digits,
        "minutes": round(lifetime.total_seconds() / 60),
        "link": f"{url}/sign-in/{link}",
    }
    text = (words.sign_in if for_id is None else words.claim) % said
    mail.post(session, to=address, subject=words.subject % said, text=text, now=now, expires_at=now + lifetime)
    return asked


def asked_for(session: Session, *, asked: str, now: dt.datetime) -> Proof | None:
    """What the browser with this token asked for; None when it is too old, used, or a newer one took its place."""
    return session.scalar(select(Proof).where(Proof.asked_hash == hash_token(asked), _is_good(now)))


def prove(session: Session, caller: Caller, *, asked: str, code: str) -> Proved:
    """Uses a code up; raises CodeMalformed, CodeWrong, CodeSpent, TooMany.

    Every try counts before it is looked at, in the proof's own row: tries at once wait for each other, and whatever
    ends the server or its database, a code has no more than five.
    """
    digits = "".join(sign for sign in code if not sign.isspace() and sign != "-")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise CodeMalformed
    with limits.guessing(session, caller, "code", CodeWrong, CodeSpent):
        code_hash = _count_try(session, asked, caller.now)
        if code_hash is None:
            raise CodeSpent
        if not hmac.compare_digest(code_hash, _hash(asked, digits)):
            raise CodeWrong
        return _use(session, Proof.asked_hash == hash_token(asked), caller.now)


def look_at_link(session: Session, *, link: str, now: dt.datetime) -> Proof | None:
    """What a link in a letter proves, without using it; None when it is none of ours, used or too old."""
    return session.scalar(select(Proof).where(Proof.link_hash == hash_token(link), _is_good(now)))


def use_link(session: Session, *, link: str, now: dt.datetime) -> Proved:
    """Uses a link up; raises CodeSpent. Of two at the same moment one wins."""
    return _use(session, Proof.link_hash == hash_token(link), now)


def tidy(session: Session, *, now: dt.datetime) -> None:
    """Forgets what proves nothing any more: an address asked about is no reason to keep it."""
    session.execute(delete(Proof).where(or_(Proof.expires_at <= now, Proof.used_at.is_not(None))))


def _use(session: Session, which: ColumnElement[bool], now: dt.datetime) -> Proved:
    used = session.execute(
        update(Proof)
        .where(which, _is_good(now))
        .values(used_at=now)
        .returning(Proof.address, Proof.for_id, Proof.language)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if used is None:
        raise CodeSpent
    return Proved(*used)


def _count_try(session: Session, asked: str, now: dt.datetime) -> bytes | None:
    """Counts a try and returns what is kept of the code; None when there is none left, or nothing to try."""
    return session.execute(
        update(Proof)
        .where(Proof.asked_hash == hash_token(asked), _is_good(now), Proof.tries < TRIES)
        .values(tries=Proof.tries + 1)
        .returning(Proof.code_hash)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()


def _is_good(now: dt.datetime) -> ColumnElement[bool]:
    return and_(Proof.used_at.is_(None), Proof.expires_at > now)


def _hash(asked: str, digits: str) -> bytes:
    return hashlib.sha256(f"{asked}\0{digits}".encode()).digest()
