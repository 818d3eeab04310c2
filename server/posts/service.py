"""Writes, edits and deletes posts, and makes the topics that they stand in."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Posts as Rules
from server import names
from server.errors import Invalid, NotFound, Refused, TooMany
from server.events import service as events
from server.events.states import State
from server.limits import service as limits
from server.limits.service import Caller, Rate
from server.people.model import Member
from server.pictures import service as pictures
from server.posts import hiding, places, voting
from server.posts.model import Post, Topic
from server.posts.places import Where

NONCE_MAX_LENGTH = 100


class TopicUnknown(NotFound):
    """There is no such topic."""

    code = "topic_unknown"


class NotYourPost(Refused):
    """Only who wrote a post changes it."""

    code = "not_your_post"


class EditOver(Refused):
    """Others may have answered by now: write it anew instead."""

    code = "edit_over"


class NewcomersWait(TooMany):
    """Until you came to a gathering here you write a few times a day at most. Come along, or write again tomorrow."""

    code = "newcomers_wait"


class OtherCommunity(Invalid):
    """This gathering is another community's, so this post cannot lead there."""

    code = "other_community"


class NotPublished(Invalid):
    """This gathering is a draft or was called off, so this post cannot lead there."""

    code = "not_published"


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to write. nonce: of her form; what was sent twice is written once."""

    text: str
    picture_id: str | None = None
    leads_to: str | None = None
    answer_to: int | None = None
    nonce: str | None = None


def get_topic(session: Session, topic_id: int, *, viewer: Member) -> Topic:
    """A topic that she may read; raises TopicUnknown, JoinFirst."""
    topic = session.get(Topic, topic_id)
    if topic is None:
        raise TopicUnknown
    places.check_reads(session, viewer, Where(topic.community_id, None))
    return topic


def get(session: Session, post_id: int, *, viewer: Member, rules: Rules, now: dt.datetime) -> Post:
    """A post that she may read: what is hidden only its author, hosts and those whose word counts may.

    Raises PostUnknown, JoinFirst, SignUpFirst.
    """
    post = session.get(Post, post_id)
    if post is None or post.deleted_at is not None:
        raise hiding.PostUnknown
    where = places.of_post(session, post)
    places.check_reads(session, viewer, where)
    sees_hidden = post.member_id == viewer.id or places.hosts(session, viewer, where, now)
    hidden = not sees_hidden and hiding.of_post(session, post, where, rules=rules) is not None
    if hidden and not voting.may_look(session, post, viewer, now=now):
        raise hiding.PostUnknown
    return post


def open_topic(
    session: Session, caller: Caller, *, community_id: str, title: str, draft: Draft, viewer: Member, rules: Rules
) -> Post:
    """Makes a topic of its first post; raises CommunityUnknown, and what `write` raises."""
    where = places.in_community(session, community_id)
    title = names.check_name(title, "topic")
    sent = _sent_before(session, viewer, draft)
    if sent is not None:
        return sent
    topic = Topic(community_id=community_id, title=title, made_by=viewer.id, made_at=caller.now)
    session.add(topic)
    session.flush()
    post = _write(session, caller, where, draft, topic_id=topic.id, viewer=viewer, rules=rules)
    if post.topic_id != topic.id:  # her other tap was faster
        session.delete(topic)
        session.flush()
    return post


def write_in_topic(
    session: Session, caller: Caller, *, topic_id: int, draft: Draft, viewer: Member, rules: Rules
) -> Post:
    """Writes in a topic; raises TopicUnknown, and what `write_at_gathering` raises."""
    # Whoever deletes the last post of a topic locks it before that post, and so do we.
    topic = session.get(Topic, topic_id, with_for_update={"read": True, "key_share": True})
    if topic is None:
        raise TopicUnknown
    where = Where(topic.community_id, None)
    return _write(session, caller, where, draft, topic_id=topic.id, viewer=viewer, rules=rules)


def write_at_gathering(
    session: Session, caller: Caller, *, event_id: str, draft: Draft, viewer: Member, rules: Rules
) -> Post:
    """Writes at a gathering.

    Raises EventUnknown, JoinFirst, SignUpFirst, ComeFirst, HiddenHere, NewcomersWait, TooMany, PostUnknown,
    PictureUnknown, EventOver, OtherCommunity, Invalid.
    """
    where = places.at_gathering(session, event_id, viewer)
    return _write(session, caller, where, draft, event_id=event_id, viewer=viewer, rules=rules)


def edit(session: Session, post: Post, *, text: str, by: Member, rules: Rules, now: dt.datetime) -> None:
    """Says it otherwise, within minutes; raises NotYourPost, EditOver, Invalid."""
    _check_own(post, by)
    if now >= edited_until(post, rules):
        raise EditOver("After %(minutes)s minutes a post stays as others read it.", minutes=rules.edit_minutes)
    post.text, post.edited_at = _check_text(text, post.picture_id), now
    session.flush()


def edited_until(post: Post, rules: Rules) -> dt.datetime:
    """Until when its author may say it otherwise."""
    return post.at + dt.timedelta(minutes=rules.edit_minutes)


def delete(session: Session, post_id: int, *, by: Member, now: dt.datetime) -> None:
    """Takes a post back. Where it was answered to its place stays, empty and nobody's.

    With its last post a topic goes, and with the last answer the empty place. Raises PostUnknown, NotYourPost.
    """
    post = session.get(Post, post_id)
    if post is None or post.deleted_at is not None:
        raise hiding.PostUnknown
    _check_own(post, by)
    if post.topic_id is not None:  # the topic first, as who writes there does
        session.get(Topic, post.topic_id, with_for_update=True, populate_existing=True)
    above = post.answer_to
    for one in sorted({post_id, *([] if above is None else [above])}):
        session.get(Post, one, with_for_update=True, populate_existing=True)
    if _count(session, Post.answer_to == post_id):
        post.text, post.picture_id, post.leads_to = "", None, None
        post.member_id, post.nonce, post.deleted_at = None, None, now
        session.flush()
        return
    session.delete(post)
    session.flush()
    parent = None if above is None else session.get(Post, above)
    if parent is not None and parent.deleted_at is not None and not _count(session, Post.answer_to == above):
        session.delete(parent)
        session.flush()
    if post.topic_id is not None and not _count(session, Post.topic_id == post.topic_id):
        session.delete(session.get_one(Topic, post.topic_id))
        session.flush()


def _write(
    session: Session,
    caller: Caller,
    where: Where,
    draft: Draft,
    *,
    viewer: Member,
    rules: Rules,
    topic_id: int | None = None,
    event_id: str | None = None,
) -> Post:
    newcomer = places.check_writes(session, viewer, where, caller.now)
    sent = _sent_before(session, viewer, draft)
    if sent is not None:
        return sent
    if newcomer and hiding.is_hidden_newcomer(session, viewer.id, where, rules=rules):
        raise hiding.HiddenHere
    text = _check_text(draft.text, draft.picture_id)
    if draft.picture_id is not None:
        pictures.get(session, draft.picture_id)
    _check_leads(session, where, draft.leads_to, viewer, caller.now)
    answer_to = _answered(session, draft.answer_to, topic_id, event_id)
    _count_down(caller, viewer, newcomer, rules)
    row = {
        "topic_id": topic_id,
        "event_id": event_id,
        "member_id": viewer.id,
        "text": text,
        "picture_id": draft.picture_id,
        "leads_to": draft.leads_to,
        "answer_to": answer_to,
        "newcomer": newcomer,
        "at": caller.now,
        "nonce": _hash(draft.nonce),
    }
    made = insert(Post).values(row).on_conflict_do_nothing(index_elements=[Post.member_id, Post.nonce])
    post_id = session.scalar(made.returning(Post.id))
    if post_id is None:  # her other tap was faster
        sent = _sent_before(session, viewer, draft)
        assert sent is not None
        return sent
    return session.get_one(Post, post_id)


def _sent_before(session: Session, viewer: Member, draft: Draft) -> Post | None:
    """What she wrote with this form already."""
    if draft.nonce is None:
        return None
    return session.scalar(select(Post).where(Post.member_id == viewer.id, Post.nonce == _hash(draft.nonce)))


def _check_own(post: Post, by: Member) -> None:
    if post.member_id != by.id:
        raise NotYourPost


def _check_text(text: str, picture_id: str | None) -> str:
    written = names.check_text(text, "post")
    if not written and picture_id is None:
        raise Invalid("Write something, or add a picture.")
    return written


def _check_leads(session: Session, where: Where, leads_to: str | None, viewer: Member, now: dt.datetime) -> None:
    if leads_to is None:
        return
    event = events.get_seen(session, leads_to, viewer)
    if event.state != State.PUBLISHED:
        raise NotPublished
    if event.community_id not in (None, where.community_id):
        raise OtherCommunity
    events.refuse_over(session, event_id=leads_to, now=now)


def _answered(session: Session, answer_to: int | None, topic_id: int | None, event_id: str | None) -> int | None:
    """The post that an answer stands under: never another answer. Raises PostUnknown."""
    if answer_to is None:
        return None
    post = session.get(Post, answer_to, with_for_update={"read": True, "key_share": True})
    if post is None or (post.topic_id, post.event_id) != (topic_id, event_id):
        raise hiding.PostUnknown
    if post.answer_to is not None:
        post = session.get(Post, post.answer_to, with_for_update={"read": True, "key_share": True})
    if post is None or post.deleted_at is not None:
        raise hiding.PostUnknown
    return post.id


def _count_down(caller: Caller, viewer: Member, newcomer: bool, rules: Rules) -> None:
    """Counts one more of hers; raises NewcomersWait, TooMany."""
    rate = Rate(rules.at_once, rules.per_h)
    limits.take(caller.engine, "posts of", viewer.id, now=caller.now, rate=rate)
    if not newcomer:
        return
    # A bucket for each day, which within its day never fills again.
    day = f"{viewer.id} {caller.now.astimezone(dt.UTC):%Y-%m-%d}"
    try:
        limits.take(caller.engine, "newcomer", day, now=caller.now, rate=Rate(rules.newcomer_per_day, 1 / 24))
    except TooMany:
        raise NewcomersWait(
            "Until you came to a gathering here you write %(most)s times a day at most."
            " Come along, or write again tomorrow.",
            retry_after_s=86400,
            most=rules.newcomer_per_day,
        ) from None


def _count(session: Session, wanted: object) -> int:
    return session.scalar(select(func.count()).select_from(Post).where(wanted)) or 0  # type: ignore[arg-type]


def _hash(nonce: str | None) -> bytes | None:
    return None if nonce is None else hashlib.sha256(nonce.encode()).digest()
