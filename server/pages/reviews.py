"""What people say of a venue or a gathering: the list, saying it oneself, answering, reporting, and hiding."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import paging
from server.errors import MusterError, http_status
from server.limits.callers import InCaller
from server.pages import facts, render
from server.pages.doors import told
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.requests import Id, InPage, InTransaction, Now, Number
from server.reviews import service as reviews
from server.reviews import things, words
from server.reviews.service import Seen, Why
from server.reviews.things import Thing
from server.texts import Texts

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
FIRST = 3  # on the page of what they are about: enough to know whether to read on
Line = Annotated[str, Form(max_length=4 * reviews.WORDS_MAX_LENGTH)]


@router.api_route("/venues/{venue_id}/reviews", methods=READ)
def show_venue_reviews(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    page: InPage,
    say: access.Say,
) -> Response:
    """What people say of a place."""
    return _page(request, session, viewer, things.venue(session, venue_id), now, say, page)


@router.api_route("/events/{event_id}/reviews", methods=READ)
def show_event_reviews(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    page: InPage,
    say: access.Say,
) -> Response:
    """What people say of a gathering."""
    return _page(request, session, viewer, things.event(session, event_id, viewer), now, say, page)


@router.post("/venues/{of_id}/reviews")
@router.post("/events/{of_id}/reviews")
def say_how_it_was(
    request: Request,
    of_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
    act: Annotated[Literal["say", "delete"], Form()] = "say",
    stars: Annotated[int, Form(ge=1, le=5)] = 5,
    said: Line = "",
) -> Response:
    """Keeps what she says of it, or takes it back."""
    of_venue = request.url.path.startswith("/venues/")
    if of_venue and act == "delete" and not things.is_reviewed(session, of_id):
        reviews.remove(session, things.once_reviewed(session, of_id), viewer=viewer)
        return RedirectResponse(f"/venues/{of_id}", status_code=303)  # nobody reads there what others said
    thing = things.venue(session, of_id) if of_venue else things.event(session, of_id, viewer)
    try:
        with session.begin_nested():
            if act == "delete":
                reviews.remove(session, thing, viewer=viewer)
            else:
                reviews.save(session, caller, thing, stars=stars, words=said, viewer=viewer)
    except MusterError as refused:
        typed = {"stars": stars, "words": said}
        page = paging.Page(paging.DEFAULT)
        return _page(request, session, viewer, thing, caller.now, say, page, refused=refused, typed=typed)
    return RedirectResponse(f"{thing.path}/reviews", status_code=303)


@router.post("/reviews/{review_id}")
def act_on_review(
    request: Request,
    review_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
    act: Annotated[Literal["answer", "report", "hide", "put_back"], Form()],
    said: Line = "",
    why: Annotated[Why, Form()] = "other",
) -> Response:
    """Answers it, reports it, hides it, puts it back."""
    thing = things.of_review(session, reviews.get(session, review_id, viewer))
    try:
        with session.begin_nested():
            if act == "answer":
                reviews.answer(session, review_id, words=said, viewer=viewer, now=caller.now)
            elif act == "report":
                reviews.report(session, caller, review_id, why=why, viewer=viewer)
            elif act == "hide":
                reviews.hide(session, review_id, why=why, viewer=viewer, now=caller.now)
            else:
                reviews.put_back(session, review_id, viewer=viewer, now=caller.now)
    except MusterError as refused:
        page = paging.Page(paging.DEFAULT)
        return _page(request, session, viewer, thing, caller.now, say, page, refused=refused)
    done = "?reported=true" if act == "report" else ""
    return RedirectResponse(f"{thing.path}/reviews{done}#review-{review_id}", status_code=303)


def summary(session: Session, thing: Thing, viewer: Member | None, now: dt.datetime, say: Texts) -> Fact:
    """What stands of it on the page of what they are about."""
    rating = reviews.rating(session, thing, now=now)
    first = reviews.list_of(session, thing, viewer=viewer, now=now, page=paging.Page(FIRST))
    return {
        "path": f"{thing.path}/reviews",
        "rating": rating._asdict(),
        "total": rating.there + rating.others,
        "first": [_review(one, thing, say) for one in first],
        "may": viewer is not None and _may(session, thing, viewer, now),
        "mine": viewer is not None and reviews.find_own(session, thing, viewer.id) is not None,
    }


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    thing: Thing,
    now: dt.datetime,
    say: Texts,
    page: paging.Page,
    *,
    refused: MusterError | None = None,
    typed: Fact | None = None,
) -> Response:
    found, next_cursor = paging.with_next(
        page, lambda page: reviews.list_of(session, thing, viewer=viewer, now=now, page=page)
    )
    own = reviews.find_own(session, thing, viewer.id)
    kept = {"stars": 5, "words": ""} if own is None else {"stars": own.stars, "words": own.words}
    shown = []
    for one in found:
        whys = reviews.reports_of(session, one.review.id) if viewer.operator else []
        shown.append(_review(one, thing, say) | {"reports": [say.gettext(words.WHYS[why]) for why in whys]})
    return render.page(
        request,
        "reviews.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        name=say.name(thing.name, thing.simulated),
        up=thing.path,
        rating=reviews.rating(session, thing, now=now)._asdict(),
        reviews=shown,
        next_cursor=next_cursor,
        may=own is not None or _may(session, thing, viewer, now),
        mine=own is not None,
        beside=words.of_mark(reviews.mark_of(session, thing, viewer, now), say),
        typed=typed or kept,
        answers=things.answers(session, thing, viewer),
        operator=viewer.operator,
        whys=[(why, say.gettext(sentence)) for why, sentence in words.WHYS.items()],
        says=told(refused, say),
        reported="reported" in request.query_params,
        time_zone=facts.clock_of(viewer),
    )


def _may(session: Session, thing: Thing, viewer: Member, now: dt.datetime) -> bool:
    try:
        things.check_reviews(session, thing, viewer, reviews.mark_of(session, thing, viewer, now), now)
    except MusterError:
        return False
    return True


def _review(one: Seen, thing: Thing, say: Texts) -> Fact:
    review = one.review
    return {
        "id": review.id,
        "stars": review.stars,
        "words": say.name(review.words, thing.simulated),
        "author": words.of_author(one, say, simulated=thing.simulated),
        "own": one.own,
        "there": one.mark.there,
        "mark": words.of_mark(one.mark, say),
        "at": review.at,
        "edited": review.edited_at is not None,
        "answer": say.name(review.answer, thing.simulated),
        # What the answer answers may have been another text.
        "changed_since": review.answered_at is not None
        and review.edited_at is not None
        and review.edited_at > review.answered_at,
        "hidden": review.hidden_at is not None,
        "hidden_why": say.gettext(words.WHYS[review.hidden_why]) if review.hidden_why else "",
    }
