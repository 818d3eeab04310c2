"""Keeps where members are as cells with an end, the newest of each source; says where somebody is, and forgets."""

import datetime as dt
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import and_, delete, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo import cells
from geo.areas import Position as Place
from server.consent.model import ConsentPause
from server.positions.model import Position, PositionUse


class Source(StrEnum):
    """By what a position is known."""

    BROWSER = "browser"  # asked for in the moment
    PHONE = "phone"  # a program on her phone, as OwnTracks
    VISIT = "visit"  # her badge is heard at a venue
    HOME = "home"  # set by hand


# For how long a source says where somebody is. A browser's answer is of the moment; a phone that does not move sends
# little (OwnTracks: a ping each half an hour); a badge is heard again within minutes; a home is asked for once a year.
KEPT = {
    Source.BROWSER: dt.timedelta(hours=1),
    Source.PHONE: dt.timedelta(hours=2),
    Source.VISIT: dt.timedelta(minutes=30),
    Source.HOME: dt.timedelta(days=366),
}
RESOLUTION = {
    Source.BROWSER: cells.NEAR,
    Source.PHONE: cells.NEAR,
    Source.VISIT: cells.NEAR,
    Source.HOME: cells.HOME,
}
AHEAD = dt.timedelta(minutes=5)  # phones' clocks: what is dated further ahead is wrong, and would hide what follows
_GRAIN_S = 900  # ends are told in whole quarters of an hour, see model.Position.until


class Fix(NamedTuple):
    """What a source said. accuracy_m: the radius within which she is, most likely. at: when she was there."""

    member_id: str
    source: Source
    device: str
    place: Place
    accuracy_m: float
    at: dt.datetime


class Where(NamedTuple):
    """Where somebody is, as well as it is known. accuracy_m: how far off she may be from `place`."""

    source: Source
    cell: int
    place: Place
    accuracy_m: float
    at: dt.datetime
    until: dt.datetime


# Older news than what is kept change nothing, however often and in whatever order they come.
_KEEP = text("""
    INSERT INTO position (member_id, source, device, cell, area, accuracy_m, at, until)
    SELECT DISTINCT ON (member_id, source, device) *
    FROM unnest(CAST(:members AS text[]), CAST(:sources AS text[]), CAST(:devices AS text[]),
                CAST(:cells AS bigint[]), CAST(:areas AS bigint[]), CAST(:accuracies AS float[]),
                CAST(:ats AS timestamptz[]), CAST(:untils AS timestamptz[]))
         AS said (member_id, source, device, cell, area, accuracy_m, at, until)
    JOIN (SELECT id AS member_id FROM member WHERE id = ANY(:members) ORDER BY id FOR KEY SHARE) AS here
         USING (member_id)
    WHERE NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = here.member_id AND ended_at IS NULL)
    ORDER BY member_id, source, device, at DESC
    ON CONFLICT (member_id, source, device) DO UPDATE
    SET cell = excluded.cell, area = excluded.area, accuracy_m = excluded.accuracy_m, at = excluded.at,
        until = excluded.until
    WHERE excluded.at > position.at
    RETURNING member_id, source, device, at
""")


def keep(session: Session, fixes: Sequence[Fix], *, now: dt.datetime) -> list[Fix]:
    """Keeps what sources said as cells; returns the fixes that are news, at most one of each member, source and device.

    What is over already, dated ahead of the clock, or older than what is kept, is no news and harmless. Members who
    are not there any more, or who are paused, are left out.
    """
    rows: dict[tuple[str, str, str], Fix] = {}
    for fix in fixes:
        if not is_timely(fix, now=now):
            continue
        key = fix.member_id, fix.source.value, fix.device
        if key not in rows or rows[key].at < fix.at:
            rows[key] = fix
    if not rows:
        return []
    ordered = [rows[key] for key in sorted(rows)]  # in one order, so that two at once do not wait for each other
    found = [cells.of(fix.place, RESOLUTION[fix.source]) for fix in ordered]
    kept = session.execute(
        _KEEP,
        {
            "members": [fix.member_id for fix in ordered],
            "sources": [fix.source.value for fix in ordered],
            "devices": [fix.device for fix in ordered],
            "cells": found,
            # Where the middle lies, which is not always in the parent: `cells.around` finds members by this.
            "areas": [cells.of(cells.centre(cell), cells.AREA) for cell in found],
            "accuracies": [max(fix.accuracy_m, cells.reach_m(RESOLUTION[fix.source])) for fix in ordered],
            "ats": [fix.at for fix in ordered],
            "untils": [_end(fix) for fix in ordered],
        },
    )
    return [rows[row.member_id, row.source, row.device] for row in kept]


