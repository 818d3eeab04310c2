"""Topics and posts over HTTP: reading, writing, and hiding."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from config.settings import Posts as Rules
from server import versions
from server.limits.callers import InCaller
from server.people import access
from server.people.model import Member
from server.posts import floating, hiding, places, schema
from server.posts import service as posts
from server.posts.hiding import What
from server.posts.model import Post
from server.posts.places import Where
from server.requests import Id, IfMatch, InPage, InSettings, InTransaction, Now, Number
from server.texts import Texts

router = APIRouter(prefix="/api", tags=["posts"])


@router.get("/communities/{community_id}/topics")
def list_topics(
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    page: InPage,
    say: access.Say,
) -> list[schema.TopicOut]:
    """The topics of a community, what people turn up for first, each with why; for its members and who came."""
    rules = settings.posts
    picture = floating.look(session, places.in_community(session, community_id), viewer, rules=rules, now=now)
    return [schema.show_topic(one, rules=rules, now=now, say=say) for one in floating.topics(session, picture, page)]


@router.post("/communities/{community_id}/topics", status_code=201)
def open_topic(
    community_id: Id,
    wanted: schema.NewTopic,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
) -> schema.PostOut:
    """Opens a topic with its first post, which is answered; for members of the community and guests who came."""
    post = posts.open_topic(
        session,
        caller,
        community_id=community_id,
        title=wanted.title,
        draft=wanted.draft(),
        viewer=viewer,
        rules=settings.posts,
    )
    return _show(session, post, viewer, settings.posts, caller.now, say)


@router.get("/topics/{topic_id}/posts")
def list_posts_in_topic(
    topic_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    page: InPage,
    say: access.Say,
) -> list[schema.PostOut]:
    """The posts of a topic, what people turn up for first, the answers to each under it."""
    topic = posts.get_topic(session, topic_id, viewer=viewer)
    rules = settings.posts
    picture = floating.look(session, Where(topic.community_id, None), viewer, rules=rules, now=now)
    seen = floating.posts_of(session, picture, topic_id=topic_id, page=page)
    return [schema.show(one, rules=rules, now=now, say=say) for one in seen]


@router.post("/topics/{topic_id}/posts", status_code=201)
def write_in_topic(
    topic_id: Number,
    wanted: schema.NewPost,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
) -> schema.PostOut:
    """Writes in a topic; what has the nonce of an earlier one is that one."""
    post = posts.write_in_topic(
        session, caller, topic_id=topic_id, draft=wanted.draft(), viewer=viewer, rules=settings.posts
    )
    return _show(session, post, viewer, settings.posts, caller.now, say)


@router.get("/events/{event_id}/posts")
def list_posts_at_gathering(
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    page: InPage,
    say: access.Say,
) -> list[schema.PostOut]:
    """What was written at a gathering; for who goes there or came, its hosts, and its community."""
    rules = settings.posts
    picture = floating.look(session, places.at_gathering(session, event_id, viewer), viewer, rules=rules, now=now)
    seen = floating.posts_of(session, picture, event_id=event_id, page=page)
    return [schema.show(one, rules=rules, now=now, say=say) for one in seen]


@router.post("/events/{event_id}/posts", status_code=201)
def write_at_gathering(
    event_id: Id,
    wanted: schema.NewPost,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
) -> schema.PostOut:
    """Writes at a gathering; what has the nonce of an earlier one is that one."""
    post = posts.write_at_gathering(
        session, caller, event_id=event_id, draft=wanted.draft(), viewer=viewer, rules=settings.posts
    )
    return _show(session, post, viewer, settings.posts, caller.now, say)


@router.get("/posts/{post_id}")
def get_post(
    post_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    response: Response,
    say: access.Say,
) -> schema.PostOut:
    """A post, with why it stands where it stands, and to its author and hosts with why it is hidden."""
    post = posts.get(session, post_id, viewer=viewer, rules=settings.posts, now=now)
    versions.tell(response, post)
    return _show(session, post, viewer, settings.posts, now, say)


@router.patch("/posts/{post_id}")
def change_post(
    post_id: Number,
    wanted: schema.PostChange,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    response: Response,
    say: access.Say,
    if_match: IfMatch = None,
) -> schema.PostOut:
    """Says it otherwise, within a quarter of an hour; for its author."""
    post = posts.get(session, post_id, viewer=viewer, rules=settings.posts, now=now)
    versions.edit(post, if_match)
    posts.edit(session, post, text=wanted.text, by=viewer, rules=settings.posts, now=now)
    versions.tell(response, post)
    return _show(session, post, viewer, settings.posts, now, say)


@router.delete("/posts/{post_id}", status_code=204)
def delete_post(post_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Deletes a post; where it was answered to its place stays, empty and nobody's. For its author."""
    posts.delete(session, post_id, by=viewer, now=now)


@router.put("/posts/{post_id}/hiding")
def hide_post(
    post_id: Number,
    wanted: schema.Hide,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
) -> schema.HidingOut:
    """Says that a post, or all of the newcomer who wrote it, should be hidden: three members or one host hide it."""
    post = posts.get(session, post_id, viewer=viewer, rules=settings.posts, now=caller.now)
    hidden = hiding.hide(session, caller, post, what=wanted.what, why=wanted.why, viewer=viewer, rules=settings.posts)
    return schema.HidingOut(hidden=hidden is not None)


@router.delete("/posts/{post_id}/hiding", status_code=204)
def take_back_hiding(
    post_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    what: Annotated[What, Query(description="the post, or the newcomer who wrote it")] = "post",
) -> None:
    """Takes back that you wanted something hidden."""
    hiding.take_back(session, hiding.find(session, post_id), what=what, viewer=viewer, now=now)


@router.post("/posts/{post_id}/restore", status_code=204)
def restore_post(
    post_id: Number,
    wanted: schema.Restore,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> None:
    """Puts back what is hidden; from then on only hosts hide it. For hosts of the community or the gathering,
    but of what they wrote themselves."""
    post = posts.get(session, post_id, viewer=viewer, rules=settings.posts, now=now)
    hiding.check_restores(session, post, viewer, wanted.what, now)
    hiding.restore(session, post, what=wanted.what, by=viewer.id, rules=settings.posts, now=now)


def _show(session: Session, post: Post, viewer: Member, rules: Rules, now: dt.datetime, say: Texts) -> schema.PostOut:
    picture = floating.look(session, places.of_post(session, post), viewer, rules=rules, now=now)
    (seen,) = floating.see(session, picture._replace(looks=True), [post])
    return schema.show(seen, rules=rules, now=now, say=say)
