"""What is seen first, and why: gathers what ranking needs, and what of the posts a viewer sees."""

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Posts as Rules
from server import paging
from server.consent import reading
from server.events.model import Event
from server.people.model import Member
from server.posts import hiding, places, ranking, turnout_of
from server.posts.hidden_by import Hidden
from server.posts.model import Post, Topic
from server.posts.places import Where
from server.posts.ranking import Posted, Why
from server.turnout import service as turnout

Named = TypeVar("Named", Member, Event)

MOST_RANKED = 1000  # of a community, the newest: what is older has sunk, unless somebody looks for it
TOPICS, POSTS, THREADS = "floating topics", "floating posts", "floating threads"  # the names of the lists' orders


class Seen(NamedTuple):
    """A post as a viewer sees it. by: who wrote it, None where her name is not shown.

    closed: hidden, and the viewer is neither its author nor a host; only its place is seen. hidden: whom it concerns
    sees it with why. why: None of what is not ranked, being hidden, deleted or long ago. newcomer: who wrote it has
    still come to nothing there.
    """

    post: Post
    by: Member | None
    newcomer: bool
    own: bool
    closed: bool
    hidden: Hidden | None
    leads_to: Event | None
    why: Why | None


class TopicSeen(NamedTuple):
    """A topic with the post of it that stands first, and how many posts it has."""

    topic: Topic
    first: Seen
    posts: int


class Picture(NamedTuple):
    """All of a community, or of a gathering that is open to all, as one viewer sees it at one moment.

    why: of what is ranked, in its order. posts: the newest MOST_RANKED. members: newcomers who are hidden.
    """

    where: Where
    viewer: Member
    hosts: bool
    names: bool
    why: dict[int, Why]
    posts: list[Post]
    hidden: dict[int, Hidden]
    members: dict[str, Hidden]
    looks: bool = False  # she opened what is hidden, to judge it

    def hidden_of(self, post: Post) -> Hidden | None:
        """Who hides a post, None if nobody does."""
        return self.hidden.get(post.id) or self.members.get(post.member_id or "")

    def is_open(self, post: Post) -> bool:
        """Whether this viewer may read it: not what was deleted, what is hidden only if it is hers, or she hosts."""
        if post.deleted_at is not None:
            return False
        return self.hosts or self.looks or post.member_id == self.viewer.id or self.hidden_of(post) is None


def look(session: Session, where: Where, viewer: Member, *, rules: Rules, now: dt.datetime) -> Picture:
    """Reads and ranks the posts of a scope. Raises JoinFirst, SignUpFirst."""
    places.check_reads(session, viewer, where)
    rows = session.scalars(
        select(Post)
        .outerjoin(Topic, Topic.id == Post.topic_id)
        .outerjoin(Event, Event.id == Post.event_id)
        .where(where.holds, Post.deleted_at.is_(None))
        .order_by(Post.id.desc())
        .limit(MOST_RANKED)
    )
    picture = Picture(
        where,
        viewer,
        places.hosts(session, viewer, where, now),
        places.sees_names(session, viewer, where),
        {},
        list(rows),
        hiding.hidden_posts(session, where, rules=rules),
        {} if where.community_id is None else hiding.hidden_newcomers(session, where.community_id, rules=rules),
    )
    ranked = [
        Posted(post.id, post.member_id, post.at, post.leads_to or post.event_id)
        for post in picture.posts
        if post.member_id is not None and picture.hidden_of(post) is None
    ]
    events = {post.leads_to for post in ranked if post.leads_to is not None}
    comings = turnout_of.came(session, events, rules=rules, now=now)
    return picture._replace(why=ranking.rank(ranked, comings, rules=rules, now=now))


def topics(session: Session, picture: Picture, page: paging.Page = paging.EVERYTHING) -> list[TopicSeen]:
    """The topics of a community, the one whose best post stands first of all first."""
    by_topic: dict[int, list[Post]] = {}
    for post in picture.posts:
        if post.topic_id is not None and picture.is_open(post):
            by_topic.setdefault(post.topic_id, []).append(post)
    place = _places(picture)
    # What is not ranked, since it is hidden, stands behind all that is.
    best = {
        topic_id: min(posts, key=lambda post: place.get(post.id, len(place))) for topic_id, posts in by_topic.items()
    }
    rows = page.sort(best.items(), TOPICS, lambda row: (place.get(row[1].id, len(place)), -row[0]))
    seen = {one.post.id: one for one in see(session, picture, [post for _, post in rows])}
    named = {topic.id: topic for topic in session.scalars(select(Topic).where(Topic.id.in_(best)))}
    return [TopicSeen(named[topic_id], seen[post.id], len(by_topic[topic_id])) for topic_id, post in rows]


