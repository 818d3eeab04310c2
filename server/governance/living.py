"""How a community's life goes on by the clock: its members are told before it dissolves, keep it, or it dissolves."""

import datetime as dt

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from config.settings import Life
from server.communities import service as communities
from server.communities.model import Community
from server.governance import ending, reading, votes
from server.governance import life as lives
from server.inbox import service as inbox
from server.inbox import words
from server.texts import later

_WARNED = later(
    "Nobody has met in %(community)s for a long time. On %(day)s it dissolves. One tap keeps it, a gathering wakes it."
)

_ORPHANED = later(
    "Nobody is left who publishes and decides in %(community)s. On %(day)s it dissolves; circles under it go on."
)


def settle(session: Session, community: Community, life: Life, now: dt.datetime) -> lives.State:
    """How it lives now; what is due, votes as well, is done first, once, whoever looks first."""
    votes.settle_due(session, community_id=community.id, now=now)
    signs = reading.signs_of(session, community)
    due = lives.warns(signs, life, now) or lives.dissolves(signs, life, now)
    if not due and not _decides_otherwise(session, community):
        return lives.state_of(signs, life, now)
    community = communities.get(session, community.id, to_edit=True)
    _see_who_decides(session, community, life, now)
    signs = reading.signs_of(session, community)
    if lives.dissolves(signs, life, now):
        ending.dissolve(session, community, now=now)
    elif lives.warns(signs, life, now):
        community.warned_at = now
        session.flush()
        _tell_warned(session, community, life, now)
    return reading.state_of(session, community, life, now)


def keep(session: Session, *, community_id: str, member_id: str, now: dt.datetime) -> None:
    """A member wants a community kept that is about to dissolve; when it is not, nothing changes.

    Raises CommunityUnknown, CommunityDissolved, NotAMember.
    """
    community = communities.get_living(session, community_id, to_edit=True)
    if not communities.belongs(session, community_id=community_id, member_id=member_id):
        raise communities.NotAMember
    if lives.is_warned(reading.signs_of(session, community)):
        community.kept_at = now
        session.flush()


def looked_after(session: Session, life: Life, now: dt.datetime) -> list[str]:
    """The communities whose life may have to go on, by their ids: those that nobody gathered in for a long time.

    And houses in which nobody was or is left to decide.
    """
    silent_since = now - dt.timedelta(days=life.dissolve_days - life.warn_days)
    quiet = func.greatest(reading.GATHERED_AT, Community.kept_at) <= silent_since
    house = or_(Community.orphaned_at.is_not(None), reading.ORPHANED)
    rows = select(Community.id).where(Community.dissolved_at.is_(None), or_(quiet, house))
    return list(session.scalars(rows.order_by(Community.id)))


def _decides_otherwise(session: Session, community: Community) -> bool:
    """Whether somebody decides in a house of which it is noted that nobody does, or the other way round."""
    if community.dissolved_at is not None:
        return False
    return reading.is_orphaned(session, community) != (community.orphaned_at is not None)


def _see_who_decides(session: Session, community: Community, life: Life, now: dt.datetime) -> None:
    """Notes of a house whether somebody is left to decide in it, and tells who follows it when nobody is."""
    if not _decides_otherwise(session, community):
        return
    community.orphaned_at = now if community.orphaned_at is None else None
    session.flush()
    if community.orphaned_at is None:
        return
    inbox.tell(
        session,
        communities.members_of(session, community_id=community.id),
        kind="community_orphaned",
        of=f"community/{community.id}",
        sentence=_ORPHANED,
        values={
            "community": community.name,
            "day": words.day(lives.dissolves_at(reading.signs_of(session, community), life).date()),
        },
        link=f"/communities/{community.id}",
        now=now,
        nonce=now.date().isoformat(),
    )


def _tell_warned(session: Session, community: Community, life: Life, now: dt.datetime) -> None:
    day = lives.dissolves_at(reading.signs_of(session, community), life).date()
    inbox.tell(
        session,
        communities.members_of(session, community_id=community.id),
        kind="community_silent",
        of=f"community/{community.id}",
        sentence=_WARNED,
        values={"community": words.named(community.name, community.simulated), "day": words.day(day)},
        link=f"/communities/{community.id}",
        now=now,
        nonce=now.date().isoformat(),
    )
