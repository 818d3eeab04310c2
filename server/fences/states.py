"""The states of phones at fences as rows: read for a batch, written back by one statement."""

import datetime as dt
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.fences import State
from server import times

STEP_M = 10  # distances are kept in steps of this: enough for a sentence, too coarse to tell a place from several
MOST_M = 1_000_000  # further away nobody asks how far


class Key(NamedTuple):
    """One phone of a member at one venue."""

    member_id: str
    venue_id: str
    source: str
    device: str


_READ = text("""
    SELECT member_id, venue_id, source, device, inside, since, sure_at, run_since, last_at, dwelt, near, outside_m,
           off_m
    FROM fence_state WHERE member_id = ANY(:members) AND until > :now
    ORDER BY member_id, venue_id, source, device
""")
# As they are now: whoever else takes fixes of the same phone waits.
_TAKE = text(f"{_READ.text} FOR NO KEY UPDATE")

_WRITE = text("""
    INSERT INTO fence_state (member_id, venue_id, source, device, inside, since, sure_at, run_since, last_at, dwelt,
                             near, outside_m, off_m, until)
    SELECT * FROM unnest(
        CAST(:member_id AS text[]), CAST(:venue_id AS text[]), CAST(:source AS text[]), CAST(:device AS text[]),
        CAST(:inside AS boolean[]), CAST(:since AS timestamptz[]), CAST(:sure_at AS timestamptz[]),
        CAST(:run_since AS timestamptz[]), CAST(:last_at AS timestamptz[]), CAST(:dwelt AS boolean[]),
        CAST(:near AS boolean[]), CAST(:outside_m AS bigint[]), CAST(:off_m AS bigint[]),
        CAST(:until AS timestamptz[]))
    ON CONFLICT (member_id, venue_id, source, device) DO UPDATE
    SET inside = excluded.inside, since = excluded.since, sure_at = excluded.sure_at, run_since = excluded.run_since,
        last_at = excluded.last_at, dwelt = excluded.dwelt, near = excluded.near, outside_m = excluded.outside_m,
        off_m = excluded.off_m, until = excluded.until
    WHERE excluded.last_at > fence_state.last_at
""")


def read(session: Session, member_ids: Collection[str], now: dt.datetime, *, to_edit: bool = False) -> dict[Key, State]:
    """What is known of all phones of these members."""
    given = {"members": sorted(member_ids), "now": now}
    return {
        Key(row.member_id, row.venue_id, row.source, row.device): _state(row)
        for row in session.execute(_TAKE if to_edit else _READ, given)
    }


def write(session: Session, changed: Mapping[Key, State], keep: dt.timedelta) -> None:
    """Keeps states until so long after their newest fix, where nothing newer is kept."""
    if not changed:
        return
    columns: dict[str, list[Any]] = {}
    for key in sorted(changed):
        for name, value in {**key._asdict(), **_row(changed[key], keep)}.items():
            columns.setdefault(name, []).append(value)
    session.execute(_WRITE, columns)


def _state(row: Any) -> State:
    def ms(at: dt.datetime | None) -> int:
        return 0 if at is None else times.to_ms(at)

    return State(
        times.to_ms(row.last_at),
        row.inside,
        ms(row.since),
        ms(row.sure_at),
        ms(row.run_since),
        row.dwelt,
        row.near,
        float(row.outside_m),
        float(row.off_m),
    )


def _row(state: State, keep: dt.timedelta) -> dict[str, Any]:
    known = state.inside is not None
    return {
        "inside": state.inside,
        "since": times.from_ms(state.since_ms) if known else None,
        "sure_at": times.from_ms(state.sure_ms) if known else None,
        "run_since": times.from_ms(state.run_ms) if state.inside else None,
        "last_at": times.from_ms(state.last_ms),
        "dwelt": state.dwelt,
        "near": state.near,
        "outside_m": _coarse(state.outside_m),
        "off_m": _coarse(state.off_m),
        "until": times.from_ms(state.last_ms) + keep,
    }


def _coarse(metres: float) -> int:
    return math.ceil(min(metres, MOST_M) / STEP_M) * STEP_M
