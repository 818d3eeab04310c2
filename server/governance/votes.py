"""Votes: opening one, voting, and deciding it by the clock, once, whoever looks first."""

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server import constraints, names, paging, topics
from server.communities import service as communities
from server.communities.model import Community
from server.errors import Conflict, Invalid, NotFound, Refused
from server.governance import ending, rules, telling
from server.governance.model import Ballot, Vote
from server.governance.rules import Kind, Outcome
from server.met import reading as met
from server.met import trust
from server.people import service as people
from server.people.model import Member

WORDS_MAX_LENGTH = 500  # what somebody can say in a minute
# What a vote that passed does where that is another capability's: to restore by what it is about (`post` of `post/12`),
# to move by `move`. Who does it registers it.
Carry = Callable[[Session, Vote, dt.datetime], None]
CARRIES: dict[str, Carry] = {}
# What refuses to ask about something that there is nothing to restore of: (session, community, about).
Check = Callable[[Session, str, str], None]
CHECKS: dict[str, Check] = {}


class VoteUnknown(NotFound):
    """There is no such vote in this community."""

    code = "vote_unknown"


class NoWord(Refused):
    """The word of those counts who came to something of late: come to the next gathering."""

    code = "no_word"


class NotInThisVote(Refused):
    """Who votes was settled when this vote was opened: those who had come of late."""

    code = "not_in_this_vote"


class VoteOver(Conflict):
    """This vote is over."""

    code = "vote_over"


class VoteOpen(Conflict):
    """There is a vote about this already: cast your ballot there."""

    code = "vote_open"


class TooManyVotes(Conflict):
    """You have opened five votes in a day. Let the others answer those first."""

    code = "too_many_votes"


class VotedOfLate(Conflict):
    """This was voted on of late."""

    code = "voted_of_late"


class HouseDecides(Refused):
    """A house is decided about by its source: leave it if you do not agree."""

    code = "house_decides"


class NotAboutYou(Refused):
    """This vote is about somebody else."""

    code = "not_about_you"


def carries(about: str, check: Check | None = None) -> Callable[[Carry], Carry]:
    """Says that the function does what a vote that passed asks for: restores `post` of `post/12`, or `move`s.

    check: raises where there is nothing to ask about.
    """

    def register(carry: Carry) -> Carry:
        CARRIES[about] = carry
        if check is not None:
            CHECKS[about] = check
        return carry

    return register


def voters_of(session: Session, community_id: str, now: dt.datetime) -> list[str]:
    """The members whose word counts now."""
    return met.with_a_word(session, community_id=community_id, since=now - trust.CAME_WITHIN, now=now)


def open_vote(
    session: Session,
    *,
    viewer: Member,
    community_id: str,
    kind: Kind,
    now: dt.datetime,
    member_id: str | None = None,
    called: str = "",
    about: str = "",
    reason: str = "",
) -> Vote:
    """Asks those who came of late; who may vote, and how many have to, is fixed by this.

    member_id: whom it is about (to remove, to readmit), and called: what she is called there, since not everybody may
    see her name. about: what was hidden (to restore). Raises CommunityUnknown, CommunityDissolved, HouseDecides,
    NoWord, NotAMember, MemberUnknown, VoteOpen, VotedOfLate, TooManyVotes, Invalid, and what the check of `about` does.
    """
    community = communities.get_living(session, community_id, to_edit=True)
    if community.shape == "house" and kind is not Kind.RESTORE:
        raise HouseDecides
    voters = voters_of(session, community_id, now)
    if viewer.id not in voters:
        raise NoWord(
            "A vote is opened by those who came to something of %(community)s in the last %(days)s days: come to the"
            " next gathering.",
            community=community.name,
            days=trust.CAME_WITHIN.days,
        )
    member_id, called = _check_whom(session, community, kind, member_id, called)
    _check_about(session, community_id, kind, about)
    _refuse_again(session, community_id, kind, about, member_id, now)
    _refuse_many(session, viewer, now)
    vote = Vote(
        community_id=community_id,
        kind=kind.value,
        about=about,
        member_id=member_id,
        called=called,
        reason=names.check_text(reason, "vote", WORDS_MAX_LENGTH),
        opened_by=viewer.id,
        opened_at=now,
        ends_at=now + rules.LASTS,
        voters=len(voters),
        quorum=rules.quorum(len(voters)),
    )
    with constraints.explain(session, {"uq_vote_one_open_about_the_same": VoteOpen()}):
        session.add(vote)
    session.add_all(Ballot(vote_id=vote.id, member_id=voter) for voter in voters)
    session.flush()
    with topics.together(session):
        telling.opened(session, vote, community, [voter for voter in voters if voter != member_id], now)
    return vote


