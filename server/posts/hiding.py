"""Hides posts and newcomers at once, and puts them back: a row for each word, and what follows from all of them."""

import datetime as dt
from collections import defaultdict
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from config.settings import Posts as Rules
from server import constraints
from server.errors import NotFound, Refused
from server.events.model import Event
from server.inbox import service as inbox
from server.limits import service as limits
from server.limits.service import Caller, Rate
from server.people.model import Member
from server.posts import places
from server.posts.hidden_by import Act, Hidden, hidden_by, was_restored
from server.posts.model import Hiding, Post, Topic
from server.posts.places import Where
from server.texts import later
from server.turnout import service as turnout

What = Literal["post", "newcomer"]
Why = Literal["advert", "unkind", "untrue", "elsewhere", "other"]


class PostUnknown(NotFound):
    """There is no such post here, or not any more."""

    code = "post_unknown"


class NoWordYet(Refused):
    """Who came to something here, or has belonged for a day, can hide something. Tell a host if it cannot wait."""

    code = "no_word_yet"


class OwnPost(Refused):
    """This is yours: delete it if you do not like it any more."""

    code = "own_post"


class NotANewcomer(Refused):
    """Who wrote this has come to gatherings here or hosts them: hide the post, or talk to the hosts."""

    code = "not_a_newcomer"


class PutBackByHosts(Refused):
    """This was looked at and put back: only a host hides it again."""

    code = "put_back_by_hosts"


class NotHiddenByYou(NotFound):
    """You have not hidden this."""

    code = "not_hidden_by_you"


class OthersRestore(Refused):
    """This is yours: another host puts it back, or a vote does."""

    code = "others_restore"


class NotHostHere(Refused):
    """Only hosts put back what was hidden."""

    code = "not_host_here"


class HiddenHere(Refused):
    """What you write here is hidden for now. Ask a host, or come to a gathering: who came is a newcomer no more."""

    code = "hidden_here"


def hide(
    session: Session, caller: Caller, post: Post, *, what: What, why: Why, viewer: Member, rules: Rules
) -> Hidden | None:
    """Says that a post, or all of the newcomer who wrote it, should be hidden; twice is as once.

    Returns whether it is hidden now. Raises OwnPost, NoWordYet, NotANewcomer, PutBackByHosts, TooMany.
    """
    where = places.of_post(session, post)
    if post.member_id == viewer.id:
        raise OwnPost
    over = places.hosts if what == "post" else places.hosts_community
    is_host = over(session, viewer, where, caller.now)
    if not is_host and not places.has_word(session, viewer.id, where, rules=rules, now=caller.now):
        raise NoWordYet
    if what == "newcomer" and not (where.community_id and is_newcomer_now(session, post, where, caller.now)):
        raise NotANewcomer
    acts = _lock(session, post, where, what)
    if any(act.by == viewer.id and act.standing for act in _since_restored(acts)):
        return hidden_by(acts, members_needed=rules.members_hide)
    if not is_host:
        if was_restored(acts):
            raise PutBackByHosts
        rate = Rate(rules.hides_per_day, rules.hides_per_day / 24)
        limits.take(caller.engine, "hidings of", viewer.id, now=caller.now, rate=rate)
    before = hidden_by(acts, members_needed=rules.members_hide)
    row = _row(post, where, what)
    session.add(Hiding(**row, act="hide", role="host" if is_host else "member", by=viewer.id, why=why, at=caller.now))
    session.flush()
    acts = _acts(session, _about(post, where, what))
    found = hidden_by(acts, members_needed=rules.members_hide)
    if found is not None and before is None:
        _tell_hidden(session, post, where, what, found, len(acts), caller.now)
    return found


