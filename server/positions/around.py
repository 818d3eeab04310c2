"""Who is near a place, of those who let their positions be used for that: found by cells, whatever the place."""

import datetime as dt
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from geo import cells, chords
from geo.areas import Position as Place
from server import database
from server.positions.service import Source


class Use(StrEnum):
    """What a member may let her positions be used for: a column of position_use."""

    TOLD = "told"
    FENCES = "fences"
    COMPANY = "company"
    POP_UPS = "pop_ups"
    SHOPS = "shops"


class Within(NamedTuple):
    """Members within whose own radius a place is, each by the nearest of her positions: columns of n.

    away_m: (n,) metres from the middle of the position's cell.
    """

    member_ids: list[str]
    sources: list[Source]
    away_m: chords.Floats


class Near(NamedTuple):
    """A position of somebody near a place. radius_m: how far away is near, to her; away_m: from the cell's middle."""

    member_id: str
    source: Source
    cell: int
    accuracy_m: float
    at: dt.datetime
    until: dt.datetime
    radius_m: int
    away_m: float


FARTHEST_M = 100_000.0  # nobody may choose a wider radius (position_use.radius_m)
_SOURCES = {source.value: source for source in Source}
_CELL, _AT = Near._fields.index("cell"), Near._fields.index("at")


def members(
    session: Session,
    *,
    place: Place,
    within_m: float,
    use: Use,
    now: dt.datetime,
    fresh: dt.timedelta | None = None,
) -> list[Near]:
    """Who consented to a use, is not paused, and has a position that stands whose cell's middle is within within_m.

    One row of each member and source, the newest of several phones, in no order; her own radius_m is left to the
    caller. fresh: not older than that, and no homes, which say where somebody lives and not where she is.
    Its work grows with the members of the areas around and, far beyond 100 km, with these: see geo.cells.around.
    """
    given: dict[str, Any] = {"areas": cells.around(place, within_m, cells.AREA), "now": now}
    if fresh is not None:
        given |= {"since": now - fresh, "home": Source.HOME.value}
    rows = database.read_rows(session, statement(use, fresh=fresh is not None), given)
    if not rows:
        return []
    away_m = chords.metres(_units([row[_CELL] for row in rows]) @ chords.units(np.array([place]))[0])
    found: dict[tuple[Any, ...], Near] = {}
    for row, metres in zip(rows, away_m.tolist(), strict=True):
        if metres <= within_m:
            before = found.get(row[:2])
            if before is None or before.at < row[_AT]:
                found[row[:2]] = Near._make((row[0], _SOURCES[row[1]], *row[2:], metres))
    return list(found.values())


def within(session: Session, *, place: Place, use: Use, homes: bool, now: dt.datetime) -> Within:
    """Who consented to a use, is not paused, and has a position from which a place is within her own radius.

    As `members` of FARTHEST_M, of whom most find it too far: columns and not a row of each, since it is objects that
    take the time, above all when Python looks at thousands of them for garbage. homes: nothing but where they live.
    """
    given = {"areas": cells.around(place, FARTHEST_M, cells.AREA), "now": now}
    (row,) = database.read_rows(session, columns(use, homes=homes), given)
    if row[0] is None:
        return Within([], [], np.zeros(0))
    ids, sources, cell, radius_m, at_s = row
    away_m = chords.metres(_units(cell) @ chords.units(np.array([place]))[0])
    # Of several phones the newest, be it farther away; then of her positions the nearest: the last one stays.
    near = np.flatnonzero(away_m <= FARTHEST_M)
    newest = near[np.argsort(np.array(at_s)[near], kind="stable")]
    of_each = {sources[number] + " " + ids[number]: number for number in newest.tolist()}
    kept = np.fromiter(of_each.values(), dtype=np.int64)
    kept = kept[away_m[kept] <= np.array(radius_m)[kept]]
    nearest = {ids[number]: number for number in kept[np.argsort(-away_m[kept], kind="stable")].tolist()}
    chosen = list(nearest.values())
    return Within(list(nearest), [_SOURCES[sources[number]] for number in chosen], away_m[chosen])


@lru_cache(len(Use) * 2)
def columns(use: Use, *, homes: bool) -> TextClause:
    """How `within` asks for them, with :areas and :now: one row of arrays, as `statement` finds them."""
    found = statement(use, fresh=False).text + ("AND position.source = 'home'" if homes else "")
    return text(f"""
        SELECT array_agg(member_id), array_agg(source), array_agg(cell), array_agg(radius_m),
               array_agg(CAST(extract(epoch FROM at) AS float))
        FROM ({found}) AS found
    """)  # noqa: S608 -- statements of ours


@lru_cache(len(Use) * 2)
def statement(use: Use, *, fresh: bool) -> TextClause:
    """How they are asked for, with :areas and :now; fresh: with :since and :home as well.

    What each lets be done is looked up one by one: most areas are nearly empty, and a plan that took them for average
    would read what all members said.
    """
    newer = "AND position.at >= :since AND position.source <> :home" if fresh else ""
    return text(f"""
        SELECT position.member_id, source, cell, accuracy_m, at, until, radius_m
        FROM position, LATERAL (SELECT radius_m, {use.value} AS let FROM position_use
                                WHERE position_use.member_id = position.member_id OFFSET 0) AS uses
        WHERE area = ANY(:areas) AND until > :now AND uses.let {newer}
              AND NOT EXISTS (SELECT FROM consent_pause AS pause
                              WHERE pause.member_id = position.member_id AND pause.ended_at IS NULL)
    """)  # noqa: S608 -- columns of ours


def _units(of: list[int]) -> chords.Floats:
    """Unit vectors of the middles of cells; many members share one."""
    different, which = np.unique(np.array(of, dtype=np.int64), return_inverse=True)
    return chords.units(np.array([cells.centre(cell) for cell in different.tolist()]))[which]
