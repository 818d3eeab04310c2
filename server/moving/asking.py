"""Asks the people of a community whether they come along to another server, and takes their answers.

A circle is asked when a vote to move has passed, a house when its source or a host says so.
Whoever says nothing stays a number.
"""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.communities import rights as community_rights
from server.communities import service as communities
from server.communities.model import Community, CommunityMember
from server.errors import Conflict, Invalid, NotFound, Refused
from server.governance import votes
from server.governance.ending import VoteDecides
from server.governance.model import Vote
from server.governance.rules import Kind
from server.inbox import service as inbox
from server.inbox import words
from server.moving.model import ComingAlong, Move
from server.people.access import NotYourCommunity
from server.people.model import Member
from server.texts import later

ANSWERS = dt.timedelta(days=14)  # a holiday away from everything
DAYS = (1, 60)
_ASKED = later(
    "%(community)s moves to another server. Come along? Until %(day)s you can say so; who says nothing stays a number."
)


class NobodyAsked(NotFound):
    """Nobody has asked this community to move yet."""

    code = "nobody_asked"


class MembersMove(Refused):
    """Who belongs to a community is asked whether she comes along: join it first."""

    code = "members_move"


class AddressFirst(Refused):
    """By your e-mail address you are known again over there: leave one first, then say that you come along."""

    code = "address_first"


class AnswersOver(Conflict):
    """The time to say that you come along is over. You can still say that you do not."""

    code = "answers_over"


class Asked(NamedTuple):
    """A move as one member sees it. mine: her answer, None while she gave none."""

    asked_at: dt.datetime
    until: dt.datetime
    members: int
    coming: int
    mine: bool | None


def ask(session: Session, *, viewer: Member, community_id: str, days: int = ANSWERS.days, now: dt.datetime) -> Move:
    """Asks everybody of a house, for who decides there; asked anew, all say anew. Of a circle a vote decides.

    Raises CommunityUnknown, CommunityDissolved, VoteDecides, NotYourCommunity, Invalid.
    """
    community = communities.get_living(session, community_id, to_edit=True)
    if community.shape == "circle":
        raise VoteDecides
    if not community_rights.decides(session, viewer, community):
        raise NotYourCommunity
    if not DAYS[0] <= days <= DAYS[1]:
        raise Invalid("People have between %(least)s and %(most)s days to answer.", least=DAYS[0], most=DAYS[1])
    return _open(session, community, by=viewer.id, lasts=dt.timedelta(days=days), now=now)


@votes.carries(Kind.MOVE.value)
def carry(session: Session, vote: Vote, now: dt.datetime) -> None:
    """A vote to move has passed: everybody is asked."""
    community = communities.get(session, vote.community_id, to_edit=True)
    _open(session, community, by=vote.opened_by, lasts=ANSWERS, now=now)


def answer(session: Session, *, viewer: Member, community_id: str, come: bool, now: dt.datetime) -> None:
    """Says whether she comes along; the last answer counts, and "no" at any time.

    Raises CommunityUnknown, NobodyAsked, MembersMove, AddressFirst, AnswersOver.
    """
    move = _get(session, community_id, lock=True)
    if not communities.belongs(session, community_id=community_id, member_id=viewer.id):
        raise MembersMove
    if come and now >= move.until:
        raise AnswersOver
    if come and (viewer.guest or not viewer.email):
        raise AddressFirst
    row = {"community_id": community_id, "member_id": viewer.id, "agreed": come, "at": now}
    made = insert(ComingAlong).values(row)
    session.execute(made.on_conflict_do_update(index_elements=["community_id", "member_id"], set_=row))


def look(session: Session, *, viewer: Member, community_id: str) -> Asked:
    """How a move stands, for its members and who decides; raises CommunityUnknown, NobodyAsked, MembersMove."""
    move = _get(session, community_id)
    community = communities.get(session, community_id)
    belongs = communities.belongs(session, community_id=community_id, member_id=viewer.id)
    if not belongs and not community_rights.decides(session, viewer, community):
        raise MembersMove
    mine = session.get(ComingAlong, (community_id, viewer.id), populate_existing=True)
    return Asked(
        move.asked_at,
        move.until,
        len(communities.members_of(session, community_id=community_id)),
        len(people_of(session, community_id)),
        None if mine is None else mine.agreed,
    )


def check_takes(session: Session, *, viewer: Member, community_id: str, now: dt.datetime) -> Community:
    """The community, for who may take it along: of a circle that voted so whose word counts, of a house who decides.

    Raises CommunityUnknown, CommunityDissolved, NobodyAsked, NoWord, NotYourCommunity.
    """
    community = communities.get_living(session, community_id)
    if community.shape == "house" and not community_rights.decides(session, viewer, community):
        raise NotYourCommunity
    if community.shape == "circle" and viewer.id not in votes.voters_of(session, community_id, now):
        raise votes.NoWord
    _get(session, community_id)
    return community


def people_of(session: Session, community_id: str) -> list[Member]:
    """Who comes along: who agreed, still belongs to it, and has an address to be known again by."""
    rows = (
        select(Member)
        .join(ComingAlong, ComingAlong.member_id == Member.id)
        .join(CommunityMember, CommunityMember.member_id == Member.id)
        .where(ComingAlong.community_id == community_id, CommunityMember.community_id == community_id)
        .where(ComingAlong.agreed, Member.email.is_not(None), ~Member.guest)
    )
    return list(session.scalars(rows.order_by(func.lower(Member.email))))


def _get(session: Session, community_id: str, *, lock: bool = False) -> Move:
    communities.get(session, community_id)
    locked = {"key_share": True} if lock else None
    move = session.get(Move, community_id, with_for_update=locked, populate_existing=True)
    if move is None:
        raise NobodyAsked
    return move


def _open(session: Session, community: Community, *, by: str | None, lasts: dt.timedelta, now: dt.datetime) -> Move:
    session.execute(delete(Move).where(Move.community_id == community.id))  # with what was answered to it
    session.expire_all()
    move = Move(community_id=community.id, asked_by=by, asked_at=now, until=now + lasts)
    session.add(move)
    session.flush()
    audit.note(session, "community.moves", of=f"community/{community.id}", by=by, now=now)
    inbox.tell(
        session,
        communities.members_of(session, community_id=community.id),
        kind="community_moves",
        of=f"community/{community.id}",
        sentence=_ASKED,
        values={"community": words.named(community.name, community.simulated), "day": words.day(move.until.date())},
        link=f"/communities/{community.id}/move",
        now=now,
        nonce=now.isoformat(),
    )
    return move
