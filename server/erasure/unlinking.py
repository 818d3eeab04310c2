"""Takes what was heard of somebody's badges away from their numbers: it becomes that of badges nobody ever held.

    her holding of badge 12   ──spans, visits, stays, trace──►   a fresh badge for each venue and day

What was heard before and after she held the badge stays the badge's; a visit that reaches over her holding is cut,
and both parts are told anew from their spans and trace. Fresh badges show nothing on the air and nobody holds them, so
no two of her days, and no two venues, can be told to be one person's.
"""

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times
from server.corrections import rebuild
from server.presence import trace
from server.presence.intervals import EVER_MS, Interval

DAY_TURNS = dt.timedelta(hours=5)


class Held(NamedTuple):
    """A badge and when it was hers, both ends in it (ms)."""

    badge_id: int
    from_ms: int
    to_ms: int


class _Part(NamedTuple):
    """What of a visit is hers."""

    visit_id: int
    badge_id: int
    venue_id: str
    from_ms: int
    to_ms: int
    whole: bool
    new_id: int


_HELD = text("""
    SELECT badge_id, floor(extract(epoch FROM lower(valid)) * 1000)::bigint AS from_ms,
           ceil(extract(epoch FROM upper(valid)) * 1000)::bigint - 1 AS to_ms
    FROM pairing WHERE member_id = :member ORDER BY badge_id, lower(valid) NULLS FIRST
""")

_VISITS = text("""
    SELECT visit.id, visit.badge_id, visit.venue_id, venue.time_zone, visit.from_ms, visit.to_ms,
           greatest(visit.from_ms, held.low) AS low, least(visit.to_ms, held.high) AS high
    FROM unnest(:badges ::bigint[], :lows ::bigint[], :highs ::bigint[]) AS held (badge_id, low, high)
    JOIN visit ON visit.badge_id = held.badge_id AND visit.from_ms <= held.high AND visit.to_ms >= held.low
    JOIN venue ON venue.id = visit.venue_id
    ORDER BY visit.id
""")

_FRESH = text("INSERT INTO badge (label) SELECT '' FROM generate_series(1, :count) RETURNING id")

_PARTS = """
    unnest(:visits ::bigint[], :olds ::bigint[], :news ::bigint[], :venues ::text[], :lows ::bigint[],
           :highs ::bigint[]) AS part (visit_id, old_id, new_id, venue_id, low, high)
"""
_TAKE_SPANS = text(f"""
    INSERT INTO span (badge_id, placement_id, from_ms, to_ms)
    SELECT part.new_id, span.placement_id, greatest(span.from_ms, part.low), least(span.to_ms, part.high)
    FROM {_PARTS} JOIN span ON span.badge_id = part.old_id AND span.from_ms <= part.high AND span.to_ms >= part.low
    JOIN placement ON placement.id = span.placement_id AND placement.venue_id = part.venue_id
""")  # noqa: S608 -- texts of ours
# What comes after her part has a beginning of its own; what comes before ends before it.
_AFTER_SPANS = text(f"""
    INSERT INTO span (badge_id, placement_id, from_ms, to_ms)
    SELECT part.old_id, span.placement_id, part.high + 1, span.to_ms
    FROM {_PARTS} JOIN span ON span.badge_id = part.old_id AND span.from_ms <= part.high AND span.to_ms > part.high
    JOIN placement ON placement.id = span.placement_id AND placement.venue_id = part.venue_id
""")  # noqa: S608
_CUT_SPANS = text(f"""
    UPDATE span SET to_ms = part.low - 1 FROM {_PARTS} JOIN placement ON placement.venue_id = part.venue_id
    WHERE span.badge_id = part.old_id AND span.placement_id = placement.id
      AND span.from_ms < part.low AND span.to_ms >= part.low
""")  # noqa: S608
_DROP_SPANS = text(f"""
    DELETE FROM span USING {_PARTS} JOIN placement ON placement.venue_id = part.venue_id
    WHERE span.badge_id = part.old_id AND span.placement_id = placement.id
      AND span.from_ms BETWEEN part.low AND part.high
""")  # noqa: S608
_MOVE_STAYS = text(f"""
    UPDATE stay SET badge_id = part.new_id FROM {_PARTS}
    WHERE stay.badge_id = part.old_id AND stay.venue_id = part.venue_id
      AND stay.from_ms BETWEEN part.low AND part.high
""")  # noqa: S608
_MOVE_VISITS = text(f"""
    UPDATE visit SET badge_id = part.new_id FROM {_PARTS} WHERE visit.id = part.visit_id
""")  # noqa: S608

_BLOCKS = text("""
    SELECT trace.placement_id, placement.venue_id, trace.block_ms, trace.peaks
    FROM placement JOIN trace ON trace.placement_id = placement.id
    WHERE placement.venue_id = ANY(:venues) AND trace.block_ms BETWEEN :low AND :high
""")
_WRITE_BLOCKS = text("""
    UPDATE trace SET peaks = new.peaks
    FROM unnest(:placements ::bigint[], :blocks ::bigint[], :peaks ::bytea[]) AS new (placement_id, block_ms, peaks)
    WHERE trace.placement_id = new.placement_id AND trace.block_ms = new.block_ms
""")