def take_back(session: Session, post: Post, *, what: What, viewer: Member, now: dt.datetime) -> None:
    """Takes back what she herself said; raises NotHiddenByYou."""
    where = places.of_post(session, post)
    _lock(session, post, where, what)
    hers = and_(_about(post, where, what), Hiding.act == "hide", Hiding.by == viewer.id, Hiding.taken_back_at.is_(None))
    rows = list(session.scalars(select(Hiding).where(hers)))
    if not rows:
        raise NotHiddenByYou
    for row in rows:
        row.taken_back_at = now
    session.flush()


def restore(
    session: Session,
    post: Post,
    *,
    what: What,
    by: str | None,
    rules: Rules | None,
    now: dt.datetime,
    by_vote: bool = False,
) -> None:
    """Puts back what is hidden; what is not changes nothing. Whoever calls this has checked `check_restores`.

    rules: None of a vote, which answers whoever spoke against it, however few.
    """
    where = places.of_post(session, post)
    acts = _lock(session, post, where, what)
    if hidden_by(acts, members_needed=1 if rules is None else rules.members_hide) is None:
        return
    role = "vote" if by_vote else "host"
    session.add(Hiding(**_row(post, where, what), act="restore", role=role, by=by, why="", at=now))
    session.flush()
    if post.member_id is not None:
        inbox.tell(
            session,
            [post.member_id],
            kind="post.restored",
            of=f"post/{post.id}",
            sentence=later("What you wrote was put back: everybody there sees it again."),
            now=now,
            link=f"/posts/{post.id}",
            nonce=str(len(acts)),
        )


def find(session: Session, post_id: int) -> Post:
    """The post of this id, hidden or not, for who acts on her own word about it; raises PostUnknown."""
    post = session.get(Post, post_id)
    if post is None or post.deleted_at is not None:
        raise PostUnknown
    return post


def check_restores(session: Session, post: Post, viewer: Member, what: What, now: dt.datetime) -> None:
    """Raises NotHostHere unless she hosts where the post stands, OthersRestore of her own."""
    over = places.hosts if what == "post" else places.hosts_community
    if not over(session, viewer, places.of_post(session, post), now):
        raise NotHostHere
    if post.member_id == viewer.id:
        raise OthersRestore


def of_post(session: Session, post: Post, where: Where, *, rules: Rules) -> Hidden | None:
    """Who hides a post: by itself, or with all of the newcomer who wrote it."""
    found = hidden_by(_acts(session, _about(post, where, "post")), members_needed=rules.members_hide)
    if found is not None or post.member_id is None or where.community_id is None:
        return found
    return hidden_newcomers(session, where.community_id, rules=rules).get(post.member_id)


def is_spoken_against(session: Session, post: Post, where: Where, *, newcomer: bool) -> bool:
    """Whether anybody's word stands that would hide a post, or all of the newcomer who wrote it."""
    if newcomer and (post.member_id is None or where.community_id is None):
        return False
    acts = _acts(session, _about(post, where, "newcomer" if newcomer else "post"))
    if hidden_by(acts, members_needed=1) is None:
        return False
    here = where.community_id
    return not newcomer or not turnout.ever_came(session, [post.member_id or ""], community_id=here, event_id=None)


def is_hidden_newcomer(session: Session, member_id: str, where: Where, *, rules: Rules) -> bool:
    """Whether what a newcomer writes in this community is hidden."""
    if where.community_id is None:
        return False
    return member_id in hidden_newcomers(session, where.community_id, rules=rules)


def hidden_posts(session: Session, where: Where, *, rules: Rules) -> dict[int, Hidden]:
    """The posts within this scope that are hidden by themselves."""
    rows = session.execute(
        select(Hiding)
        .join(Post, Post.id == Hiding.post_id)
        .outerjoin(Topic, Topic.id == Post.topic_id)
        .outerjoin(Event, Event.id == Post.event_id)
        .where(where.holds)
        .order_by(Hiding.at, Hiding.id)
    ).scalars()
    by_post: dict[int, list[Act]] = defaultdict(list)
    for row in rows:
        by_post[row.post_id or 0].append(_act(row))
    found = {post_id: hidden_by(acts, members_needed=rules.members_hide) for post_id, acts in by_post.items()}
    return {post_id: hidden for post_id, hidden in found.items() if hidden is not None}