def posts_of(
    session: Session,
    picture: Picture,
    *,
    topic_id: int | None = None,
    event_id: str | None = None,
    page: paging.Page = paging.EVERYTHING,
) -> list[Seen]:
    """The posts of a topic or a gathering: the best first, the answers to each under it as they came.

    What was deleted or hidden keeps its place where it was answered to.
    """
    threads = _threads(session, picture, topic_id, event_id)
    numbered = [(number, post) for number, thread in enumerate(threads) for post in thread]
    ordered = page.sort(numbered, POSTS, lambda row: (row[0], row[1].id))
    return see(session, picture, [post for _, post in ordered])


def threads_of(
    session: Session,
    picture: Picture,
    *,
    topic_id: int | None = None,
    event_id: str | None = None,
    page: paging.Page = paging.EVERYTHING,
) -> list[list[Seen]]:
    """The same by whole threads, so that a page never parts a post from its answers."""
    numbered = enumerate(_threads(session, picture, topic_id, event_id))
    threads = [thread for _, thread in page.sort(numbered, THREADS, lambda row: (row[0], row[1][0].id))]
    seen = {one.post.id: one for one in see(session, picture, [post for thread in threads for post in thread])}
    return [[seen[post.id] for post in thread] for thread in threads]


def _threads(session: Session, picture: Picture, topic_id: int | None, event_id: str | None) -> list[list[Post]]:
    """The posts that this viewer sees a place of: each with its answers, which are younger, the best thread first."""
    inside = Post.topic_id == topic_id if topic_id is not None else Post.event_id == event_id
    rows = list(session.scalars(select(Post).where(inside).order_by(Post.id.desc()).limit(MOST_RANKED)))
    answered = {post.answer_to for post in rows if picture.is_open(post)}
    shown = [post for post in rows if picture.is_open(post) or post.id in answered]
    place = _places(picture)
    threads: dict[int, list[Post]] = {}
    for post in sorted(shown, key=lambda post: post.id):
        threads.setdefault(post.answer_to or post.id, []).append(post)
    best = {head: min(place.get(post.id, len(place)) for post in thread) for head, thread in threads.items()}
    return [threads[head] for head in sorted(threads, key=lambda head: (best[head], -head))]


def see(session: Session, picture: Picture, posts: Collection[Post]) -> list[Seen]:
    """These posts as the viewer sees them, with what it takes to show them read at once."""
    viewer = picture.viewer
    authors = _by_id(session, Member, {post.member_id for post in posts})
    said = reading.said_by(session, authors) if authors else {}
    gatherings = _by_id(session, Event, {post.leads_to for post in posts})
    community_id, event_id = picture.where.scope
    newcomers = {post.member_id for post in posts if post.newcomer and post.member_id is not None}
    came = turnout.ever_came(session, newcomers, community_id=community_id, event_id=event_id)
    found = []
    for post in posts:
        own = post.member_id == viewer.id
        named = own or (picture.names and not said.get(post.member_id or "", reading.Said()).paused)
        hidden = picture.hidden_of(post)
        found.append(
            Seen(
                post,
                authors.get(post.member_id or "") if named else None,
                post.newcomer and post.member_id not in came,
                own,
                hidden is not None and not picture.is_open(post),
                hidden if picture.is_open(post) else None,
                gatherings.get(post.leads_to or ""),
                picture.why.get(post.id),
            )
        )
    return found


def _places(picture: Picture) -> dict[int, int]:
    return {post_id: number for number, post_id in enumerate(picture.why)}


def _by_id(session: Session, kind: type[Named], ids: Collection[str | None]) -> dict[str, Named]:
    wanted = [one for one in ids if one is not None]
    return {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(wanted)))} if wanted else {}
