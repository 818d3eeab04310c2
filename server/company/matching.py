"""Who is near whom: moves of those who want to know -> cells around them -> pairs who may know of each other."""

import datetime as dt
import functools
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Company
from geo import cells, distances
from server import times
from server.consent import reading as consents
from server.consent import rules
from server.consent.rules import Kind, Level, Viewer

LANES = 64  # of parts of cities: two processes wait for each other only where their members may meet
MOST_OF_A_CELL = 100  # partners looked at in one cell for one member: at a festival she is told of some
Pair = tuple[str, str]  # ids, the smaller first


class Move(NamedTuple):
    """Where somebody who wants to know of company is, by a cell, and since when that is known."""

    member_id: str
    cell: int
    at: dt.datetime


class Near(NamedTuple):
    """Somebody near a mover, by the middles of their cells."""

    pair: Pair
    metres: float


# Whoever wants to know of company, and is not paused, of these.
_WILLING = text("""
    SELECT member_id FROM position_use WHERE member_id = ANY(:members) AND company
      AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = position_use.member_id
                      AND consent_pause.ended_at IS NULL)
""")
_LANES = text("SELECT pg_advisory_xact_lock(hashtext('company'), lane) FROM unnest(CAST(:lanes AS int[])) AS lane")
_MOVE = text("""
    INSERT INTO company_cell (member_id, cell, at)
    SELECT * FROM unnest(CAST(:members AS text[]), CAST(:cells AS bigint[]), CAST(:ats AS timestamptz[]))
    ON CONFLICT (member_id) DO UPDATE SET cell = excluded.cell, at = excluded.at WHERE excluded.at > company_cell.at
    RETURNING member_id
""")
# Beside the cells alone what is cheap to know and leaves out most: the other wants to know as well, is not paused,
# and belongs to a community of hers. What both said is asked of those who are left.
_AROUND = text("""
    SELECT spot.member_id, other.member_id AS other_id, other.cell
    FROM unnest(CAST(:members AS text[]), CAST(:cells AS bigint[])) AS spot (member_id, cell)
    JOIN LATERAL (
        SELECT company_cell.member_id, company_cell.cell FROM company_cell
        JOIN position_use ON position_use.member_id = company_cell.member_id AND position_use.company
        WHERE company_cell.cell = spot.cell AND company_cell.member_id <> spot.member_id AND company_cell.at > :fresh
          AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = company_cell.member_id
                          AND consent_pause.ended_at IS NULL)
          AND EXISTS (SELECT FROM community_member AS mine JOIN community_member AS theirs USING (community_id)
                      WHERE mine.member_id = spot.member_id AND theirs.member_id = company_cell.member_id)
        ORDER BY company_cell.at DESC LIMIT :most
    ) AS other ON true
""")
# What two share, none of it dissolved; not those who want nothing of each other.
_SHARED = text("""
    SELECT pair.one, pair.other, community.id
    FROM unnest(CAST(:ones AS text[]), CAST(:others AS text[])) AS pair (one, other)
    JOIN community_member AS mine ON mine.member_id = pair.one
    JOIN community_member AS theirs ON theirs.member_id = pair.other AND theirs.community_id = mine.community_id
    JOIN community ON community.id = mine.community_id AND community.dissolved_at IS NULL
    WHERE NOT EXISTS (SELECT FROM met_without WHERE (met_without.member_id, met_without.other_id)
                      IN ((pair.one, pair.other), (pair.other, pair.one)))
    ORDER BY pair.one, pair.other, community.id
""")


def pair_of(one: str, other: str) -> Pair:
    """Two in one order."""
    return (one, other) if one < other else (other, one)


def willing(session: Session, member_ids: Collection[str]) -> set[str]:
    """Those of these members who want to know of company now."""
    return set(session.scalars(_WILLING, {"members": sorted(member_ids)})) if member_ids else set()


def take_all_turns(session: Session) -> None:
    """Lets nobody move until the transaction ends."""
    session.execute(_LANES, {"lanes": list(range(LANES))}).all()


