"""A vote of the community puts back what was hidden: `post/12` a post, `newcomer/12` all that its author wrote."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Posts as Rules
from server.errors import Conflict
from server.governance import votes
from server.governance.model import Ballot, Vote
from server.governance.rules import Kind
from server.people.model import Member
from server.posts import hiding, places
from server.posts.hiding import What
from server.posts.model import Post


class NotHidden(Conflict):
    """This is not hidden in any community: nobody has to vote on it."""

    code = "not_hidden"


def ask(session: Session, post: Post, *, what: What, viewer: Member, rules: Rules, now: dt.datetime) -> Vote:
    """Asks the community whether to put it back; raises NotHidden and what `votes.open_vote` raises."""
    where = places.of_post(session, post)
    if where.community_id is None or hiding.of_post(session, post, where, rules=rules) is None:
        raise NotHidden
    return votes.open_vote(
        session,
        viewer=viewer,
        community_id=where.community_id,
        kind=Kind.RESTORE,
        about=f"{what}/{post.id}",
        now=now,
    )


def may_look(session: Session, post: Post, viewer: Member, *, now: dt.datetime) -> bool:
    """Whether she may see something hidden: her word counts there, so that she can ask for a vote, or she has one."""
    community_id = places.of_post(session, post).community_id
    if community_id is not None and votes.has_word(session, community_id=community_id, member_id=viewer.id, now=now):
        return True
    about = [f"post/{post.id}", f"newcomer/{post.id}"]
    asked = (
        select(Ballot.vote_id)
        .join(Vote, Vote.id == Ballot.vote_id)
        .where(Ballot.member_id == viewer.id, Vote.about.in_(about), Vote.outcome.is_(None))
    )
    return session.scalar(asked.limit(1)) is not None


def _check(session: Session, community_id: str, about: str) -> None:
    """Raises NotHidden unless somebody spoke against it, VoteOpen where the same newcomer is voted on already."""
    what, _, number = about.partition("/")
    post = _find(session, number)
    if post is None or about != f"{what}/{post.id}":
        raise NotHidden
    where, newcomer = places.of_post(session, post), what == "newcomer"
    if where.community_id != community_id or not hiding.is_spoken_against(session, post, where, newcomer=newcomer):
        raise NotHidden
    if newcomer:
        open_ones = select(Vote.about).where(
            Vote.community_id == community_id, Vote.decided_at.is_(None), Vote.about.startswith("newcomer/")
        )
        for other in session.scalars(open_ones):
            same = _find(session, other.partition("/")[2])
            if same is not None and same.member_id == post.member_id:
                raise votes.VoteOpen


@votes.carries("post", _check)
def _restore_post(session: Session, vote: Vote, now: dt.datetime) -> None:
    _restore(session, vote, "post", now)


@votes.carries("newcomer", _check)
def _restore_newcomer(session: Session, vote: Vote, now: dt.datetime) -> None:
    _restore(session, vote, "newcomer", now)


def _restore(session: Session, vote: Vote, what: What, now: dt.datetime) -> None:
    post = _find(session, vote.about.partition("/")[2])
    if post is not None and places.of_post(session, post).community_id == vote.community_id:
        hiding.restore(session, post, what=what, by=None, rules=None, now=now, by_vote=True)


def _find(session: Session, number: str) -> Post | None:
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    post = session.get(Post, int(number))
    return None if post is None or post.deleted_at is not None else post
