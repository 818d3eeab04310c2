"""Who came to what, stayed, and came back: from check-ins that stand, and from visits as far as a badge tells."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.checkins import visits
from server.checkins.model import CheckIn
from server.events.model import Event, Step
from server.turnout import evidence

CAME_BACK_WITHIN = dt.timedelta(days=60)  # a monthly gathering that falls out once still finds its people

# Others: whoever neither organizes nor hosts the same gathering.
_GATHERERS = text("""
    WITH host AS (
        SELECT event.id AS event_id, event.organizer_id AS member_id FROM event
        WHERE event.community_id = :community AND event.state = 'published'
        UNION
        SELECT event.id, role.member_id FROM event JOIN role ON role.kind = 'event' AND role.of_id = event.id
        WHERE event.community_id = :community AND event.state = 'published'
    )
    SELECT DISTINCT host.member_id FROM host
    JOIN community_member ON community_member.community_id = :community
                         AND community_member.member_id = host.member_id
    WHERE EXISTS (
        SELECT FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = host.event_id AND checkin.undone_at IS NULL
          AND checkin.at >= :since AND checkin.at < :until
          AND NOT EXISTS (SELECT FROM host AS same
                          WHERE same.event_id = host.event_id AND same.member_id = checkin.member_id))
""")

_EVER = text("""
    SELECT DISTINCT checkin.member_id
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN event ON event.id = step.event_id
    WHERE checkin.member_id = ANY(:members) AND checkin.undone_at IS NULL
      AND (event.community_id = :community OR event.id = :event)
      AND (checkin.member_id <> event.organizer_id OR EXISTS (
          SELECT FROM checkin AS other JOIN step AS theirs ON theirs.id = other.step_id
          WHERE theirs.event_id = event.id AND other.undone_at IS NULL
            AND other.member_id IS DISTINCT FROM checkin.member_id))
""")


class Coming(NamedTuple):
    """Somebody came to a step. member_id: None of somebody who was erased, whom `stranger` counts once per event."""

    member_id: str | None
    stranger: int | None
    event_id: str
    step_id: str
    at: dt.datetime
    evidence: str


def came(
    session: Session,
    *,
    community_id: str | None = None,
    event_ids: Collection[str] | None = None,
    member_id: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> list[Coming]:
    """Who came in [since, until) to what of a community, or to these events, the earliest first."""
    columns = (CheckIn.member_id, CheckIn.stranger, Step.event_id, CheckIn.step_id, CheckIn.at, CheckIn.evidence)
    wanted = (
        select(*columns)
        .join(Step, Step.id == CheckIn.step_id)
        .join(Event, Event.id == Step.event_id)
        .where(CheckIn.undone_at.is_(None))
        .order_by(CheckIn.at, CheckIn.id)
    )
    if community_id is not None:
        wanted = wanted.where(Event.community_id == community_id)
    if event_ids is not None:
        wanted = wanted.where(Event.id.in_(event_ids))
    if member_id is not None:
        wanted = wanted.where(CheckIn.member_id == member_id)
    if since is not None:
        wanted = wanted.where(CheckIn.at >= since)
    if until is not None:
        wanted = wanted.where(CheckIn.at < until)
    return [Coming._make(row) for row in session.execute(wanted)]


def ever_came(
    session: Session, member_ids: Iterable[str], *, community_id: str | None, event_id: str | None
) -> set[str]:
    """Those of these members who ever came to a gathering of the community, or to this one; to hers with others."""
    values = {"members": list(member_ids), "community": community_id, "event": event_id}
    return set(session.scalars(_EVER, values)) if values["members"] else set()


def has_come(session: Session, *, community_id: str, member_id: str) -> bool:
    """Whether somebody ever came to something of a community; to what she organizes herself only if others came."""
    return member_id in ever_came(session, [member_id], community_id=community_id, event_id=None)


def anybody_came(session: Session, *, community_id: str) -> bool:
    """Whether anybody ever came to something of a community."""
    found = (
        select(CheckIn.id)
        .join(Step, Step.id == CheckIn.step_id)
        .join(Event, Event.id == Step.event_id)
        .where(Event.community_id == community_id, CheckIn.undone_at.is_(None))
        .limit(1)
    )
    return session.scalar(found) is not None


def gatherers(session: Session, *, community_id: str, since: dt.datetime, until: dt.datetime) -> set[str]:
    """Who belongs to a community and organizes or hosts something of it to which others came in [since, until)."""
    return set(session.scalars(_GATHERERS, {"community": community_id, "since": since, "until": until}))


def mix(comings: Iterable[Coming]) -> evidence.Mix:
    """By what these came; each of them counts once, an erased one once for each event."""
    by: dict[tuple[str | None, int | None], set[str]] = defaultdict(set)
    for coming in comings:
        by[coming.member_id, coming.stranger].add(coming.evidence)
    return evidence.mix(by.values())


def stayed(session: Session, *, event_id: str) -> dict[tuple[str, str], float | None]:
    """How many minutes each who came to a step was there, by (member, step); None where no badge tells.

    From her badge's visits at the step's venue, cut to the step's time; a visit reaches over gaps in which nothing was
    heard (docs/presence.md), so this is time there and not time listened to.
    """
    steps = {step.id: step for step in session.scalars(select(Step).where(Step.event_id == event_id))}
    there: dict[tuple[str, str], list[visits.HerVisit]] = defaultdict(list)
    for visit in visits.of_event(session, event_id=event_id):
        if visit.member_id is not None:
            there[visit.member_id, visit.venue_id].append(visit)
    found: dict[tuple[str, str], float | None] = {}
    for coming in came(session, event_ids=[event_id]):
        if coming.member_id is not None:
            step = steps[coming.step_id]
            hers = there.get((coming.member_id, step.venue_id), [])
            found[coming.member_id, coming.step_id] = minutes_within(
                [(visit.from_at, visit.to_at) for visit in hers], step.opens_at, step.ends_at
            )
    return found


def minutes_within(
    visits: Iterable[tuple[dt.datetime, dt.datetime]], since: dt.datetime, until: dt.datetime
) -> float | None:
    """The minutes of these visits, which never overlap, that lie in [since, until]; None when none does."""
    parts = [min(to_at, until) - max(from_at, since) for from_at, to_at in visits]
    inside = [part for part in parts if part >= dt.timedelta(0)]
    return sum(part.total_seconds() for part in inside) / 60 if inside else None


def came_back(session: Session, *, event_id: str) -> set[str]:
    """Who of those who came to an event came to a later one of the same community within CAME_BACK_WITHIN."""
    community_id = session.scalar(select(Event.community_id).where(Event.id == event_id))
    last: dict[str, dt.datetime] = {}
    for coming in came(session, event_ids=[event_id]):
        if coming.member_id is not None:
            last[coming.member_id] = coming.at
    if community_id is None or not last:
        return set()
    later = came(session, community_id=community_id, since=min(last.values()))
    return {
        coming.member_id
        for coming in later
        if coming.member_id in last
        and coming.event_id != event_id
        and dt.timedelta(0) < coming.at - last[coming.member_id] <= CAME_BACK_WITHIN
    }
