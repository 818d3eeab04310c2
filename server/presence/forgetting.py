"""Which times of a venue's trace were forgotten: read, and added to."""

from collections.abc import Collection, Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.presence import joining
from server.presence.joining import Interval
from server.presence.trace import Forgotten


def read(session: Session, venue_ids: Collection[str]) -> dict[str, Forgotten]:
    """The forgotten times of each of these venues."""
    times: dict[str, list[Interval]] = {venue_id: [] for venue_id in venue_ids}
    rows = session.execute(
        text("""
            SELECT venue_id, from_ms, to_ms FROM trace_forgotten WHERE venue_id = ANY(:venues)
            ORDER BY venue_id, from_ms
        """),
        {"venues": list(venue_ids)},
    )
    for venue_id, from_ms, to_ms in rows:
        times[venue_id].append((from_ms, to_ms))
    return {venue_id: Forgotten(found) for venue_id, found in times.items()}


def forget(session: Session, venue_id: str, known: Forgotten, times: Iterable[Interval]) -> Forgotten:
    """Adds forgotten times (ms, whole blocks, the end not included) to those known; returns all of them.

    The caller has passed the fence of the venue.
    """
    before = dict(known.times())
    after = joining.join([*before.items(), *times], 0)
    gone = before.keys() - {start for start, _ in after}
    if gone:
        session.execute(
            text("DELETE FROM trace_forgotten WHERE venue_id = :venue AND from_ms = ANY(:gone)"),
            {"venue": venue_id, "gone": list(gone)},
        )
    written = [(start, end) for start, end in after if before.get(start) != end]
    if written:
        session.execute(
            text("""
                INSERT INTO trace_forgotten (venue_id, from_ms, to_ms)
                SELECT :venue, * FROM unnest(:froms ::bigint[], :tos ::bigint[])
                ON CONFLICT (venue_id, from_ms) DO UPDATE SET to_ms = excluded.to_ms
            """),
            {"venue": venue_id, "froms": [start for start, _ in written], "tos": [end for _, end in written]},
        )
    return Forgotten(after)
