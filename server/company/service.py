"""Begins and ends encounters as members move, and tells both once; says who is near somebody now."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Company, Settings
from geo import cells
from server import topics
from server.communities.model import Community
from server.company import matching
from server.company.matching import Move, Pair
from server.consent import reading as consents
from server.fences import service as fences
from server.inbox import service as inbox
from server.inbox import words
from server.inbox.service import Note
from server.people.model import Member
from server.positions.service import AHEAD, Fix, Source
from server.texts import later

KIND = "company_near"  # of notes
LINK = "/company"
# Without a name: what somebody shows today she may take back tomorrow, and the page asks anew.
_NEAR = later("Somebody of %(community)s who wants to know as well is near you.")


class Somebody(NamedTuple):
    """Somebody who is near a member now, as far as she may know. name: None where only the community is told."""

    member_id: str | None
    name: str | None
    simulated: bool
    community_id: str
    community_name: str
    community_simulated: bool
    since: dt.datetime


_OPEN = text("""
    SELECT encounter.id, encounter.one_id, encounter.other_id, one.cell AS one_cell, other.cell AS other_cell
    FROM encounter LEFT JOIN company_cell AS one ON one.member_id = encounter.one_id
    LEFT JOIN company_cell AS other ON other.member_id = encounter.other_id
    WHERE encounter.ended_at IS NULL AND (encounter.one_id = ANY(:members) OR encounter.other_id = ANY(:members))
    ORDER BY encounter.id
""")
_END = text("""
    UPDATE encounter SET ended_at = greatest(began_at, :at) WHERE id = ANY(:ids) AND ended_at IS NULL
    RETURNING one_id, other_id
""")
_BEGIN = text("""
    INSERT INTO encounter (one_id, other_id, began_at)
    SELECT one, other, :at FROM unnest(CAST(:ones AS text[]), CAST(:others AS text[])) AS pair (one, other)
    ON CONFLICT (least(one_id, other_id), greatest(one_id, other_id)) WHERE ended_at IS NULL DO NOTHING
    RETURNING id, one_id, other_id
""")
# Whom of these somebody was told of within a day, and which pairs were told within the time in which none is again.
_TOLD = text("""
    SELECT encounter.one_id, encounter.other_id, encounter.began_at FROM encounter
    WHERE encounter.told AND encounter.began_at > :since
      AND (encounter.one_id = ANY(:members) OR encounter.other_id = ANY(:members))
""")
_MARK = text("UPDATE encounter SET told = true WHERE id = ANY(:ids)")
# Both fresh, and the encounter lasts: what else has to hold is asked beside.
_NOW = text("""
    SELECT encounter.one_id, encounter.other_id, encounter.began_at
    FROM encounter JOIN company_cell AS one ON one.member_id = encounter.one_id AND one.at > :fresh
    JOIN company_cell AS other ON other.member_id = encounter.other_id AND other.at > :fresh
    WHERE encounter.ended_at IS NULL AND encounter.one_id <> encounter.other_id
      AND (encounter.one_id = :member OR encounter.other_id = :member)
    ORDER BY encounter.began_at DESC, encounter.id DESC
""")
_POSITIONS = text("""
    SELECT DISTINCT ON (position.member_id) position.member_id, position.cell, position.at
    FROM position_use JOIN position ON position.member_id = position_use.member_id
    WHERE position_use.company AND position.source <> 'home' AND position.at > :fresh
      AND position.accuracy_m <= :accuracy_m
    ORDER BY position.member_id, position.at DESC
""")
_OLD_CELLS = text("""
    DELETE FROM company_cell WHERE at <= :fresh OR NOT EXISTS (
        SELECT FROM position_use WHERE position_use.member_id = company_cell.member_id AND position_use.company)
