"""Passwords, where the operator allows them: argon2id, no rules but a length, forgotten is a code by e-mail."""

import datetime as dt
from functools import lru_cache

import argon2
from sqlalchemy.orm import Session

from config.settings import Settings
from server.errors import Invalid, NotFound, Refused
from server.limits import service as limits
from server.limits.service import Bucket, Caller, Rate
from server.mail import addresses
from server.people import service as people
from server.people.model import Password

LENGTH = (10, 200)  # ten of anything are out of reach at the rates of [limits]; beyond 200 it is a text


class NoPasswords(NotFound):
    """This server knows no passwords: sign in with a code or a passkey."""

    code = "no_passwords"


class PasswordWrong(Refused):
    """This address and this password do not belong together. Forgotten? Sign in with a code, then choose another."""

    code = "password_wrong"


class PasswordUnfit(Invalid):
    """A password has 10 to 200 characters; nothing else is asked of it."""

    code = "password_unfit"


def check_allowed(settings: Settings) -> None:
    """Raises NoPasswords unless the operator switched them on."""
    if not settings.people.passwords:
        raise NoPasswords


def choose(session: Session, *, member_id: str, password: str, now: dt.datetime) -> None:
    """Makes this a member's password; raises PasswordUnfit."""
    if not LENGTH[0] <= len(password) <= LENGTH[1]:
        raise PasswordUnfit
    session.merge(Password(member_id=member_id, hash=_hasher().hash(_bytes(password)), set_at=now))
    session.flush()


def remove(session: Session, *, member_id: str) -> None:
    """Forgets a member's password; without one nothing changes."""
    found = session.get(Password, member_id)
    if found is not None:
        session.delete(found)
        session.flush()


def has_one(session: Session, *, member_id: str) -> bool:
    """Whether a member has a password."""
    return session.get(Password, member_id) is not None


def prove(session: Session, caller: Caller, *, email: str, password: str) -> str:
    """Whose address and password these are: the id of the member; raises PasswordWrong, TooMany.

    A stranger's address takes as long, and counts as much, as a member's.
    """
    try:
        address = addresses.normalise(email)
    except Invalid:
        address = ""
    rate = Rate(caller.rates.password_tries_at_once, caller.rates.password_tries_per_h)
    limits.check(session, Bucket("password of", address, rate), now=caller.now)
    with limits.guessing(session, caller, "password", PasswordWrong):
        member = people.by_address(session, address)
        kept = session.get(Password, member.id) if member is not None else None
        right = _verify(kept.hash if kept is not None else _nobodys(), password[: LENGTH[1] + 1])
        if member is None or kept is None or not right:
            limits.take(caller.engine, "password of", address, now=caller.now, rate=rate)
            raise PasswordWrong
        return member.id


@lru_cache(maxsize=1)
def _hasher() -> argon2.PasswordHasher:
    return argon2.PasswordHasher()  # RFC 9106's second choice, 64 MiB: a Raspberry Pi takes it in its stride


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher().hash(b"nobody has this one")


def _verify(kept: str, password: str) -> bool:
    try:
        return _hasher().verify(kept, _bytes(password))
    except argon2.exceptions.VerificationError:
        return False


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")
