"""Topics, and what is said in one or at a gathering: plain forms, a picture from a phone's camera among them."""

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Posts as Rules
from server import paging
from server.communities import service as communities
from server.communities.rights import JoinFirst
from server.errors import Invalid, MusterError, http_status
from server.events import service as events
from server.events.model import Event, SignUp, Step
from server.events.states import SignUpState, State
from server.governance import votes
from server.limits.callers import InCaller
from server.limits.service import Caller
from server.pages import facts, post_facts, render
from server.pages.doors import told
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.pictures import service as pictures
from server.posts import floating, places
from server.posts import service as posts
from server.posts.model import Post
from server.posts.places import Where
from server.posts.service import Draft
from server.requests import Id, InPage, InSettings, InTransaction, Now, Number
from server.texts import Texts

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
CHOICES = 30  # of gatherings that a post may lead to: more than anybody scrolls through
HIDDEN_SHOWN = 50  # to look at and judge; more is an evening's work

Sent = Annotated[UploadFile | None, File()]
Line = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class Written:
    """What a form to write says, as it was typed."""

    text: Line = ""
    leads_to: Line = ""
    answers_to: Line = ""
    nonce: Line = ""
    picture: Sent = None

    @property
    def typed(self) -> Fact:
        """What the form begins with once more."""
        return {"text": self.text, "leads_to": self.leads_to, "answers_to": self.answers_to}

    def draft(self, session: Session, caller: Caller, viewer: Member) -> Draft:
        """The post that is meant, its picture kept; raises Invalid, and what `pictures.take_sent` does."""
        answers_to = self.answers_to
        if answers_to and not (answers_to.isascii() and answers_to.isdecimal() and len(answers_to) < 19):
            raise Invalid("This answers to nothing that is there.")
        kept = pictures.take_sent(session, caller, None if self.picture is None else self.picture.file, by=viewer.id)
        return Draft(
            self.text,
            None if kept is None else kept.id,
            self.leads_to or None,
            int(answers_to) if answers_to else None,
            self.nonce[: posts.NONCE_MAX_LENGTH] or None,
        )


