"""What ends: a community dissolves, somebody is removed, and names go some time after."""

import contextlib
import datetime as dt

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from server import topics
from server.audit import service as audit
from server.communities import rights as community_rights
from server.communities import service as communities
from server.communities.model import Community, CommunityMember, CommunityRemoval
from server.errors import NotFound, Refused
from server.events import life as event_life
from server.events import recurrence, series, signups
from server.events import service as events
from server.events.model import Event
from server.events.states import NotSignedUp, Phase
from server.governance import reading, rules
from server.governance.model import CommunityChange, Vote
from server.inbox import service as inbox
from server.inbox import words
from server.people import roles
from server.people.model import Member
from server.texts import later

_DISSOLVED = later("%(community)s has dissolved. What was stays readable for its members for a while; then names go.")
_REMOVED = later("You are no longer in %(community)s. From %(day)s on you may join again, or sooner if it decides so.")
# How many gatherings to come are called off at once: a weekly one for ten years.
_MOST_CALLED_OFF = 500


_READMITTED = later("You may come back to %(community)s whenever you like.")


class NotRemoved(NotFound):
    """She was not taken out: she may join as everybody may."""

    code = "not_removed"


class VoteDecides(Refused):
    """A circle has no owner: those who came to its gatherings decide this by a vote."""

    code = "vote_decides"


def dissolve(session: Session, community: Community, *, now: dt.datetime, by: str | None = None) -> None:
    """Ends a community: gatherings to come are called off, and everybody concerned is told; twice is as once.

    Its circles go on without it. The row has to be read to be edited. What was stays readable for its members until
    `forget_names`.
    """
    if community.dissolved_at is not None:
        return
    with topics.together(session):
        _dissolve(session, community, now, by)


def _to_come(session: Session, community: Community, now: dt.datetime) -> list[Event]:
    """Its gatherings that have not begun."""
    coming = reading.coming_of(session, community.id, now, most=_MOST_CALLED_OFF)
    return [event for event in coming if events.phase_of(session, event, now) in (Phase.BEFORE, Phase.OPEN)]


def _dissolve(session: Session, community: Community, now: dt.datetime, by: str | None) -> None:
    members = communities.members_of(session, community_id=community.id)
    for event in _to_come(session, community, now):
        _call_off(session, event, now)
    community.dissolved_at = now
    community.version += 1
    session.execute(update(Community).where(Community.parent_id == community.id).values(parent_id=None))
    session.flush()
    audit.note(session, "community.dissolved", of=f"community/{community.id}", by=by, now=now)
    inbox.tell(
        session,
        members,
        kind="community_dissolved",
        of=f"community/{community.id}",
        sentence=_DISSOLVED,
        values={"community": words.named(community.name, community.simulated)},
        link=f"/communities/{community.id}",
        now=now,
    )


def dissolve_by(session: Session, *, viewer: Member, community_id: str, now: dt.datetime) -> None:
    """Ends a house, by who decides about it, or a circle that has nobody else; twice is as once.

    Raises CommunityUnknown, NotYourCommunity, VoteDecides.
    """
    community = communities.get(session, community_id, to_edit=True)
    if community.shape == "circle":
        if not reading.is_alone(session, community_id=community_id, member_id=viewer.id):
            raise VoteDecides
    else:
        community_rights.check_decides(session, viewer, community)
    dissolve(session, community, now=now, by=viewer.id)


def remove(session: Session, community: Community, *, member_id: str, now: dt.datetime, by: str | None = None) -> None:
    """Takes somebody out for a year, out of its gatherings to come as well.

    Hers to come are called off, and a series of hers in it ends: who meant to come is told.
    """
    with topics.together(session):
        _remove(session, community, member_id, now, by)


def _remove(session: Session, community: Community, member_id: str, now: dt.datetime, by: str | None) -> None:
    until = now + rules.GONE_FOR
    for event in _to_come(session, community, now):
        if event.organizer_id == member_id:
            _call_off(session, event, now)
        else:
            with contextlib.suppress(NotSignedUp):
                signups.withdraw(session, event_id=event.id, member_id=member_id, now=now)
    communities.remove(session, community_id=community.id, member_id=member_id, now=now, until=until)
    audit.note(session, "community.removed", of=f"community/{community.id}", by=by, now=now, member=member_id)
    inbox.tell(
        session,
        [member_id],
        kind="community_removed",
        of=f"community/{community.id}",
        sentence=_REMOVED,
        values={"community": words.named(community.name, community.simulated), "day": words.day(until.date())},
        link=f"/communities/{community.id}",
        now=now,
        nonce=now.date().isoformat(),
    )


