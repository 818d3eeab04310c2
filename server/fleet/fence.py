"""The fence: which gateway may trust its memory of a shard, and how everybody else works on the rows alone.

An owner's batch reads its shards' rows FOR SHARE and stops if the epoch is not its own. Whoever is not the owner first
raises `touched`, which waits for the owner's batch and makes it forget what it remembers of that shard.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire


class Held(NamedTuple):
    """A shard as a batch found it."""

    gateway: str | None
    epoch: int
    touched: int


def take(session: Session, gateway: str, shards: Iterable[int]) -> dict[int, int]:
    """Makes the gateway the owner of these shards; returns the new epochs.

    Waits for the batches of the owner before; their next ones find another epoch and stop.
    """
    rows = session.execute(
        text("""
            UPDATE shard SET gateway = :gateway, epoch = epoch + 1
            WHERE id IN (SELECT id FROM shard WHERE id = ANY(:shards) ORDER BY id FOR UPDATE)
            RETURNING id, epoch
        """),
        {"gateway": gateway, "shards": list(shards)},
    )
    return dict(rows.all())


def renew(session: Session, gateway: str, shards: Iterable[int]) -> dict[int, int]:
    """Raises the epoch of those of these shards that are still the gateway's; returns the new epochs."""
    rows = session.execute(
        text("""
            UPDATE shard SET epoch = epoch + 1
            WHERE id IN (SELECT id FROM shard WHERE id = ANY(:shards) ORDER BY id FOR UPDATE) AND gateway = :gateway
            RETURNING id, epoch
        """),
        {"gateway": gateway, "shards": list(shards)},
    )
    return dict(rows.all())


def owned(session: Session, gateway: str) -> dict[int, int]:
    """The epochs of the shards that are the gateway's now."""
    rows = session.execute(text("SELECT id, epoch FROM shard WHERE gateway = :gateway"), {"gateway": gateway})
    return dict(rows.all())


def hold(session: Session, shards: Iterable[int]) -> dict[int, Held]:
    """Reads these shards' rows and keeps them as they are until the session's transaction ends."""
    rows = session.execute(
        text("SELECT id, gateway, epoch, touched FROM shard WHERE id = ANY(:shards) ORDER BY id FOR SHARE"),
        {"shards": list(shards)},
    )
    return {row.id: Held(row.gateway, row.epoch, row.touched) for row in rows}


def touch(session: Session, shards: Iterable[int]) -> None:
    """Announces work on the rows of shards that are somebody else's: the first statement of such a transaction."""
    session.execute(
        text("""
            UPDATE shard SET touched = touched + 1
            WHERE id IN (SELECT id FROM shard WHERE id = ANY(:shards) ORDER BY id FOR UPDATE)
        """),
        {"shards": list(shards)},
    )


def touch_venue(session: Session, venue_id: str) -> None:
    """The same for the rows of one venue."""
    touch_venues(session, [venue_id])


def touch_venues(session: Session, venue_ids: Iterable[str]) -> None:
    """The same for the rows of these venues, of which there may be none."""
    shards = sorted({wire.shard_of(venue_id) for venue_id in venue_ids})
    if shards:
        touch(session, shards)
