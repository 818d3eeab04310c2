"""Tells members near of a gathering, in waves; its host learns nothing of whom, where, or how many."""

import datetime as dt
import enum
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import delete, exists, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Audience
from geo import postgis
from server import constraints
from server.audience import choosing, words
from server.audience.choosing import Wanted
from server.audience.model import Call, Called, CallOff
from server.audience.opening import AGAIN
from server.people.model import Member
from server.proposals import reading, rules
from server.proposals.model import Proposal
from server.proposals.states import State
from server.venues import service as venues
from server.venues.model import Venue

TURN = "whom to tell near"  # caps are counted and notes written by one at a time


class Reason(enum.StrEnum):
    """Why members are told."""

    NEW_EVENT = "new_event"
    FREE_PLACE = "free_place"
    PROPOSAL_SHORT = "proposal_short"


class Wave(NamedTuple):
    """What is told now: for what, to how many at most, and until when it is worth telling.

    number: places left, or how many more a proposal needs; 0 where that is not what it is about.
    again: whether it is looked at again after a while. named: the name, and whether it is the demonstration's.
    """

    wanted: Wanted
    most: int
    due_by: dt.datetime
    number: int
    again: bool
    named: tuple[str, bool]
    time_zone: str


_EVENT = text("""
    SELECT event.name, event.simulated, listing.lon, listing.lat, listing.starts_at, listing.ends_at, listing.for_all,
           listing.community_id, listing.organizer_id, listing.series_id, listing.venue_id, listing.interests,
           venue.time_zone,
           (SELECT min(other.capacity - other.going) FROM listing AS other
            WHERE other.event_id = event.id AND other.starts_at > :now) AS left,
           EXISTS (SELECT FROM sign_up WHERE sign_up.event_id = event.id AND sign_up.state = 'waiting') AS awaited
    FROM event JOIN listing ON listing.event_id = event.id JOIN venue ON venue.id = listing.venue_id
    WHERE event.id = :event AND event.state = 'published' AND listing.starts_at > :now
    ORDER BY listing.starts_at, listing.id LIMIT 1
""")
_MEMBERS = text("SELECT id FROM member WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE")
_INTERESTS = text("SELECT interest_id FROM community_interest WHERE community_id = :community ORDER BY interest_id")


def next_due(session: Session, *, now: dt.datetime, without: Collection[int] = ()) -> int | None:
    """The call that is due longest, locked, and none that another process tells of at this moment; None: none is.

    without: calls that are left alone.
    """
    # Before anything else is locked: caps are counted, and notes written, by one after the other.
    constraints.take_turn(session, TURN)
    off = exists().where(CallOff.event_id == Call.event_id)
    due = select(Call.id).where(Call.next_at <= now, Call.id.not_in(list(without)), ~off)
    return session.scalar(due.order_by(Call.next_at, Call.id).limit(1).with_for_update(skip_locked=True, of=Call))


def tell_wave(session: Session, *, call_id: int, rule: Audience, now: dt.datetime) -> int:
    """Tells the next wave of a call that is due, within the session's transaction; how many were told.

    Whatever happens to this process: that they are told, and that they were, is one commit.
    """
    constraints.take_turn(session, TURN)
    call = constraints.read(session, Call, call_id, to_edit=True)
    if call is None or call.next_at is None or call.next_at > now:
        return 0
    wave = wave_of(session, call, rule=rule, now=now)
    told = 0
    if wave is not None and wave.most > 0:
        call.looked_at = call.looked_at or now
        told = _tell(session, call, wave, rule, now)
    after = now + dt.timedelta(seconds=rule.wave_s if call.reason == Reason.FREE_PLACE else rule.proposal_wave_s)
    call.next_at = after if wave is not None and wave.again and after < wave.due_by else None
    session.flush()
    return told


def put_off(session: Session, *, call_id: int, now: dt.datetime) -> None:
    """Looks at a call that failed later, so that others are not kept from theirs."""
    call = session.get(Call, call_id, with_for_update=True)
    if call is not None and call.next_at is not None:
        call.next_at = now + AGAIN
        session.flush()


