"""Takes that phones heard venues' beacons: remembers how long, and checks in where that shows that somebody came."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.checkins import rules as checkin_rules
from server.doors import passing
from server.doors.arrivals import Wanted
from server.errors import MusterError
from server.people.model import Member
from server.phones import beacons, hearings
from server.phones.hearings import Heard, Step
from server.phones.model import Hearing
from server.phones.owntracks import Beacon, identity_in
from server.positions import service as positions
from server.positions.model import PositionUse

KEPT = dt.timedelta(days=2)  # longer than anything that may still be judged by it


class Said(NamedTuple):
    """A phone says that it heard a beacon. event: enter, inside or leave."""

    member_id: str
    beacon: Beacon
    event: str
    at: dt.datetime


_STEPS = text("""
    SELECT step.event_id, step.id AS step_id, step.opens_at, step.ends_at, step.dwell_walk_in_s,
           EXISTS (SELECT FROM going_to WHERE step_id = step.id AND member_id = :member) AS signed_up,
           (NOT event.approval AND step.capacity IS NULL AND venue.kind <> 'home'
            AND NOT event.list_only
            AND (event.community_id IS NULL AND NOT event.community_gone OR event.open_to_all OR EXISTS (
                SELECT FROM community_member
                WHERE community_member.community_id = event.community_id AND member_id = :member))) AS walk_in,
           standing.at AS since
    FROM step JOIN event ON event.id = step.event_id AND event.state = 'published'
    JOIN venue ON venue.id = step.venue_id AND NOT venue.replayed
    LEFT JOIN checkin AS standing
        ON standing.step_id = step.id AND standing.member_id = :member AND standing.undone_at IS NULL
    WHERE step.venue_id = :venue AND step.opens_at <= :until AND step.ends_at > :since
    ORDER BY step.opens_at, step.id
""")
_REMEMBERS = text("""
    SELECT true FROM remembered_venue WHERE member_id = :member AND venue_id = :venue AND since <= :at
    AND coalesce(ended_at, 'infinity') > :at LIMIT 1
""")


def within(member_id: str, region: str, at: dt.datetime) -> Said:
    """A phone's word that it is in a region of this name."""
    return Said(member_id, Beacon(identity_in(region), region, None), "inside", at)


def take(session: Session, said: Sequence[Said], *, now: dt.datetime, gap: dt.timedelta) -> Counter[str]:
    """Takes what phones heard, the oldest first, and returns how many of each kind there were.

    Only of members who let fences be used and are not paused. What no venue registered is counted and forgotten.
    """
    counts: Counter[str] = Counter()
    found = beacons.venues_of(session, {one.beacon for one in said})
    willing = _willing(session, {one.member_id for one in said})
    touched: dict[tuple[str, str], Heard | None] = {}
    for one in sorted(said, key=lambda one: (one.member_id, one.at, one.event == "leave")):
        venue_id = found.get(one.beacon)
        if venue_id is None:
            counts["beacon_unknown"] += 1
        elif one.member_id not in willing:
            counts["beacon_unused"] += 1
        elif not hearings.is_timely(one.at, now=now):
            counts["beacon_old"] += 1
        else:
            key = one.member_id, venue_id
            if key not in touched:
                touched[key] = _read(session, *key)
            touched[key] = hearings.fold(touched[key], one.event, one.at, gap)
    for (member_id, venue_id), heard in sorted(touched.items()):
        if heard is not None:
            _write(session, member_id, venue_id, heard)
            counts += _judge(session, member_id, venue_id, heard, now)
    return counts


def tidy(session: Session, *, now: dt.datetime) -> None:
    """Forgets what was heard days ago."""
    session.execute(delete(Hearing).where(Hearing.until <= now - KEPT).execution_options(synchronize_session=False))


def _willing(session: Session, member_ids: Iterable[str]) -> set[str]:
    asked = sorted(set(member_ids))
    found = set(
        session.scalars(select(PositionUse.member_id).where(PositionUse.member_id.in_(asked), PositionUse.fences))
    )
    return found - positions.paused(session, asked)


def _read(session: Session, member_id: str, venue_id: str) -> Heard | None:
    # Whoever comes second waits until the first has judged, and then reads what it wrote.
    session.execute(select(Member.id).where(Member.id == member_id).with_for_update(key_share=True))
    row = session.execute(
        select(Hearing.since, Hearing.until, Hearing.ended).where(
            Hearing.member_id == member_id, Hearing.venue_id == venue_id
        )
    ).one_or_none()
    return None if row is None else Heard(*row)


def _write(session: Session, member_id: str, venue_id: str, heard: Heard) -> None:
    given = heard._asdict()
    wanted = insert(Hearing).values(member_id=member_id, venue_id=venue_id, **given)
    session.execute(wanted.on_conflict_do_update(index_elements=["member_id", "venue_id"], set_=given))


def _judge(session: Session, member_id: str, venue_id: str, heard: Heard, now: dt.datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    given = {"member": member_id, "venue": venue_id, "since": heard.since, "until": heard.until}
    for row in session.execute(_STEPS, given).all():
        step = Step(
            row.event_id,
            row.step_id,
            row.opens_at,
            row.ends_at,
            row.signed_up,
            row.walk_in,
            dt.timedelta(seconds=row.dwell_walk_in_s),
        )
        at = hearings.came(heard, step)
        if at is not None and (row.since is None or at < row.since):
            counts[_enter(session, member_id, at, now, event_id=step.event_id, step_id=step.step_id)] += 1
    stayed = dt.timedelta(milliseconds=checkin_rules.VENUE_DWELL_MS)
    if heard.until - heard.since >= stayed:
        at = heard.since + stayed
        if session.scalar(_REMEMBERS, {"member": member_id, "venue": venue_id, "at": at}):
            counts[_enter(session, member_id, at, now, venue_id=venue_id)] += 1
    return counts


def _enter(
    session: Session,
    member_id: str,
    at: dt.datetime,
    now: dt.datetime,
    *,
    event_id: str | None = None,
    step_id: str | None = None,
    venue_id: str | None = None,
) -> str:
    """What came of it. The same evidence has the same nonce, so that it checks in once, whoever takes it how often."""
    nonce = hashlib.sha256(f"heard\0{member_id}\0{step_id or venue_id}\0{at.isoformat()}".encode()).hexdigest()
    member = session.get(Member, member_id)
    wanted = Wanted(nonce=nonce, asks=member, heard_at=at, event_id=event_id, step_id=step_id, venue_id=venue_id)
    try:
        found = passing.pass_door(session, wanted, now=now, radius_m=0)
    except MusterError as refused:  # it is over, was taken back, or such: what is kept of it is kept
        return f"heard_{refused.code}"
    return f"heard_{found.result}"
