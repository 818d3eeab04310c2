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
from typing import Any

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
_READ = text("SELECT full_at FROM bucket WHERE key = :key")
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
            raise _too_many(connection.scalar(_READ, {"key": hashed}), now, rate)


def check(engine: Engine, purpose: str, key: str, *, now: dt.datetime, rate: Rate) -> None:
    """Raises TooMany when there is nothing left; counts nothing."""
    with engine.connect() as connection:
        full_at = connection.scalar(_READ, {"key": _hash(purpose, key)})
    if full_at is not None and max(full_at, now) + rate.step > now + rate.step * rate.at_once:
        raise _too_many(full_at, now, rate)


@contextmanager
def guessing(caller: Caller, purpose: str, *wrong: type[MusterError]) -> Iterator[None]:
    """The block tries what somebody might guess: what it raises of `wrong` counts against her network and everybody.

    What is right never counts: forty guests of one evening share one address. Raises TooMany before the block when too
    much was wrong already.
    """
    for name, key, rate in _of_guesses(caller, purpose):
        check(caller.engine, name, key, now=caller.now, rate=rate)
    try:
        yield
    except wrong:
        with suppress(TooMany):  # others were wrong meanwhile: this one is answered, the next is not
            count_wrong(caller, purpose)
        raise


def count_wrong(caller: Caller, purpose: str) -> None:
    """Counts a wrong guess against the caller's network and everybody; raises TooMany when that was too much."""
    for name, key, rate in _of_guesses(caller, purpose):
        take(caller.engine, name, key, now=caller.now, rate=rate)


def tidy(session: Session, *, now: dt.datetime) -> int:
    """Forgets the buckets that are full again; returns how many."""
    return session.execute(_TIDY, {"now": now}).rowcount  # type: ignore[attr-defined, no-any-return]


def _of_guesses(caller: Caller, purpose: str) -> tuple[tuple[str, str, Rate], ...]:
    rates = caller.rates
    return (
        (f"{purpose} from", caller.network, Rate(rates.guesses_at_once, rates.guesses_per_h)),
        (f"{purpose} of all", "", Rate(rates.all_guesses_at_once, rates.all_guesses_per_h)),
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