def get(session: Session, *, community_id: str, vote_id: int, now: dt.datetime) -> Vote:
    """A vote, decided if its time is over; raises VoteUnknown."""
    vote = session.get(Vote, vote_id)
    if vote is None or vote.community_id != community_id:
        raise VoteUnknown
    return settle(session, vote, now)


def list_votes(
    session: Session, *, community_id: str, now: dt.datetime, page: paging.Page = paging.EVERYTHING
) -> list[Vote]:
    """The votes of a community, the newest first, decided where their time is over."""
    rows = select(Vote).where(Vote.community_id == community_id)
    return [settle(session, vote, now) for vote in page.read(session, rows, paging.down(Vote.id))]


def has_word(session: Session, *, community_id: str, member_id: str, now: dt.datetime) -> bool:
    """Whether she belongs to it and her word counts now: whether she is one of `voters_of`."""
    if not communities.belongs(session, community_id=community_id, member_id=member_id):
        return False
    since = now - trust.CAME_WITHIN
    return met.word_of(session, member_id=member_id, community_id=community_id, since=since, now=now).counts


class Seen(NamedTuple):
    """A vote as one member sees it: how many have voted, whether she may, and how she did (None: not yet)."""

    cast: int
    may_vote: bool
    yes: bool | None


def seen_by(session: Session, vote: Vote, member_id: str) -> Seen:
    """A vote as a member sees it."""
    ballot = session.get(Ballot, (vote.id, member_id))
    return Seen(count_cast(session, vote), ballot is not None, None if ballot is None else ballot.yes)


def count_cast(session: Session, vote: Vote) -> int:
    """How many have voted; how they did is not told before it is over."""
    if vote.yes is not None and vote.no is not None:
        return vote.yes + vote.no
    cast = select(func.count()).where(Ballot.vote_id == vote.id, Ballot.yes.is_not(None))
    return session.scalars(cast).one()


def cast(session: Session, *, viewer: Member, community_id: str, vote_id: int, yes: bool, now: dt.datetime) -> Vote:
    """Says yes or no, until the end as often as she likes; the last one counts.

    Raises VoteUnknown, VoteOver, NotInThisVote.
    """
    vote = _get_open(session, community_id=community_id, vote_id=vote_id, now=now)
    ballot = session.get(Ballot, (vote.id, viewer.id))
    if ballot is None:
        raise NotInThisVote
    ballot.yes = yes
    session.flush()
    return vote


def speak(session: Session, *, viewer: Member, community_id: str, vote_id: int, words: str, now: dt.datetime) -> Vote:
    """What she whom a vote is about says to those who vote; raises VoteUnknown, VoteOver, NotAboutYou, Invalid."""
    vote = _get_open(session, community_id=community_id, vote_id=vote_id, now=now)
    if vote.member_id != viewer.id:
        raise NotAboutYou
    vote.words = names.check_text(words, "vote", WORDS_MAX_LENGTH)
    session.flush()
    return vote


def settle(session: Session, vote: Vote, now: dt.datetime) -> Vote:
    """The vote, decided if its time is over and nobody decided it yet."""
    if vote.decided_at is not None or now < vote.ends_at:
        return vote
    # The community first, as whoever edits, joins or opens a vote does: two rows in one order.
    community = communities.get(session, vote.community_id, to_edit=True)
    vote = session.get_one(Vote, vote.id, with_for_update=True, populate_existing=True)
    if vote.decided_at is not None:
        return vote
    counted = dict(
        session.execute(
            select(Ballot.yes, func.count())
            .where(Ballot.vote_id == vote.id, Ballot.yes.is_not(None))
            .group_by(Ballot.yes)
        ).all()
    )
    yes, no = counted.get(True, 0), counted.get(False, 0)
    outcome = rules.decide(vote.quorum, yes, no) if community.dissolved_at is None else Outcome.MOOT
    vote.outcome, vote.decided_at, vote.yes, vote.no = outcome.value, now, yes, no
    voters = list(session.scalars(select(Ballot.member_id).where(Ballot.vote_id == vote.id)))
    session.execute(delete(Ballot).where(Ballot.vote_id == vote.id))  # how she voted is nobody's business any more
    session.flush()
    with topics.together(session):
        telling.decided(session, vote, community, voters, cast=count_cast(session, vote), now=now)
        if outcome is Outcome.PASSED:
            _carry_out(session, vote, community, now)
    return vote


def count_open(session: Session, *, community_id: str, now: dt.datetime) -> int:
    """How many votes of a community take ballots now."""
    open_now = select(func.count()).where(Vote.community_id == community_id, Vote.ends_at > now)
    return session.scalars(open_now.where(Vote.decided_at.is_(None))).one()


