"""Reviews over HTTP: reading, saying how it was, answering, reporting, and what operators hide."""

import datetime as dt

from fastapi import APIRouter
from sqlalchemy.orm import Session

from server.limits.callers import InCaller
from server.people import access
from server.people.model import Member
from server.requests import Id, InPage, InTransaction, Now, Number
from server.reviews import schema, things
from server.reviews import service as reviews
from server.reviews.model import Review
from server.texts import Texts

router = APIRouter(prefix="/api", tags=["reviews"])


@router.get("/venues/{venue_id}/reviews")
def list_venue_reviews(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, page: InPage, say: access.Say
) -> list[schema.ReviewOut]:
    """What members say of a place, first those who were there."""
    thing = things.venue(session, venue_id)
    seen = reviews.list_of(session, thing, viewer=viewer, now=now, page=page)
    return [schema.show(one, say, simulated=thing.simulated) for one in seen]


@router.get("/events/{event_id}/reviews")
def list_event_reviews(
    event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, page: InPage, say: access.Say
) -> list[schema.ReviewOut]:
    """What members say of a gathering, first those who were there."""
    thing = things.event(session, event_id, viewer)
    seen = reviews.list_of(session, thing, viewer=viewer, now=now, page=page)
    return [schema.show(one, say, simulated=thing.simulated) for one in seen]


@router.get("/venues/{venue_id}/rating")
def get_venue_rating(venue_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.RatingOut:
    """What those who were at a place say together."""
    del viewer
    return schema.show_rating(reviews.rating(session, things.venue(session, venue_id), now=now))


@router.get("/events/{event_id}/rating")
def get_event_rating(event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.RatingOut:
    """What those who came to a gathering say together."""
    return schema.show_rating(reviews.rating(session, things.event(session, event_id, viewer), now=now))


@router.put("/venues/{venue_id}/review")
def review_venue(
    venue_id: Id,
    wanted: schema.ReviewIn,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
) -> schema.ReviewOut:
    """Says how a place is, or says it otherwise; for members, and guests who were there."""
    thing = things.venue(session, venue_id)
    said = reviews.save(session, caller, thing, stars=wanted.stars, words=wanted.words, viewer=viewer)
    return _show(session, said, viewer, caller.now, say)


@router.put("/events/{event_id}/review")
def review_event(
    event_id: Id,
    wanted: schema.ReviewIn,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
) -> schema.ReviewOut:
    """Says how a gathering was, or says it otherwise; for who signed up or came, once it has begun."""
    thing = things.event(session, event_id, viewer)
    said = reviews.save(session, caller, thing, stars=wanted.stars, words=wanted.words, viewer=viewer)
    return _show(session, said, viewer, caller.now, say)


@router.delete("/venues/{venue_id}/review", status_code=204)
def delete_venue_review(venue_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Takes back what you said of a place, with its answer."""
    reviews.remove(session, things.once_reviewed(session, venue_id), viewer=viewer)


@router.delete("/events/{event_id}/review", status_code=204)
def delete_event_review(event_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Takes back what you said of a gathering, with its answer."""
    reviews.remove(session, things.event(session, event_id, viewer), viewer=viewer)


@router.put("/reviews/{review_id}/answer")
def answer_review(
    review_id: Number,
    wanted: schema.AnswerIn,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> schema.ReviewOut:
    """Answers a review, once; for who keeps the venue or hosts the gathering."""
    review = reviews.answer(session, review_id, words=wanted.words, viewer=viewer, now=now)
    return _show(session, review, viewer, now, say)


@router.put("/reviews/{review_id}/report", status_code=204)
def report_review(
    review_id: Number, wanted: schema.Reason, viewer: access.Viewer, session: InTransaction, caller: InCaller
) -> None:
    """Asks the operators to look at a review."""
    reviews.report(session, caller, review_id, why=wanted.why, viewer=viewer)


@router.put("/reviews/{review_id}/hiding")
def hide_review(
    review_id: Number, wanted: schema.Reason, viewer: access.Operator, session: InTransaction, now: Now, say: access.Say
) -> schema.ReviewOut:
    """Hides a review, noted; for operators, and not for whom it is about."""
    review = reviews.hide(session, review_id, why=wanted.why, viewer=viewer, now=now)
    return _show(session, review, viewer, now, say)


@router.delete("/reviews/{review_id}/hiding")
def put_back_review(
    review_id: Number, viewer: access.Operator, session: InTransaction, now: Now, say: access.Say
) -> schema.ReviewOut:
    """Shows a hidden review again, noted; for operators."""
    review = reviews.put_back(session, review_id, viewer=viewer, now=now)
    return _show(session, review, viewer, now, say)


def _show(session: Session, review: Review, viewer: Member, now: dt.datetime, say: Texts) -> schema.ReviewOut:
    simulated = things.of_review(session, review).simulated
    return schema.show(reviews.see(session, review, viewer=viewer, now=now), say, simulated=simulated)