def wave_of(session: Session, call: Call, *, rule: Audience, now: dt.datetime) -> Wave | None:
    """What a call tells now; None: nothing until something happens."""
    if call.proposal_id is not None:
        return _of_proposal(session, call, rule, now)
    assert call.event_id is not None
    row = session.execute(_EVENT, {"event": call.event_id, "now": now}).one_or_none()
    if row is None:
        return None
    free = call.reason == Reason.FREE_PLACE
    if (row.left is not None and row.left <= 0) or (free and (row.left is None or row.awaited)):
        return None
    most = rule.most
    if free:
        # Who was told is not told again; so many that an evening's waves end.
        most = min(rule.per_place * row.left, rule.most - call.told)
    wanted = Wanted(
        call.event_id,
        None,
        (row.lon, row.lat),
        row.starts_at,
        row.ends_at,
        row.for_all,
        row.community_id,
        row.organizer_id,
        row.series_id,
        row.venue_id,
        tuple(row.interests),
        row.simulated,
    )
    named = row.name, row.simulated
    return Wave(wanted, most, row.starts_at, row.left or 0, free and most > 0, named, row.time_zone)


def is_on(session: Session, *, event_id: str) -> bool:
    """Whether members near are told of an event. How many were is told nobody: of few who may be told it would say who
    is near."""
    return session.get(CallOff, event_id) is None


def switch(session: Session, *, event_id: str, on: bool, now: dt.datetime) -> None:
    """Whether members near are told of an event from now on; twice is as once."""
    if on:
        session.execute(delete(CallOff).where(CallOff.event_id == event_id))
    else:
        session.execute(insert(CallOff).values(event_id=event_id, at=now).on_conflict_do_nothing())
    session.expire_all()


def _tell(session: Session, call: Call, wave: Wave, rule: Audience, now: dt.datetime) -> int:
    chosen = choosing.choose(session, wave.wanted, most=wave.most, least_points=rule.least_points, now=now)
    # Members first, as who erases one does. Consent that was taken back since is seen, and none is until the commit.
    ids = [one.candidate.member_id for one in chosen]
    session.execute(_MEMBERS, {"ids": ids}).all()
    held = set(choosing.stand(session, wave.wanted, ids, now=now, hold=True))
    chosen = [one for one in chosen if one.candidate.member_id in held]
    if not chosen:
        return 0
    rows = [{"call_id": call.id, "member_id": one, "at": now} for one in sorted(held)]
    session.execute(insert(Called).values(rows).on_conflict_do_nothing())
    words.tell(
        session,
        chosen,
        reason=call.reason,
        of=f"event/{call.event_id}" if call.event_id else f"proposal/{call.proposal_id}",
        link=f"/events/{call.event_id}" if call.event_id else f"/proposals/{call.proposal_id}",
        named=wave.named,
        starts_at=wave.wanted.starts_at,
        time_zone=wave.time_zone,
        count=wave.number,
        due_by=wave.due_by,
        now=now,
    )
    call.told += len(chosen)
    call.told_at = now
    return len(chosen)


def _of_proposal(session: Session, call: Call, rule: Audience, now: dt.datetime) -> Wave | None:
    proposal = session.get(Proposal, call.proposal_id)
    if proposal is None or proposal.state != State.OPEN or proposal.decide_by <= now:
        return None
    read = reading.read(session, [proposal])[proposal.id]
    best = rules.best(read.case, now)
    if best is None or read.case.proposer is None or len(best.can) >= proposal.quorum:
        # Who committed may take it back: it is looked at until it is decided.
        return None if best is None else _waits(proposal)
    option = next(one for one in read.options if one.id == best.id)
    venue = session.get(Venue, option.venue_id) if option.venue_id else None
    place = postgis.to_position(venue.location if venue else option.location)
    proposer = session.get(Member, proposal.by_id)
    if place is None or proposer is None:
        return None
    if venue is not None and venue.kind == venues.HOME:
        place = postgis.about(place)
    missing = proposal.quorum - len(best.can)
    wanted = Wanted(
        None,
        proposal.id,
        place,
        option.starts_at,
        option.ends_at,
        proposal.community_id is None,
        proposal.community_id,
        proposal.by_id,
        None,
        option.venue_id,
        tuple(session.scalars(_INTERESTS, {"community": proposal.community_id})),
        proposer.simulated,
    )
    most = min(rule.per_missing * missing, rule.most - call.told)
    named = proposal.title, wanted.simulated
    return Wave(wanted, most, proposal.decide_by, missing, most > 0, named, option.time_zone)


def _waits(proposal: Proposal) -> Wave:
    """Nobody is told for now."""
    nowhere = Wanted(
        None, proposal.id, (0.0, 0.0), proposal.decide_by, proposal.decide_by, False, None, None, None, None, (), False
    )
    return Wave(nowhere, 0, proposal.decide_by, 0, True, (proposal.title, False), "UTC")
