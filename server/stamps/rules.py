"""What a card is worth: which stamps are left on it, and how it stands; pure."""

import datetime as dt
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple


class Stamp(NamedTuple):
    """A stamp. key: the venue's day, the gathering or the step that it is for. name: of what she came to, or ""."""

    key: str
    at: dt.datetime
    name: str = ""


class State(StrEnum):
    """How a card of somebody stands."""

    COLLECTING = "collecting"
    FULL = "full"
    REDEEMED = "redeemed"  # once, and it does not begin anew
    OVER = "over"


def left(stamps: Iterable[Stamp], used: Collection[str]) -> tuple[Stamp, ...]:
    """The stamps that were not redeemed, each key once, in the order in which she came."""
    found: dict[str, Stamp] = {}
    for stamp in sorted(stamps, key=lambda one: (one.at, one.key)):
        if stamp.key not in used:
            found.setdefault(stamp.key, stamp)
    return tuple(found.values())


def state(
    stamps: int,
    needs: int,
    *,
    redeemed: int,
    renews: bool,
    until: dt.datetime | None,
    ended_at: dt.datetime | None,
    now: dt.datetime,
) -> State:
    """How a card with so many stamps left stands; until: the last moment of all; ended_at: what is full stays full."""
    if redeemed and not renews:
        return State.REDEEMED
    if until is not None and now >= until:
        return State.OVER
    if stamps >= needs:
        return State.FULL
    return State.COLLECTING if ended_at is None or now < ended_at else State.OVER
