"""The page of one post: why it stands where it stands, and what this reader can do about it."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Posts as Rules
from server.errors import MusterError, http_status
from server.governance import votes
from server.limits.callers import InCaller
from server.pages import facts, post_facts, render
from server.pages.doors import told
from server.people import access
from server.people.model import Member
from server.posts import floating, hiding, places, voting
from server.posts import service as posts
from server.posts.hiding import What, Why
from server.posts.model import Topic
from server.requests import InSettings, InTransaction, Now, Number
from server.texts import Texts

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]

Line = Annotated[str, Form()]


@router.api_route("/posts/{post_id}", methods=READ)
def show_post(
    request: Request,
    post_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """A post with why it stands where it stands, and what this viewer can do about it."""
    return _post(request, post_id, viewer, session, settings.posts, now, say)


@router.post("/posts/{post_id}")
def act_on_post(
    request: Request,
    post_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    act: Annotated[Literal["edit", "delete", "hide", "take_back", "restore", "ask"], Form()],
    text: Line = "",
    what: Annotated[What, Form()] = "post",
    why: Annotated[Why, Form()] = "other",
) -> Response:
    """Edits, deletes, hides a post, takes that back, puts it back, or asks the community to."""
    rules, now = settings.posts, caller.now
    post = posts.get(session, post_id, viewer=viewer, rules=rules, now=now)
    there, above = post_facts.place_of(post), places.of_post(session, post).community_id
    try:
        with session.begin_nested():
            if act == "edit":
                posts.edit(session, post, text=text, by=viewer, rules=rules, now=now)
            elif act == "delete":
                posts.delete(session, post_id, by=viewer, now=now)
            elif act == "hide":
                hiding.hide(session, caller, post, what=what, why=why, viewer=viewer, rules=rules)
            elif act == "take_back":
                hiding.take_back(session, post, what=what, viewer=viewer, now=now)
            elif act == "ask":
                voting.ask(session, post, what=what, viewer=viewer, rules=rules, now=now)
            else:
                hiding.check_restores(session, post, viewer, what, now)
                hiding.restore(session, post, what=what, by=viewer.id, rules=rules, now=now)
    except MusterError as error:
        return _post(request, post_id, viewer, session, rules, now, say, error)
    if act == "ask":
        return RedirectResponse(f"/communities/{above}/votes", status_code=303)
    if act == "delete":
        emptied = post.topic_id is not None and session.get(Topic, post.topic_id) is None
        return RedirectResponse(f"/communities/{above}/topics" if emptied else there, status_code=303)
    try:
        posts.get(session, post_id, viewer=viewer, rules=rules, now=now)
    except hiding.PostUnknown:  # hers was the word that hid it
        return RedirectResponse(there, status_code=303)
    return RedirectResponse(request.url.path, status_code=303)


def _post(
    request: Request,
    post_id: int,
    viewer: Member,
    session: Session,
    rules: Rules,
    now: dt.datetime,
    say: Texts,
    error: MusterError | None = None,
) -> Response:
    post = posts.get(session, post_id, viewer=viewer, rules=rules, now=now)
    where = places.of_post(session, post)
    picture = floating.look(session, where, viewer, rules=rules, now=now)
    (seen,) = floating.see(session, picture._replace(looks=True), [post])
    newcomer = where.community_id is not None and hiding.is_newcomer_now(session, post, where, now)
    return render.page(
        request,
        "post.html",
        status_code=200 if error is None else http_status(error),
        viewer=viewer,
        post=post_facts.of(seen, rules, now, say),
        why=post_facts.why(seen, rules, now, say),
        up=post_facts.place_of(post),
        text=post.text,
        may_edit=seen.own and now < posts.edited_until(post, rules),
        edit_minutes=rules.edit_minutes,
        hosts=picture.hosts,
        newcomer=newcomer and not seen.own,
        hers=hiding.hidden_by_her(session, post, where, viewer),
        hidden_what=post_facts.hidden_what(post, picture),
        asks=where.community_id is not None
        and viewer.id in votes.voters_of(session, where.community_id, now)
        and not picture.hosts,
        whys=post_facts.whys(say),
        members_hide=rules.members_hide,
        sentence=told(error, say),
        time_zone=facts.clock_of(viewer),
    )