def due(session: Session, now: dt.datetime) -> list[tuple[str, int]]:
    """The votes to be decided: (community, vote)."""
    rows = select(Vote.community_id, Vote.id).where(Vote.decided_at.is_(None), Vote.ends_at <= now)
    return [(row[0], row[1]) for row in session.execute(rows.order_by(Vote.ends_at, Vote.id))]


def settle_due(session: Session, *, community_id: str, now: dt.datetime) -> None:
    """Decides the votes of a community whose time is over, for whoever looks at what they may have changed."""
    over = (Vote.community_id == community_id, Vote.decided_at.is_(None), Vote.ends_at <= now)
    for vote in session.scalars(select(Vote).where(*over).order_by(Vote.ends_at, Vote.id)).all():
        settle(session, vote, now)


def _get_open(session: Session, *, community_id: str, vote_id: int, now: dt.datetime) -> Vote:
    """A vote that takes ballots, locked until the transaction ends, so that nobody counts meanwhile."""
    vote = get(session, community_id=community_id, vote_id=vote_id, now=now)
    vote = session.get_one(Vote, vote.id, with_for_update=True, populate_existing=True)
    if vote.decided_at is not None or now >= vote.ends_at:
        raise VoteOver
    return vote


def _check_whom(
    session: Session, community: Community, kind: Kind, member_id: str | None, called: str
) -> tuple[str | None, str]:
    if kind not in (Kind.REMOVE, Kind.READMIT):
        if member_id is not None or called.strip():
            raise Invalid("This vote is about nobody in particular: leave out whom.")
        return None, ""
    if member_id is None:
        raise Invalid("Say whom this vote is about.")
    people.get(session, member_id)
    if kind is Kind.REMOVE and not communities.belongs(session, community_id=community.id, member_id=member_id):
        raise communities.NotAMember("She is not a member of %(community)s.", community=community.name)
    if kind is Kind.READMIT and communities.removal_of(session, community_id=community.id, member_id=member_id) is None:
        raise Invalid("She was not removed: she may join as everybody may.")
    return member_id, names.check_name(called, "member")


def _check_about(session: Session, community_id: str, kind: Kind, about: str) -> None:
    if kind is Kind.RESTORE:
        check = CHECKS.get(about.partition("/")[0])
        if check is None:
            raise Invalid("Say what is to be restored.")
        check(session, community_id, about)
    if kind is not Kind.RESTORE and about:
        raise Invalid("This vote restores nothing: leave out what it is about.")


def _refuse_again(
    session: Session, community_id: str, kind: Kind, about: str, member_id: str | None, now: dt.datetime
) -> None:
    """Raises VoteOpen, VotedOfLate. What is due is decided first, so that a late clock keeps nobody from asking."""
    same = (Vote.community_id == community_id, Vote.kind == kind.value, Vote.about == about)
    whom = Vote.member_id.is_(None) if member_id is None else Vote.member_id == member_id
    last = session.scalars(select(Vote).where(*same, whom).order_by(Vote.id.desc()).limit(1)).one_or_none()
    if last is None:
        return
    last = settle(session, last, now)
    if last.outcome is None:
        raise VoteOpen
    again_at = rules.opens_again_at(Outcome(last.outcome), last.ends_at)
    if again_at is not None and now < again_at:
        raise VotedOfLate("This was voted on of late; it can be asked again from %(day)s on.", day=again_at.date())


def _refuse_many(session: Session, viewer: Member, now: dt.datetime) -> None:
    """Raises TooManyVotes."""
    of_late = select(func.count()).where(Vote.opened_by == viewer.id, Vote.opened_at > now - dt.timedelta(days=1))
    if session.scalars(of_late).one() >= rules.MOST_OPENED:
        raise TooManyVotes


def _carry_out(session: Session, vote: Vote, community: Community, now: dt.datetime) -> None:
    kind = Kind(vote.kind)
    if kind is Kind.DISSOLVE:
        ending.dissolve(session, community, now=now)
    elif kind is Kind.REMOVE and vote.member_id is not None:
        ending.remove(session, community, member_id=vote.member_id, now=now)
    elif kind is Kind.READMIT and vote.member_id is not None:
        communities.readmit(session, community_id=community.id, member_id=vote.member_id)
    elif kind in (Kind.RESTORE, Kind.MOVE):
        carry = CARRIES.get(kind.value if kind is Kind.MOVE else vote.about.partition("/")[0])
        if carry is not None:
            with contextlib.suppress(NotFound), session.begin_nested():  # what was hidden may be gone by now
                carry(session, vote, now)