def held_by(session: Session, member_id: str) -> list[Held]:
    """What a member held, and when."""
    return [
        Held(row.badge_id, row.from_ms or 0, EVER_MS if row.to_ms is None else row.to_ms)
        for row in session.execute(_HELD, {"member": member_id})
    ]


def unlink(session: Session, held: Sequence[Held], presence: Presence) -> tuple[int, list[str]]:
    """Makes what was heard in these times that of fresh badges; behind the fence. Returns how many visits, and where.

    Repeated it finds nothing, once the pairings are gone.
    """
    parts = _parts(session, held)
    if not parts:
        return 0, []
    whole = [part for part in parts if part.whole]
    for statement in (_TAKE_SPANS, _DROP_SPANS, _MOVE_STAYS, _MOVE_VISITS):
        session.execute(statement, _columns(whole))
    for part in parts:
        if not part.whole:  # one after the other: she may have held it twice in one visit
            for statement in (_TAKE_SPANS, _AFTER_SPANS, _DROP_SPANS, _CUT_SPANS):
                session.execute(statement, _columns([part]))
    _move_trace(session, parts, presence.slot_s * 1000)
    changed: dict[str, dict[int, Interval]] = defaultdict(dict)
    for part in parts:
        if not part.whole:
            for badge_id in (part.badge_id, part.new_id):
                low, high = changed[part.venue_id].get(badge_id, (part.from_ms, part.to_ms))
                changed[part.venue_id][badge_id] = (min(low, part.from_ms), max(high, part.to_ms))
    for venue_id, of_badges in changed.items():
        rebuild.rebuild(session, venue_id, of_badges, presence)
    return len(parts), sorted({part.venue_id for part in parts})


def _parts(session: Session, held: Sequence[Held]) -> list[_Part]:
    asked = {
        "badges": [one.badge_id for one in held],
        "lows": [one.from_ms for one in held],
        "highs": [one.to_ms for one in held],
    }
    rows = session.execute(_VISITS, asked).all()
    days = {row: (row.venue_id, _day(row.low, row.time_zone)) for row in rows}
    wanted = list(dict.fromkeys(days.values()))
    fresh = list(session.execute(_FRESH, {"count": len(wanted)}).scalars()) if wanted else []
    by_day = dict(zip(wanted, fresh, strict=True))
    return [
        _Part(
            row.id,
            row.badge_id,
            row.venue_id,
            row.low,
            row.high,
            (row.low, row.high) == (row.from_ms, row.to_ms),
            by_day[days[row]],
        )
        for row in rows
    ]


def _columns(parts: Sequence[_Part]) -> dict[str, list[Any]]:
    return {
        "visits": [part.visit_id for part in parts],
        "olds": [part.badge_id for part in parts],
        "news": [part.new_id for part in parts],
        "venues": [part.venue_id for part in parts],
        "lows": [part.from_ms for part in parts],
        "highs": [part.to_ms for part in parts],
    }


def _day(at_ms: int, time_zone: str) -> dt.date:
    return (times.from_ms(at_ms).astimezone(zoneinfo.ZoneInfo(time_zone)) - DAY_TURNS).date()


def _move_trace(session: Session, parts: Iterable[_Part], slot_ms: int) -> None:
    of_venue: Mapping[str, list[_Part]] = defaultdict(list)
    for part in parts:
        of_venue[part.venue_id].append(part)
    low = min(part.from_ms for some in of_venue.values() for part in some)
    high = max(part.to_ms for some in of_venue.values() for part in some)
    rows = session.execute(_BLOCKS, {"venues": list(of_venue), "low": trace.block_of(low), "high": high})
    changed: list[tuple[int, int, bytes]] = []
    for row in rows:
        before = bytes(row.peaks)
        after = _rename(before, row.block_ms, of_venue[row.venue_id], slot_ms)
        if after != before:
            changed.append((row.placement_id, row.block_ms, after))
    if changed:
        placements, blocks, peaks = map(list, zip(*changed, strict=True))
        session.execute(_WRITE_BLOCKS, {"placements": placements, "blocks": blocks, "peaks": peaks})


def _rename(block: bytes, block_ms: int, parts: Iterable[_Part], slot_ms: int) -> bytes:
    """A block in which the slots that touch her time are her fresh badge's; one that an end cuts goes with her."""
    slots = trace.BLOCK_MS // slot_ms
    silent = trace.SILENT & 0xFF
    peaks = dict(trace.unpack(block, slots))
    for part in parts:
        if part.badge_id not in peaks:
            continue
        hers = [
            block_ms + slot * slot_ms <= part.to_ms and block_ms + (slot + 1) * slot_ms > part.from_ms
            for slot in range(slots)
        ]
        heard = peaks[part.badge_id]
        taken = bytes(peak if mine else silent for peak, mine in zip(heard, hers, strict=True))
        peaks[part.badge_id] = bytes(silent if mine else peak for peak, mine in zip(heard, hers, strict=True))
        levels = ((slot, peak - 256 if peak > 127 else peak) for slot, peak in enumerate(taken))
        peaks[part.new_id] = trace.raise_peaks(peaks.get(part.new_id), levels, slots)
    return trace.pack({badge_id: heard for badge_id, heard in peaks.items() if any(peak != silent for peak in heard)})