""")
_LASTING = text("SELECT id, one_id, other_id FROM encounter WHERE ended_at IS NULL ORDER BY id")
_HERE = text("SELECT member_id FROM company_cell WHERE member_id = ANY(:members)")
_OLD = text("DELETE FROM encounter WHERE ended_at <= :before")


def take(session: Session, fixes: Sequence[Fix], *, now: dt.datetime, settings: Settings) -> fences.Followed:
    """Takes fixes for fences and for company, and tells what is to be told; the last thing that a transaction does.

    The one call for whoever gets fixes: rows first, then the turns of parts of cities, topics, and telling, so that
    two transactions never wait for each other in a ring. Says what happened at fences, and all that was told.
    """
    with topics.together(session):
        found = fences.follow(session, fixes, now=now, rule=settings.fences)
        notes = follow(session, moves_of(session, fixes, settings.company, now), now=now, rule=settings.company)
    told = fences.Followed(found.happened, [*found.notes, *notes])
    inbox.tell_all(session, told.notes, now=now)
    return told


def moves_of(session: Session, fixes: Iterable[Fix], rule: Company, now: dt.datetime) -> list[Move]:
    """The fixes of those who want to know of company, as cells; of homes, old and vague ones none."""
    fresh = now - dt.timedelta(seconds=rule.fresh_s)
    good = [
        fix
        for fix in fixes
        if fix.source is not Source.HOME and fresh < fix.at <= now + AHEAD and fix.accuracy_m <= rule.accuracy_m
    ]
    wanting = matching.willing(session, {fix.member_id for fix in good})
    return [Move(fix.member_id, cells.of(fix.place, cells.NEAR), fix.at) for fix in good if fix.member_id in wanting]


def follow(session: Session, moves: Sequence[Move], *, now: dt.datetime, rule: Company) -> list[Note]:
    """Begins and ends encounters by moves of those who want to know; what is to be told, to both or to neither."""
    moved = matching.move(session, moves, rule)
    if not moved:
        return []
    open_pairs: set[Pair] = set()
    apart = []
    for row in session.execute(_OPEN, {"members": [one.member_id for one in moved]}):
        known = row.one_cell is not None and row.other_cell is not None
        if known and matching.apart_m(row.one_cell, row.other_cell) > rule.apart_m:
            apart.append(row.id)
        else:
            open_pairs.add(matching.pair_of(row.one_id, row.other_id))
    _end(session, apart, now)
    near = [one.pair for one in matching.around(session, moved, rule, now) if one.pair not in open_pairs]
    return _begin(session, matching.may_know(session, near, now), rule, now)


def near_now(session: Session, *, member_id: str, rule: Company, now: dt.datetime) -> list[Somebody]:
    """Who is near a member now: whatever has to hold for both is asked anew, so that both see it or neither."""
    fresh = now - dt.timedelta(seconds=rule.fresh_s)
    rows = session.execute(_NOW, {"member": member_id, "fresh": fresh}).all()
    began = {matching.pair_of(row.one_id, row.other_id): row.began_at for row in rows}
    known = matching.may_know(session, began, now)
    others = {pair: pair[1] if pair[0] == member_id else pair[0] for pair in known}
    said = consents.said_by(session, set(others.values())) if others else {}
    return [
        _show(
            session, others[pair], community_id, began[pair], matching.shows_name(said[others[pair]], community_id, now)
        )
        for pair in began
        if (community_id := known.get(pair)) is not None
    ]


def follow_positions(session: Session, *, now: dt.datetime, rule: Company) -> list[Note]:
    """The same by what is kept as positions, such as of badges that are heard: what no phone told."""
    fresh = now - dt.timedelta(seconds=rule.fresh_s)
    rows = session.execute(_POSITIONS, {"fresh": fresh, "accuracy_m": rule.accuracy_m}).all()
    wanting = matching.willing(session, {row.member_id for row in rows})
    moves = [
        Move(row.member_id, cells.parent(row.cell, cells.NEAR), row.at) for row in rows if row.member_id in wanting
    ]
    return follow(session, moves, now=now, rule=rule)


def tidy(session: Session, *, now: dt.datetime, rule: Company) -> int:
    """Ends encounters of which something does not hold any more, and deletes what is over; how many ended."""
    matching.take_all_turns(session)
    session.execute(_OLD_CELLS, {"fresh": now - dt.timedelta(seconds=rule.fresh_s)})
    lasting = session.execute(_LASTING).all()
    pairs = {row.id: matching.pair_of(row.one_id, row.other_id) for row in lasting}
    here = set(session.scalars(_HERE, {"members": sorted({one for pair in pairs.values() for one in pair})}))
    known = matching.may_know(session, {pair for pair in pairs.values() if here.issuperset(pair)}, now)
    ended = _end(session, [number for number, pair in pairs.items() if pair not in known], now)
    session.execute(_OLD, {"before": now - dt.timedelta(days=rule.keep_days)})
    return ended


def _begin(session: Session, known: Mapping[Pair, str], rule: Company, now: dt.datetime) -> list[Note]:
    if not known:
        return []
    pairs = sorted(known)
    given = {"ones": [one for one, _ in pairs], "others": [other for _, other in pairs], "at": now}
    begun = {(row.one_id, row.other_id): row.id for row in session.execute(_BEGIN, given)}
    if not begun:
        return []
    members = {member_id for pair in begun for member_id in pair}
    topics.bump(session, [f"member/{member_id}" for member_id in members])
    telling = _to_tell(session, sorted(begun), members, rule, now)
    session.execute(_MARK, {"ids": [begun[pair] for pair in telling]})
    called = {pair: session.get_one(Community, known[pair]) for pair in telling}
    return [
        Note(
            pair,
            KIND,
            f"community/{called[pair].id}",
            _NEAR,
            {"community": words.named(called[pair].name, called[pair].simulated)},
            LINK,
            str(begun[pair]),
        )
        for pair in telling
    ]


def _to_tell(
    session: Session, pairs: Sequence[Pair], members: Collection[str], rule: Company, now: dt.datetime
) -> list[Pair]:
    """The pairs that are told: not those told of late, and none of which one was told of enough today."""
    day, again = now - dt.timedelta(days=1), now - dt.timedelta(hours=rule.again_h)
    lately: set[Pair] = set()
    today: dict[str, int] = dict.fromkeys(members, 0)
    for row in session.execute(_TOLD, {"since": min(day, again), "members": sorted(members)}):
        if row.began_at > again:
            lately.add(matching.pair_of(row.one_id, row.other_id))
        for member_id in (row.one_id, row.other_id):
            if row.began_at > day and member_id in today:
                today[member_id] += 1
    telling = []
    for pair in pairs:
        if pair not in lately and all(today[member_id] < rule.per_day for member_id in pair):
            telling.append(pair)
            for member_id in pair:
                today[member_id] += 1
    return telling


def _end(session: Session, ids: Sequence[int], now: dt.datetime) -> int:
    if not ids:
        return 0
    ended = session.execute(_END, {"ids": list(ids), "at": now}).all()
    topics.bump(session, {f"member/{member_id}" for row in ended for member_id in (row.one_id, row.other_id)})
    return len(ended)


def _show(session: Session, other_id: str, community_id: str, since: dt.datetime, by_name: bool) -> Somebody:
    other, community = session.get_one(Member, other_id), session.get_one(Community, community_id)
    return Somebody(
        other.id if by_name else None,
        other.name if by_name else None,
        other.simulated,
        community.id,
        community.name,
        community.simulated,
        since,
    )
