"""Keeps what members say of venues and gatherings, answers, and reports; lists it, those first who were there."""

import datetime as dt
from collections.abc import Collection
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names, paging, times
from server.audit import service as audit
from server.communities import service as communities
from server.consent import reading as consent
from server.consent import rules
from server.consent.rules import Kind, Level, Viewer
from server.errors import Conflict, Invalid, NotFound, Refused
from server.inbox import service as inbox
from server.inbox import words as inbox_words
from server.limits import service as limits
from server.limits.service import Caller, Rate
from server.people import access, roles
from server.people.model import Member
from server.reviews import marks, things, weighing
from server.reviews.model import Review, ReviewReport
from server.reviews.things import Thing
from server.reviews.weighing import Mark, Rating
from server.texts import later

Why = Literal["advert", "unkind", "untrue", "elsewhere", "other"]
WORDS_MAX_LENGTH = 1000
ANSWER_MAX_LENGTH = 500
# Of one member in a day: who was there may have been to a rally of ten shops; who was not says what she has heard.
PROVEN_PER_DAY = 20
UNPROVEN_PER_DAY = 3
# Of one thing in a day by people who were not there: a crowd that was sent is read tomorrow, and counts never.
UNPROVEN_OF_ONE_PER_DAY = 10
REPORTS_PER_DAY = 5
_LISTED = "reviews"


class ReviewUnknown(NotFound):
    """There is no such review, or not any more."""

    code = "review_unknown"


class NotYoursToAnswer(Refused):
    """Who keeps a venue or hosts a gathering answers what is said of it."""

    code = "not_yours_to_answer"


class AnsweredAlready(Conflict):
    """This has its answer: one is enough, and it stays."""

    code = "review_answered"


class OwnReview(Refused):
    """This is yours: change or delete it."""

    code = "own_review"


class Seen(NamedTuple):
    """A review as a viewer sees it. name: None where she does not show it to the viewer. own: it is the viewer's."""

    review: Review
    mark: Mark
    name: str | None
    own: bool


def save(session: Session, caller: Caller, thing: Thing, *, stars: int, words: str, viewer: Member) -> Review:
    """Says how it was, or says it otherwise; a retry is as once.

    Raises what things.check_reviews raises, TooMany, Invalid.
    """
    now = caller.now
    mark = mark_of(session, thing, viewer, now)
    things.check_reviews(session, thing, viewer, mark, now)
    said = names.check_text(words, "review", WORDS_MAX_LENGTH)
    before = find_own(session, thing, viewer.id)
    if before is None:
        _count(caller, thing, viewer.id, mark)
    elif (before.stars, before.words) == (stars, said):
        return before
    row = insert(Review).values(
        venue_id=thing.venue_id, event_id=thing.event_id, member_id=viewer.id, stars=stars, words=said, at=now
    )
    once = "uq_review_of_event" if thing.event_id is not None else "uq_review_of_venue"
    kept = row.on_conflict_do_update(constraint=once, set_={"stars": stars, "words": said, "edited_at": now})
    made = session.scalars(kept.returning(Review.id)).one()
    if before is None:
        _tell_said(session, thing, made, now)
    return session.get_one(Review, made, populate_existing=True)


def remove(session: Session, thing: Thing, *, viewer: Member) -> None:
    """Takes her review back, with its answer; of a hidden one that it is hidden stays. Raises ReviewUnknown."""
    own = find_own(session, thing, viewer.id)
    review = None if own is None else constraints.read(session, Review, own.id, to_edit=True)
    if review is None:
        raise ReviewUnknown
    if review.hidden_at is None:
        session.delete(review)
    else:  # or it would come back as a new one that nobody has hidden
        review.words = review.answer = ""
        review.answered_at = review.answered_by = None
    session.flush()


def find_own(session: Session, thing: Thing, member_id: str) -> Review | None:
    """What she said of it."""
    return session.scalar(select(Review).where(thing.holds, Review.member_id == member_id))


def get(session: Session, review_id: int, viewer: Member, *, to_edit: bool = False) -> Review:
    """A review that she may read; raises ReviewUnknown."""
    found = constraints.read(session, Review, review_id, to_edit=to_edit)
    if found is None or (found.hidden_at is not None and not viewer.operator and found.member_id != viewer.id):
        raise ReviewUnknown
    if found.event_id is not None:
        things.event(session, found.event_id, viewer)
    return found


