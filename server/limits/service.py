"""Takes from a bucket, or says when there is something in it again.

A bucket is one moment, `full_at` (the generic cell rate algorithm, ITU-T I.371): taking moves it on by one step, and is
refused when it would lie further ahead than the bucket holds. Each is a transaction of its own, so that a request that
is refused and rolled back has still been counted.
"""

import datetime as dt
import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Engine, bindparam, text
from sqlalchemy.orm import Session

from config.settings import Limits
from server.errors import MusterError, TooMany

_TAKE = text("""
    INSERT INTO bucket (key, full_at) VALUES (:key, :now + :step)
    ON CONFLICT (key) DO UPDATE SET full_at = greatest(bucket.full_at, :now) + :step
    WHERE greatest(bucket.full_at, :now) + :step <= :now + :most
    RETURNING full_at
""").bindparams(bindparam("now"), bindparam("step"), bindparam("most"))
_READ = text("SELECT key, full_at FROM bucket WHERE key = ANY(:keys)")
_TIDY = text("DELETE FROM bucket WHERE full_at <= :now")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and when they are spent so many again in each hour."""

    at_once: int
    per_h: float

    @property
    def step(self) -> dt.timedelta:
        """How long one takes to come back."""
        return dt.timedelta(hours=1) / self.per_h


class Bucket(NamedTuple):
    """What is taken from: for what, whose, and how much it holds."""

    purpose: str
    key: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries: from which network, when, and by which rates; engine: where it is counted."""

    engine: Engine
    rates: Limits
    network: str
    now: dt.datetime


def take(engine: Engine, purpose: str, key: str, *, now: dt.datetime, rate: Rate) -> None:
    """Counts one; raises TooMany when there was nothing left, which counts nothing."""
    hashed, most = _hash(purpose, key), rate.step * rate.at_once
    with engine.begin() as connection:
        values: dict[str, Any] = {"key": hashed, "now": now, "step": rate.step, "most": most}
        if connection.execute(_TAKE, values).scalar_one_or_none() is None:
            found = connection.execute(_READ, {"keys": [hashed]}).first()
            raise _too_many(None if found is None else found.full_at, now, rate)


def check(session: Session, *buckets: Bucket, now: dt.datetime) -> None:
    """Raises TooMany when there is nothing left in one of them; counts nothing."""
    rates = {_hash(bucket.purpose, bucket.key): bucket.rate for bucket in buckets}
    for key, full_at in session.execute(_READ, {"keys": list(rates)}):
        rate = rates[bytes(key)]
        if max(full_at, now) + rate.step > now + rate.step * rate.at_once:
            raise _too_many(full_at, now, rate)


@contextmanager
def guessing(
    session: Session, caller: Caller, purpose: str, *wrong: type[MusterError], hers: Bucket | None = None
) -> Iterator[None]:
    """The block tries what somebody might guess: what it raises of `wrong` counts against her network and everybody.

    hers: counts as well. What is right never counts: forty guests of one evening share one address. Raises TooMany
    before the block when too much was wrong already.
    """
    own = () if hers is None else (hers,)
    check(session, *_of_guesses(caller, purpose), *own, now=caller.now)
    try:
        yield
    except wrong:
        with suppress(TooMany):  # others were wrong meanwhile: this one is answered, the next is not
            for name, key, rate in own:
                take(caller.engine, name, key, now=caller.now, rate=rate)
            count_wrong(caller, purpose)
        raise


def count_wrong(caller: Caller, purpose: str) -> None:
    """Counts a wrong guess against the caller's network and everybody; raises TooMany when that was too much."""
    for name, key, rate in _of_guesses(caller, purpose):
        take(caller.engine, name, key, now=caller.now, rate=rate)


def tidy(session: Session, *, now: dt.datetime) -> int:
    """Forgets the buckets that are full again; returns how many."""
    return session.execute(_TIDY, {"now": now}).rowcount  # type: ignore[attr-defined, no-any-return]


def _of_guesses(caller: Caller, purpose: str) -> tuple[Bucket, Bucket]:
    rates = caller.rates
    return (
        Bucket(f"{purpose} from", caller.network, Rate(rates.guesses_at_once, rates.guesses_per_h)),
        Bucket(f"{purpose} of all", "", Rate(rates.all_guesses_at_once, rates.all_guesses_per_h)),
    )


def _hash(purpose: str, key: str) -> bytes:
    return hashlib.sha256(f"{purpose}\0{key}".encode()).digest()


def _too_many(full_at: dt.datetime | None, now: dt.datetime, rate: Rate) -> TooMany:
    ahead = (full_at or now) + rate.step - now - rate.step * rate.at_once
    minutes = max(1, math.ceil(ahead.total_seconds() / 60))
    return TooMany(
        "That was tried too often; please wait %(minutes)s min and try again.",
        retry_after_s=max(1, math.ceil(ahead.total_seconds())),
        minutes=minutes,
    )