def hidden_newcomers(session: Session, community_id: str, *, rules: Rules) -> dict[str, Hidden]:
    """Who is hidden in a community; who came to something of it is a newcomer no more."""
    wanted = select(Hiding).where(Hiding.community_id == community_id)
    by_member: dict[str, list[Act]] = defaultdict(list)
    for row in session.scalars(wanted.order_by(Hiding.at, Hiding.id)):
        by_member[row.newcomer_id or ""].append(_act(row))
    found = {one: hidden_by(acts, members_needed=rules.members_hide) for one, acts in by_member.items()}
    hidden = {one: by for one, by in found.items() if by is not None}
    came = turnout.ever_came(session, hidden, community_id=community_id, event_id=None)
    return {one: by for one, by in hidden.items() if one not in came}


def is_newcomer_now(session: Session, post: Post, where: Where, now: dt.datetime) -> bool:
    """Whether who wrote a post has come to nothing there yet."""
    return post.member_id is not None and places.is_newcomer(session, post.member_id, where, now)


def hidden_by_her(session: Session, post: Post, where: Where, viewer: Member) -> set[str]:
    """What of it she herself said should be hidden: post, newcomer."""
    return {
        what
        for what in ("post", "newcomer")
        if any(
            act.by == viewer.id and act.standing for act in _since_restored(_acts(session, _about(post, where, what)))
        )
    }


def _tell_hidden(
    session: Session, post: Post, where: Where, what: What, hidden: Hidden, number: int, now: dt.datetime
) -> None:
    link, of, nonce = f"/posts/{post.id}", f"post/{post.id}", f"{what} {number}"
    if post.member_id is not None:
        sentence = later("What you wrote is hidden for now. Look why, and what you can do.")
        inbox.tell(
            session, [post.member_id], kind="post.hidden", of=of, sentence=sentence, now=now, link=link, nonce=nonce
        )
    if not hidden.by_host:
        sentence = later("Members have hidden something where you host. Look at it: you can put it back.")
        hosts = places.hosts_of(session, where, now) - {post.member_id}
        inbox.tell(
            session, [one for one in hosts if one], kind="post.to_look_at", of=of, sentence=sentence, now=now,
            link=link, nonce=nonce,
        )  # fmt: skip


def _lock(session: Session, post: Post, where: Where, what: What) -> list[Act]:
    """All that was done about it; who asks next waits for us, so that the third word is told of once."""
    of = f"post {post.id}" if what == "post" else f"newcomer {where.community_id} {post.member_id}"
    constraints.take_turn(session, f"hiding {of}")
    return _acts(session, _about(post, where, what))


def _row(post: Post, where: Where, what: What) -> dict[str, object]:
    if what == "post":
        return {"post_id": post.id}
    return {"community_id": where.community_id, "newcomer_id": post.member_id}


def _about(post: Post, where: Where, what: What) -> ColumnElement[bool]:
    if what == "post":
        return Hiding.post_id == post.id
    return and_(
        Hiding.community_id == func.coalesce(where.community_id, ""),
        Hiding.newcomer_id == func.coalesce(post.member_id, ""),
    )


def _acts(session: Session, about: ColumnElement[bool]) -> list[Act]:
    return [_act(row) for row in session.scalars(select(Hiding).where(about).order_by(Hiding.at, Hiding.id))]


def _act(row: Hiding) -> Act:
    return Act(row.act, row.role, row.by, row.why, row.at, row.taken_back_at is None)


def _since_restored(acts: list[Act]) -> list[Act]:
    last = max((number for number, act in enumerate(acts) if act.act == "restore"), default=-1)
    return acts[last + 1 :]