def list_of(
    session: Session, thing: Thing, *, viewer: Member | None, now: dt.datetime, page: paging.Page = paging.EVERYTHING
) -> list[Seen]:
    """What was said of it, first by who was there; what is hidden for operators and its author alone.

    viewer: None of a stranger, who reads no names.
    """
    rows = list(session.scalars(select(Review).where(thing.holds, _readable(viewer))))
    by = _marks(session, thing, {row.member_id for row in rows}, now)
    found = page.sort(rows, _LISTED, lambda row: weighing.place(by.get(row.member_id, marks.NOT_THERE), row.id))
    named = names_shown(session, thing, {row.member_id for row in found}, viewer=viewer, now=now)
    return [_seen(row, by, named, viewer) for row in found]


def see(session: Session, review: Review, *, viewer: Member, now: dt.datetime) -> Seen:
    """One review as she sees it."""
    thing = things.of_review(session, review)
    by = _marks(session, thing, {review.member_id}, now)
    return _seen(review, by, names_shown(session, thing, {review.member_id}, viewer=viewer, now=now), viewer)


def mark_of(session: Session, thing: Thing, viewer: Member, now: dt.datetime) -> Mark:
    """What stands, or would stand, beside her own review."""
    return _marks(session, thing, {viewer.id}, now).get(viewer.id, marks.NOT_THERE)


def rating(session: Session, thing: Thing, *, now: dt.datetime) -> Rating:
    """What those who were there say together."""
    rows = session.execute(select(Review.member_id, Review.stars).where(thing.holds, Review.hidden_at.is_(None))).all()
    by = _marks(session, thing, {row.member_id for row in rows}, now)
    return weighing.rate((row.stars, by.get(row.member_id, marks.NOT_THERE)) for row in rows)


def answer(session: Session, review_id: int, *, words: str, viewer: Member, now: dt.datetime) -> Review:
    """Answers a review, once; a retry is as once. Raises ReviewUnknown, NotYoursToAnswer, AnsweredAlready, Invalid."""
    review = get(session, review_id, viewer, to_edit=True)
    thing = things.of_review(session, review)
    if not things.answers(session, thing, viewer):
        raise NotYoursToAnswer
    said = names.check_text(words, "answer", ANSWER_MAX_LENGTH)
    if not said:
        raise Invalid("Write a line first.")
    if review.answered_at is not None:
        if review.answer == said:
            return review
        raise AnsweredAlready
    review.answer, review.answered_at, review.answered_by = said, now, viewer.id
    session.flush()
    _tell_author(
        session, review, thing, "answered", later("%(thing)s answered what you said of it."), str(review.id), now
    )
    return review


def report(session: Session, caller: Caller, review_id: int, *, why: Why, viewer: Member) -> None:
    """Asks the operators to look at it; twice is as once. Raises ReviewUnknown, OwnReview, TooMany."""
    review = get(session, review_id, viewer)
    if review.member_id == viewer.id:
        raise OwnReview
    if session.get(ReviewReport, (review_id, viewer.id)) is not None:
        return
    rate = Rate(REPORTS_PER_DAY, REPORTS_PER_DAY / 24)
    limits.take(caller.engine, "review reports of", viewer.id, now=caller.now, rate=rate)
    row = insert(ReviewReport).values(review_id=review_id, member_id=viewer.id, why=why, at=caller.now)
    session.execute(row.on_conflict_do_nothing())
    thing = things.of_review(session, review)
    inbox.tell(
        session,
        [operator.id for operator in roles.operators(session)],
        kind="review.reported",
        of=f"review/{review_id}",
        sentence=later("Somebody asks you to look at a review of %(thing)s."),
        values={"thing": inbox_words.named(thing.name, thing.simulated)},
        link=f"{thing.path}/reviews#review-{review_id}",
        now=caller.now,
    )


def reports_of(session: Session, review_id: int) -> list[str]:
    """Why it was reported, each reason once, for operators."""
    return sorted(set(session.scalars(select(ReviewReport.why).where(ReviewReport.review_id == review_id))))


def hide(session: Session, review_id: int, *, why: Why, viewer: Member, now: dt.datetime) -> Review:
    """Hides a review, noted; twice is as once. Whoever it is about may not. Raises OperatorsOnly, ReviewUnknown."""
    review = _get_to_moderate(session, review_id, viewer)
    if review.hidden_at is None:
        review.hidden_at, review.hidden_by, review.hidden_why = now, viewer.id, why
        thing = things.of_review(session, review)
        audit.note(session, "review.hidden", of=thing.subject, by=viewer.id, now=now, review=review_id, why=why)
        sentence = later("What you said of %(thing)s is hidden by who runs this server. Look why.")
        _tell_author(session, review, thing, "hidden", sentence, now.isoformat(), now)
    return review


