"""Proves that an e-mail address is somebody's: six digits to type where she asked, or a link to open anywhere.

A code is good for ten minutes, five tries, and only the newest one of an address. It has to come with the token of the
browser that asked for it: nobody else can try, and the hash that is kept of both together tells nobody the digits.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.errors import Invalid, Refused, TooMany
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
    rows = select(Proof).where(Proof.asked_hash == hash_token(asked), Proof.used_at.is_(None), Proof.expires_at > now)
    return session.scalar(rows)


def prove(session: Session, caller: Caller, *, asked: str, code: str) -> Proved:
    """Uses a code up; raises CodeMalformed, CodeWrong, CodeSpent, TooMany.

    Every try counts before it is looked at, in a transaction of its own: tries at once cannot be more than five.
    """
    digits = "".join(sign for sign in code if not sign.isspace() and sign != "-")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise CodeMalformed
    with limits.guessing(session, caller, "code", CodeWrong, CodeSpent):
        proof = asked_for(session, asked=asked, now=caller.now)
        if proof is None:
            raise CodeSpent
        _count_try(caller.engine, asked, caller.now)
        if not hmac.compare_digest(proof.code_hash, _hash(asked, digits)):
            raise CodeWrong
        return _use(session, Proof.asked_hash == hash_token(asked), caller.now)


def look_at_link(session: Session, *, link: str, now: dt.datetime) -> Proof | None:
    """What a link in a letter proves, without using it; None when it is none of ours, used or too old."""
    rows = select(Proof).where(Proof.link_hash == hash_token(link), Proof.used_at.is_(None), Proof.expires_at > now)
    return session.scalar(rows)


def use_link(session: Session, *, link: str, now: dt.datetime) -> Proved:
    """Uses a link up; raises CodeSpent. Of two at the same moment one wins."""
    return _use(session, Proof.link_hash == hash_token(link), now)


def tidy(session: Session, *, now: dt.datetime) -> None:
    """Forgets what proves nothing any more: an address asked about is no reason to keep it."""
    session.execute(delete(Proof).where(or_(Proof.expires_at <= now, Proof.used_at.is_not(None))))


def _use(session: Session, which: object, now: dt.datetime) -> Proved:
    used = session.execute(
        update(Proof)
        .where(which, Proof.used_at.is_(None), Proof.expires_at > now)  # type: ignore[arg-type]
        .values(used_at=now)
        .returning(Proof.address, Proof.for_id, Proof.language)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if used is None:
        raise CodeSpent
    return Proved(*used)


def _count_try(engine: Engine, asked: str, now: dt.datetime) -> None:
    try:
        limits.take(engine, "tries of", asked, now=now, rate=Rate(TRIES, per_h=1))  # a code lives an hour at the most
    except TooMany:
        raise CodeSpent from None


def _hash(asked: str, digits: str) -> bytes:
    return hashlib.sha256(f"{asked}\0{digits}".encode()).digest()