def remove_by(session: Session, *, viewer: Member, community_id: str, member_id: str, now: dt.datetime) -> None:
    """Takes somebody out of a house, by who decides about it; of a circle a vote does.

    Raises CommunityUnknown, VoteDecides, NotYourCommunity, NotAMember.
    """
    community = communities.get(session, community_id, to_edit=True)
    if community.shape == "circle":
        raise VoteDecides
    community_rights.check_decides(session, viewer, community)
    if not communities.belongs(session, community_id=community_id, member_id=member_id):
        raise communities.NotAMember("She does not follow %(house)s.", house=community.name)
    remove(session, community, member_id=member_id, now=now, by=viewer.id)


def readmit_by(session: Session, *, viewer: Member, community_id: str, member_id: str, now: dt.datetime) -> None:
    """Lets somebody come back to a house who was taken out, by who decides about it; into a circle a vote does.

    Raises CommunityUnknown, CommunityDissolved, VoteDecides, NotYourCommunity, NotRemoved.
    """
    community = communities.get_living(session, community_id, to_edit=True)
    if community.shape == "circle":
        raise VoteDecides
    community_rights.check_decides(session, viewer, community)
    if communities.removal_of(session, community_id=community_id, member_id=member_id) is None:
        raise NotRemoved
    communities.readmit(session, community_id=community_id, member_id=member_id)
    audit.note(session, "community.readmitted", of=f"community/{community.id}", by=viewer.id, now=now, member=member_id)
    inbox.tell(
        session,
        [member_id],
        kind="community_readmitted",
        of=f"community/{community.id}",
        sentence=_READMITTED,
        values={"community": community.name},
        link=f"/communities/{community.id}",
        now=now,
        nonce=now.isoformat(),
    )


def forgotten_from(community: Community, names_days: int) -> dt.datetime | None:
    """From when on nobody's name is kept with a dissolved community, None of one that lives."""
    return None if community.dissolved_at is None else community.dissolved_at + dt.timedelta(days=names_days)


def forget_names(session: Session, *, names_days: int, now: dt.datetime) -> int:
    """Lets go who belonged to what dissolved long enough ago, who ran and who changed it; returns of how many."""
    over = (Community.dissolved_at.is_not(None), Community.dissolved_at <= now - dt.timedelta(days=names_days))
    kept = exists().where(CommunityMember.community_id == Community.id)
    named = exists().where(CommunityChange.community_id == Community.id, CommunityChange.by.is_not(None))
    voted = exists().where(Vote.community_id == Community.id)
    ids = list(session.scalars(select(Community.id).where(*over, kept | named | voted).order_by(Community.id)))
    for of_id in ids:
        for role in roles.helpers_of(session, kind="community", of_id=of_id):
            roles.take_back(session, member_id=role.member_id, kind="community", of_id=of_id, by=None, now=now)
        session.execute(delete(CommunityMember).where(CommunityMember.community_id == of_id))
        session.execute(delete(CommunityRemoval).where(CommunityRemoval.community_id == of_id))
        session.execute(delete(Vote).where(Vote.community_id == of_id))
        session.execute(update(CommunityChange).where(CommunityChange.community_id == of_id).values(by=None))
        session.execute(update(Community).where(Community.id == of_id).values(source_member_id=None))
    return len(ids)


def left_by_all(session: Session, now: dt.datetime) -> list[str]:
    """The communities that everybody has left, by their ids; one of today may be waiting for somebody."""
    belongs = exists().where(CommunityMember.community_id == Community.id)
    rows = select(Community.id).where(
        Community.dissolved_at.is_(None), ~belongs, Community.created_at < now - dt.timedelta(days=1)
    )
    return list(session.scalars(rows.order_by(Community.id)))


def _call_off(session: Session, event: Event, now: dt.datetime) -> None:
    """Cancels a gathering to come, which tells who meant to come, and ends the series that it is of."""
    if event.series_id is not None:
        of = series.get(session, event.series_id)
        series.end(session, series_id=of.id, wall=recurrence.wall(now, of.time_zone), now=now)
    event_life.cancel(session, event_id=event.id, now=now)