def put_back(session: Session, review_id: int, *, viewer: Member, now: dt.datetime) -> Review:
    """Shows a review again, noted; raises OperatorsOnly, ReviewUnknown."""
    review = _get_to_moderate(session, review_id, viewer)
    if review.hidden_at is not None:
        review.hidden_at, review.hidden_by, review.hidden_why = None, None, ""
        thing = things.of_review(session, review)
        audit.note(session, "review.put_back", of=thing.subject, by=viewer.id, now=now, review=review_id)
        _tell_author(
            session,
            review,
            thing,
            "put_back",
            later("What you said of %(thing)s is shown again."),
            now.isoformat(),
            now,
        )
    return review


def names_shown(
    session: Session, thing: Thing, member_ids: Collection[str], *, viewer: Member | None, now: dt.datetime
) -> dict[str, str]:
    """The names of those of these who show them to people at the place, or to the community that she belongs to.

    People at the place are who was there herself: nobody else was meant by it.
    """
    if viewer is None or not member_ids:
        return {}
    viewers: list[Viewer] = []
    if mark_of(session, thing, viewer, now).there:
        viewers += [Viewer(Kind.PEOPLE, venue_id) for venue_id in thing.venue_ids]
    if thing.community_id is not None and communities.belongs(
        session, community_id=thing.community_id, member_id=viewer.id
    ):
        viewers.append(Viewer(Kind.COMMUNITY, thing.community_id))
    at_ms = times.to_ms(now)
    said = consent.said_by(session, sorted(member_ids))
    seen = [
        member_id
        for member_id, hers in said.items()
        if any(rules.level(hers.grants, hers.paused, one, at_ms) is Level.NAME for one in viewers)
    ]
    return dict(session.execute(select(Member.id, Member.name).where(Member.id.in_(seen))).all())


def _readable(viewer: Member | None) -> ColumnElement[bool]:
    if viewer is None:
        return Review.hidden_at.is_(None)
    if viewer.operator:
        return Review.id.is_not(None)
    return or_(Review.hidden_at.is_(None), Review.member_id == viewer.id)


def _seen(row: Review, by: dict[str, Mark], named: dict[str, str], viewer: Member | None) -> Seen:
    own = viewer is not None and row.member_id == viewer.id
    return Seen(row, by.get(row.member_id, marks.NOT_THERE), named.get(row.member_id), own)


def _marks(session: Session, thing: Thing, member_ids: Collection[str], now: dt.datetime) -> dict[str, Mark]:
    found = marks.all_of(session, venue_id=thing.venue_id, event_id=thing.event_id, member_ids=member_ids, now=now)
    return dict(found)


def _count(caller: Caller, thing: Thing, member_id: str, mark: Mark) -> None:
    """Raises TooMany when she, or people who were not there, said enough today."""
    most = PROVEN_PER_DAY if mark.there else UNPROVEN_PER_DAY
    purpose = "reviews of who was there" if mark.there else "reviews of who was not there"
    limits.take(caller.engine, purpose, member_id, now=caller.now, rate=Rate(most, most / 24))
    if not mark.there:
        rate = Rate(UNPROVEN_OF_ONE_PER_DAY, UNPROVEN_OF_ONE_PER_DAY / 24)
        limits.take(caller.engine, "reviews of one thing", thing.subject, now=caller.now, rate=rate)


def _get_to_moderate(session: Session, review_id: int, viewer: Member) -> Review:
    access.check_operator(viewer)
    review = get(session, review_id, viewer, to_edit=True)
    if things.answers(session, things.of_review(session, review), viewer):
        raise OwnReview("This is about something of yours: another operator looks at it.")
    return review


def _tell_said(session: Session, thing: Thing, review_id: int, now: dt.datetime) -> None:
    inbox.tell(
        session,
        things.keepers(session, thing),
        kind="review.said",
        of=thing.subject,
        sentence=later("Somebody said how %(thing)s was. You may answer once."),
        values={"thing": inbox_words.named(thing.name, thing.simulated)},
        link=f"{thing.path}/reviews#review-{review_id}",
        now=now,
        nonce=str(review_id),
    )


def _tell_author(
    session: Session, review: Review, thing: Thing, act: str, sentence: str, nonce: str, now: dt.datetime
) -> None:
    inbox.tell(
        session,
        [review.member_id],
        kind=f"review.{act}",
        of=f"review/{review.id}",
        sentence=sentence,
        values={"thing": inbox_words.named(thing.name, thing.simulated)},
        link=f"{thing.path}/reviews#review-{review.id}",
        now=now,
        nonce=nonce,
    )
