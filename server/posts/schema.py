"""What the API says of topics and posts, and takes of them."""

from typing import Annotated, Any

from pydantic import Field

from config.settings import Posts as Rules
from server import names
from server.events.model import Event
from server.fields import Incoming, Moment, Name, Outgoing, Text
from server.pictures import schema as pictures_schema
from server.posts import words
from server.posts.floating import Seen, TopicSeen
from server.posts.hiding import What, Why
from server.posts.service import NONCE_MAX_LENGTH, Draft
from server.texts import Texts

PostId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class NewPost(Incoming):
    """What somebody writes. leads_to: the gathering that it asks people to. answers_to: another post there.

    picture: the id of one that was added within a day. nonce: chosen by the program, so that a post sent twice is
    written once.
    """

    text: Text = ""
    picture: Annotated[str | None, Field(max_length=names.ID_MAX_LENGTH)] = None
    leads_to: Annotated[str | None, Field(max_length=names.ID_MAX_LENGTH)] = None
    answers_to: PostId | None = None
    nonce: Annotated[str | None, Field(min_length=8, max_length=NONCE_MAX_LENGTH)] = None

    def draft(self) -> Draft:
        """As the service takes it."""
        return Draft(self.text, self.picture, self.leads_to, self.answers_to, self.nonce)


class NewTopic(NewPost):
    """A topic with its first post, which answers to nothing."""

    title: Name


class PostChange(Incoming):
    """What a post is to say instead."""

    text: Text


class Hide(Incoming):
    """What should be hidden, and why: the post alone, or all of the newcomer who wrote it."""

    what: What = "post"
    why: Why


class Restore(Incoming):
    """What is put back."""

    what: What = "post"


class HidingOut(Outgoing):
    """Whether it is hidden now."""

    hidden: bool


class PartOut(Outgoing):
    """A part of why a post stands where it stands: a sentence, and the points that it gives or takes."""

    says: str
    points: float


class WhyOut(Outgoing):
    """Why a post stands where it stands: points, and the parts that add up to them."""

    points: float
    parts: list[PartOut]


class GatheringOut(Outgoing):
    """A gathering that a post leads to."""

    id: str
    name: str


class PostOut(Outgoing):
    """A post. by: who wrote it, null where her name is not shown; yours: whether that is you.

    gone: deleted by its author, or hidden from you: only its place is left. hidden: told to its author and hosts alone.
    """

    id: int
    topic: int | None
    event: str | None
    by: str | None
    yours: bool
    newcomer: bool
    text: str
    picture: str | None
    leads_to: GatheringOut | None
    answers_to: int | None
    at: Moment
    edited_at: Moment | None
    gone: bool
    hidden: str | None
    why: WhyOut | None


class TopicOut(Outgoing):
    """A topic with the post of it that stands first, and how many posts it has."""

    id: int
    community: str
    title: str
    posts: int
    first: PostOut


def show(seen: Seen, *, rules: Rules, now: Any, say: Texts) -> PostOut:
    """A post as the API shows it."""
    post = seen.post
    gone = seen.closed or post.deleted_at is not None
    why = None
    if seen.why is not None and not gone:
        parts = words.explain(seen.why, rules=rules, now=now, say=say)
        why = WhyOut(
            points=seen.why.tenths / 10, parts=[PartOut(says=part.says, points=part.tenths / 10) for part in parts]
        )
    return PostOut(
        id=post.id,
        topic=post.topic_id,
        event=post.event_id,
        by=None if gone or seen.by is None else say.name(seen.by.name, seen.by.simulated),
        yours=seen.own,
        newcomer=seen.newcomer and not gone,
        text="" if gone else post.text,
        picture=None if gone or post.picture_id is None else pictures_schema.url_of(post.picture_id),
        leads_to=None if gone or seen.leads_to is None else _gathering(seen.leads_to, say),
        answers_to=post.answer_to,
        at=post.at,
        edited_at=None if gone else post.edited_at,
        gone=gone,
        hidden=None if seen.hidden is None else words.hidden(seen.hidden, say),
        why=why,
    )


def show_topic(seen: TopicSeen, *, rules: Rules, now: Any, say: Texts) -> TopicOut:
    """A topic as the API shows it."""
    return TopicOut(
        id=seen.topic.id,
        community=seen.topic.community_id,
        title=seen.topic.title,
        posts=seen.posts,
        first=show(seen.first, rules=rules, now=now, say=say),
    )


def _gathering(event: Event, say: Texts) -> GatheringOut:
    return GatheringOut(id=event.id, name=say.name(event.name, event.simulated))