def move(session: Session, moves: Sequence[Move], rule: Company) -> list[Move]:
    """Keeps where members are; returns the moves that are news.

    Until the transaction ends nobody else moves where one of them may meet them: of two who come at the same instant
    the second finds the first.
    """
    newest: dict[str, Move] = {}
    for one in moves:
        if one.member_id not in newest or newest[one.member_id].at < one.at:
            newest[one.member_id] = one
    if not newest:
        return []
    ordered = [newest[member_id] for member_id in sorted(newest)]
    session.execute(_LANES, {"lanes": sorted({lane for one in ordered for lane in _lanes(one.cell, rule)})}).all()
    given = {
        "members": [one.member_id for one in ordered],
        "cells": [one.cell for one in ordered],
        "ats": [one.at for one in ordered],
    }
    kept = set(session.scalars(_MOVE, given))
    return [one for one in ordered if one.member_id in kept]


def around(session: Session, moves: Iterable[Move], rule: Company, now: dt.datetime) -> list[Near]:
    """Who is near those who moved and may be company: each pair once, in one order."""
    members: list[str] = []
    spots: list[int] = []
    at: dict[str, int] = {}
    for one in moves:
        at[one.member_id] = one.cell
        for cell in _reach(one.cell, rule.near_m):
            members.append(one.member_id)
            spots.append(cell)
    if not at:
        return []
    fresh = now - dt.timedelta(seconds=rule.fresh_s)
    given = {"members": members, "cells": spots, "fresh": fresh, "most": MOST_OF_A_CELL}
    found: dict[Pair, float] = {}
    for row in session.execute(_AROUND, given):
        metres = apart_m(at[row.member_id], row.cell)
        if metres <= rule.near_m:
            found[pair_of(row.member_id, row.other_id)] = metres
    return [Near(pair, found[pair]) for pair in sorted(found)]


def may_know(session: Session, pairs: Collection[Pair], now: dt.datetime) -> dict[Pair, str]:
    """The pairs whose two may know of each other now, and by which community of theirs.

    Both want to know, neither is paused, is hidden from people or from that community, or wants nothing of the other.
    """
    if not pairs:
        return {}
    ordered = sorted(pairs)
    members = {member_id for pair in ordered for member_id in pair}
    wanting = willing(session, members)
    said = consents.said_by(session, members)
    rows = session.execute(_SHARED, {"ones": [one for one, _ in ordered], "others": [other for _, other in ordered]})
    found: dict[Pair, str] = {}
    for one, other, community_id in rows:
        both = (one, other)
        if both in found or not wanting.issuperset(both):
            continue
        if not any(hides(said[member_id], community_id, now) for member_id in both):
            found[both] = community_id
    return found


def hides(said: consents.Said, community_id: str, now: dt.datetime) -> bool:
    """Whether somebody said that people, or this community, are not to see her. Who said nothing of it does not hide.

    Being told of company is what she agreed to by itself; her name is another matter.
    """
    now_ms = times.to_ms(now)
    stands = [grant for grant in said.grants if now_ms < grant.until_ms]
    of_community = {grant.of_id: grant.level for grant in stands if grant.kind is Kind.COMMUNITY}
    told = of_community.get(community_id, of_community.get(None))
    of_people = {grant.of_id: grant.level for grant in stands if grant.kind is Kind.PEOPLE}
    return said.paused or told is Level.HIDDEN or of_people.get(None) is Level.HIDDEN


def shows_name(said: consents.Said, community_id: str, now: dt.datetime) -> bool:
    """Whether somebody shows her name to a community."""
    viewer = Viewer(Kind.COMMUNITY, community_id)
    return rules.level(said.grants, said.paused, viewer, times.to_ms(now)) is Level.NAME


def apart_m(one: int, other: int) -> float:
    """Metres between the middles of two cells."""
    return distances.between_m(cells.centre(one), cells.centre(other))


@functools.lru_cache(maxsize=8192)  # the parts of cities where those are who move: some 10 MB
def _reach(cell: int, near_m: float) -> tuple[int, ...]:
    """The cells whose middles lie within near_m of the middle of one."""
    found = cells.around(cells.centre(cell), near_m, cells.NEAR)
    return tuple(other for other in found if apart_m(cell, other) <= near_m)


def _lanes(cell: int, rule: Company) -> set[int]:
    """The lanes of the parts of a city from which somebody may meet who is in a cell."""
    return {_lane(cells.parent(other, cells.AREA)) for other in _reach(cell, rule.near_m)}


def _lane(part: int) -> int:
    # The lowest bits of a coarse cell's number are all ones: divided by a prime they tell parts apart all the same.
    return part % 9973 % LANES