def is_timely(fix: Fix, *, now: dt.datetime) -> bool:
    """Whether a fix still says something, and not something of the future."""
    return fix.at + KEPT[fix.source] > now and fix.at <= now + AHEAD


def paused(session: Session, member_ids: Iterable[str]) -> set[str]:
    """Which of these members are paused: of them nothing is kept or used while it lasts."""
    wanted = select(ConsentPause.member_id)
    return set(
        session.scalars(
            wanted.where(ConsentPause.member_id.in_(sorted(set(member_ids))), ConsentPause.ended_at.is_(None))
        )
    )


def set_home(session: Session, *, member_id: str, place: Place, now: dt.datetime) -> None:
    """Keeps where a member lives, set by hand, as a cell of a quarter of a city; what she said before goes."""
    forget(session, member_id=member_id, source=Source.HOME)
    keep(session, [Fix(member_id, Source.HOME, "", place, 0.0, now)], now=now)
    session.expire_all()


def where(session: Session, *, member_id: str, now: dt.datetime) -> Where | None:
    """Where a member is: the newest that is known by now, else her home; None: unknown, or she is paused."""
    rows = session.scalars(select(Position).where(Position.member_id == member_id, Position.until > now)).all()
    if not rows or paused(session, [member_id]):
        return None
    return _where(max(rows, key=lambda row: (row.source != Source.HOME, row.at)))


def list_of(session: Session, *, member_id: str, now: dt.datetime) -> list[tuple[Where, str]]:
    """All that is kept of a member's positions, and from which of her devices, the newest first."""
    rows = session.scalars(
        select(Position).where(Position.member_id == member_id, Position.until > now).order_by(Position.at.desc())
    )
    return [(_where(row), row.device) for row in rows]


def forget(session: Session, *, member_id: str, source: Source | None = None, device: str | None = None) -> int:
    """Deletes what is kept of where a member is, of one source, of one of its devices, or of all; how many rows."""
    wanted = delete(Position).where(Position.member_id == member_id)
    if source is not None:
        wanted = wanted.where(Position.source == source.value)
    if device is not None:
        wanted = wanted.where(Position.device == device)
    return len(session.scalars(wanted.returning(Position.device)).all())


def uses_of(session: Session, *, member_id: str) -> PositionUse:
    """What a member lets her positions be used for; a row that is not kept says nothing at all."""
    found = session.get(PositionUse, member_id)
    return found or PositionUse(
        member_id=member_id, told=False, fences=False, company=False, pop_ups=False, shops=False, radius_m=5000
    )


def choose_uses(
    session: Session,
    *,
    member_id: str,
    now: dt.datetime,
    told: bool | None = None,
    fences: bool | None = None,
    company: bool | None = None,
    pop_ups: bool | None = None,
    shops: bool | None = None,
    radius_m: int | None = None,
) -> None:
    """Keeps what a member lets her positions be used for; what is not said stays as it is."""
    said = {
        "told": told,
        "fences": fences,
        "company": company,
        "pop_ups": pop_ups,
        "shops": shops,
        "radius_m": radius_m,
    }
    given = {use: wanted for use, wanted in said.items() if wanted is not None}
    row = insert(PositionUse).values(member_id=member_id, changed_at=now, **given)
    session.execute(
        row.on_conflict_do_update(index_elements=["member_id"], set_={**given, "changed_at": now}),
        execution_options={"populate_existing": True},
    )
    session.expire_all()


def tidy(session: Session, *, now: dt.datetime) -> int:
    """Deletes positions whose end has come, and where paused members were; how many. A home stays as she set it."""
    resting = select(ConsentPause.member_id).where(ConsentPause.ended_at.is_(None))
    ended = delete(Position).where(
        or_(Position.until <= now, and_(Position.source != Source.HOME, Position.member_id.in_(resting)))
    )
    ended = ended.execution_options(synchronize_session=False)
    return len(session.scalars(ended.returning(Position.member_id)).all())


def _end(fix: Fix) -> dt.datetime:
    end = (fix.at + KEPT[fix.source]).timestamp()
    return dt.datetime.fromtimestamp(-(-end // _GRAIN_S) * _GRAIN_S, dt.UTC)


def _where(row: Position) -> Where:
    return Where(Source(row.source), row.cell, cells.centre(row.cell), row.accuracy_m, row.at, row.until)