@router.api_route("/communities/{community_id}/topics", methods=READ)
def show_topics(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """What floats in a community, and a form for a new topic; who does not belong to it may join."""
    return _topics(request, community_id, viewer, session, settings.posts, now, say, page)


@router.post("/communities/{community_id}/topics")
def open_topic(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    page: InPage,
    written: Annotated[Written, Depends()],
    title: Line = "",
    join: Line = "",
) -> Response:
    """Opens a topic with its first post, or joins the community."""
    rules = settings.posts
    if join:
        communities.join(session, community_id=community_id, member_id=viewer.id, now=caller.now)
        return RedirectResponse(request.url.path, status_code=303)
    try:
        with session.begin_nested():
            draft = written.draft(session, caller, viewer)
            post = posts.open_topic(
                session, caller, community_id=community_id, title=title, draft=draft, viewer=viewer, rules=rules
            )
    except MusterError as error:
        typed = written.typed | {"title": title}
        return _topics(request, community_id, viewer, session, rules, caller.now, say, page, error, typed)
    return RedirectResponse(f"/topics/{post.topic_id}", status_code=303)


@router.api_route("/topics/{topic_id}", methods=READ)
def show_topic(
    request: Request,
    topic_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """The posts of a topic, and a form to write there."""
    return _talk(request, viewer, session, settings.posts, now, say, page, topic_id=topic_id)


@router.post("/topics/{topic_id}")
def write_in_topic(
    request: Request,
    topic_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    page: InPage,
    written: Annotated[Written, Depends()],
) -> Response:
    """Writes in a topic, or answers there."""
    write = partial(posts.write_in_topic, topic_id=topic_id)
    return _write(request, viewer, session, settings.posts, caller, say, page, written, write, topic_id=topic_id)


@router.api_route("/events/{event_id}/posts", methods=READ)
def show_gathering(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """What was said at a gathering, and a form to write there."""
    return _talk(request, viewer, session, settings.posts, now, say, page, event_id=event_id)


@router.post("/events/{event_id}/posts")
def write_at_gathering(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    page: InPage,
    written: Annotated[Written, Depends()],
) -> Response:
    """Writes at a gathering, or answers there."""
    write = partial(posts.write_at_gathering, event_id=event_id)
    return _write(request, viewer, session, settings.posts, caller, say, page, written, write, event_id=event_id)


def _write(
    request: Request,
    viewer: Member,
    session: Session,
    rules: Rules,
    caller: Caller,
    say: Texts,
    page: paging.Page,
    written: Written,
    write: Callable[..., Post],
    **there: Any,
) -> Response:
    try:
        with session.begin_nested():
            post = write(session, caller, draft=written.draft(session, caller, viewer), viewer=viewer, rules=rules)
    except MusterError as error:
        return _talk(request, viewer, session, rules, caller.now, say, page, error, written.typed, **there)
    # An answer stands where she read what she answers to.
    back = _address(request, page) if post.answer_to is not None else request.url.path
    return RedirectResponse(f"{back}#post-{post.id}", status_code=303)


def _address(request: Request, page: paging.Page) -> str:
    """This page of its list, so that what is written on it comes back to it."""
    return request.url.path if page.cursor is None else f"{request.url.path}?{urlencode({'cursor': page.cursor})}"


def _topics(
    request: Request,
    community_id: str,
    viewer: Member,
    session: Session,
    rules: Rules,
    now: dt.datetime,
    say: Texts,
    page: paging.Page,
    error: MusterError | None = None,
    typed: Fact | None = None,
) -> Response:
    community = communities.get(session, community_id)
    where = Where(community.id, None)
    found: list[Fact] = []
    closed, next_cursor = False, None
    try:
        picture = floating.look(session, where, viewer, rules=rules, now=now)
    except JoinFirst:
        closed, error = True, None
    else:
        topics, next_cursor = paging.with_next(page, lambda page: floating.topics(session, picture, page))
        for topic in topics:
            first = post_facts.of(topic.first, rules, now, say)
            title = say.name(topic.topic.title, community.simulated)
            found.append({"id": topic.topic.id, "title": title, "posts": topic.posts, "first": first})
    return render.page(
        request,
        "topics.html",
        status_code=200 if error is None else http_status(error),
        viewer=viewer,
        community={"id": community.id, "name": say.name(community.name, community.simulated)},
        topics=found,
        first=page.cursor is None,
        next_cursor=next_cursor,
        closed=closed,
        form=_form(session, viewer, where, now, say, typed, named=True),
        sentence=told(error, say),
        time_zone=facts.clock_of(viewer),
    )


def _talk(
    request: Request,
    viewer: Member,
    session: Session,
    rules: Rules,
    now: dt.datetime,
    say: Texts,
    page: paging.Page,
    error: MusterError | None = None,
    typed: Fact | None = None,
    *,
    topic_id: int | None = None,
    event_id: str | None = None,
) -> Response:
    if topic_id is not None:
        topic = posts.get_topic(session, topic_id, viewer=viewer)
        where = Where(topic.community_id, None)
        community = communities.get(session, topic.community_id)
        heading = say.name(topic.title, community.simulated)
        name = say.name(community.name, community.simulated)
        up = {"href": f"/communities/{community.id}/topics", "name": name}
    else:
        event = events.get_seen(session, event_id or "", viewer)
        where = places.at_gathering(session, event.id, viewer)
        heading = say.name(event.name, event.simulated)
        up = {"href": f"/events/{event.id}", "name": say.gettext("To the gathering")}
    picture = floating.look(session, where, viewer, rules=rules, now=now)
    threads, next_cursor = paging.with_next(
        page, lambda page: floating.threads_of(session, picture, topic_id=topic_id, event_id=event_id, page=page)
    )
    shown = [[post_facts.of(one, rules, now, say) for one in thread] for thread in threads]
    return render.page(
        request,
        "talk.html",
        status_code=200 if error is None else http_status(error),
        viewer=viewer,
        heading=heading,
        up=up,
        gathering=event_id is not None,
        path=request.url.path,
        action=_address(request, page),
        threads=[{**head, "answers": answers} for head, *answers in shown],
        first=page.cursor is None,
        next_cursor=next_cursor,
        hidden=_hidden(session, picture, topic_id, event_id, now) if page.cursor is None else [],
        form=_form(session, viewer, where, now, say, typed, named=False),
        sentence=told(error, say),
        time_zone=facts.clock_of(viewer),
    )


def _hidden(
    session: Session, picture: floating.Picture, topic_id: int | None, event_id: str | None, now: dt.datetime
) -> list[int]:
    """The posts that are hidden here, for those whose word may put them back."""
    found = [
        post.id
        for post in picture.posts
        if (post.topic_id, post.event_id) == (topic_id, event_id) and not picture.is_open(post)
    ]
    community_id = picture.where.community_id
    if not found or community_id is None or picture.viewer.id not in votes.voters_of(session, community_id, now):
        return []
    return found[:HIDDEN_SHOWN]


def _form(
    session: Session, viewer: Member, where: Where, now: dt.datetime, say: Texts, typed: Fact | None, *, named: bool
) -> Fact:
    """What a form to write begins with. named: it asks for a title."""
    mine = select(SignUp.event_id).where(SignUp.member_id == viewer.id, SignUp.state == SignUpState.GOING)
    own = or_(Event.organizer_id == viewer.id, Event.id.in_(mine))
    alone = Event.community_id.is_(None) & own
    hers = alone if where.community_id is None else or_(Event.community_id == where.community_id, alone)
    ends = select(func.max(Step.ends_at)).where(Step.event_id == Event.id).scalar_subquery()
    rows = session.scalars(
        select(Event).where(hers, ends > now, Event.state == State.PUBLISHED).order_by(ends, Event.id).limit(CHOICES)
    )
    choices = [{"id": event.id, "name": say.name(event.name, event.simulated)} for event in rows]
    empty = {"title": "", "text": "", "leads_to": "", "answers_to": ""}
    return {**empty, **(typed or {}), "named": named, "choices": choices, "nonce": secrets.token_hex(8)}
