"""The states of phones at fences as rows: read for a batch, written back by one statement."""

import datetime as dt
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.fences import State
from server import database

STEP_M = 10  # distances are kept in steps of this: enough for a sentence, too coarse to tell a place from several
MOST_M = 1_000_000  # further away nobody asks how far


class Key(NamedTuple):
    """One phone of a member at one venue."""

    member_id: str
    venue_id: str
    source: str
    device: str


# Times are reckoned as milliseconds, and made of them and into them by the database: a batch has thousands.
_MS = "CAST(coalesce(extract(epoch FROM {0}) * 1000, 0) AS bigint)"
_READ = text(f"""
    SELECT member_id, venue_id, source, device,
           {_MS.format("last_at")}, inside, {_MS.format("since")}, {_MS.format("sure_at")}, {_MS.format("run_since")},
           dwelt, near, CAST(outside_m AS float), CAST(off_m AS float)
    FROM fence_state WHERE member_id = ANY(:members) AND until > :now
    ORDER BY member_id, venue_id, source, device
""")  # noqa: S608 -- a text of ours
# As they are now: whoever else takes fixes of the same phone waits.
_TAKE = text(f"{_READ.text} FOR NO KEY UPDATE")

_AT = "timestamptz 'epoch' + {0} * interval '1 millisecond'"
_WRITE = text(f"""
    INSERT INTO fence_state (member_id, venue_id, source, device, inside, since, sure_at, run_since, last_at, dwelt,
                             near, outside_m, off_m, until)
    SELECT member_id, venue_id, source, device, inside, {_AT.format("since_ms")}, {_AT.format("sure_ms")},
           {_AT.format("run_ms")}, {_AT.format("last_ms")}, dwelt, near, outside_m, off_m,
           {_AT.format("last_ms")} + CAST(:keep AS interval)
    FROM unnest(
        CAST(:member_id AS text[]), CAST(:venue_id AS text[]), CAST(:source AS text[]), CAST(:device AS text[]),
        CAST(:inside AS boolean[]), CAST(:since_ms AS bigint[]), CAST(:sure_ms AS bigint[]),
        CAST(:run_ms AS bigint[]), CAST(:last_ms AS bigint[]), CAST(:dwelt AS boolean[]),
        CAST(:near AS boolean[]), CAST(:outside_m AS bigint[]), CAST(:off_m AS bigint[]))
        AS said (member_id, venue_id, source, device, inside, since_ms, sure_ms, run_ms, last_ms, dwelt, near,
                 outside_m, off_m)
    ON CONFLICT (member_id, venue_id, source, device) DO UPDATE
    SET inside = excluded.inside, since = excluded.since, sure_at = excluded.sure_at, run_since = excluded.run_since,
        last_at = excluded.last_at, dwelt = excluded.dwelt, near = excluded.near, outside_m = excluded.outside_m,
        off_m = excluded.off_m, until = excluded.until
    WHERE excluded.last_at > fence_state.last_at
""")  # noqa: S608 -- a text of ours


def read(session: Session, member_ids: Collection[str], now: dt.datetime, *, to_edit: bool = False) -> dict[Key, State]:
    """What is known of all phones of these members."""
    given = {"members": sorted(member_ids), "now": now}
    rows = database.read_rows(session, _TAKE if to_edit else _READ, given)
    return {Key._make(row[:4]): State._make(row[4:]) for row in rows}


def write(session: Session, changed: Mapping[Key, State], keep: dt.timedelta) -> None:
    """Keeps states until so long after their newest fix, where nothing newer is kept."""
    if not changed:
        return
    keys = sorted(changed)
    states = [changed[key] for key in keys]
    given: dict[str, Any] = dict(zip(Key._fields, map(list, zip(*keys, strict=True)), strict=True))
    given |= {
        "inside": [state.inside for state in states],
        "since_ms": [None if state.inside is None else state.since_ms for state in states],
        "sure_ms": [None if state.inside is None else state.sure_ms for state in states],
        "run_ms": [state.run_ms if state.inside else None for state in states],
        "last_ms": [state.last_ms for state in states],
        "dwelt": [state.dwelt for state in states],
        "near": [state.near for state in states],
        "outside_m": [_coarse(state.outside_m) for state in states],
        "off_m": [_coarse(state.off_m) for state in states],
        "keep": keep,
    }
    session.execute(_WRITE, given)


def _coarse(metres: float) -> int:
    return math.ceil(min(metres, MOST_M) / STEP_M) * STEP_M
