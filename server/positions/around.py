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
