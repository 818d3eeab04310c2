"""What is reviewed, and who may: a venue that everybody may know, or a gathering that has begun."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from server.errors import Refused
from server.events import service as events
from server.events import signups
from server.events.states import CalledOff, Phase, State
from server.people import access
from server.people.model import Member
from server.reviews.model import Review
from server.reviews.weighing import Mark
from server.venues import service as venues


class NotReviewed(Refused):
    """Somebody's home, and a spot that somebody made for an evening, are not reviewed: review the gathering."""

    code = "not_reviewed"


class ReviewTooEarly(Refused):
    """Say how it was once it was: this has not begun yet."""

    code = "review_too_early"


class OwnThing(Refused):
    """This is yours: answer what others say of it."""

    code = "own_thing"


class NotOfIt(Refused):
    """Who signed up for a gathering or came to it says how it was."""

    code = "not_of_it"


class Thing(NamedTuple):
    """What is reviewed: a venue or a gathering. venue_ids: where it is. community_id: whose it is."""

    venue_id: str | None
    event_id: str | None
    name: str
    simulated: bool
    venue_ids: tuple[str, ...]
    community_id: str | None = None

    @property
    def subject(self) -> str:
        """As notes name it."""
        return f"event/{self.event_id}" if self.event_id is not None else f"venue/{self.venue_id}"

    @property
    def path(self) -> str:
        """Its page."""
        return f"/events/{self.event_id}" if self.event_id is not None else f"/venues/{self.venue_id}"

    @property
    def holds(self) -> ColumnElement[bool]:
        """That a review is of this."""
        return Review.event_id == self.event_id if self.event_id is not None else Review.venue_id == self.venue_id


def venue(session: Session, venue_id: str) -> Thing:
    """A venue; raises VenueUnknown, NotReviewed."""
    if not is_reviewed(session, venue_id):
        raise NotReviewed
    return once_reviewed(session, venue_id)


def is_reviewed(session: Session, venue_id: str) -> bool:
    """Whether a venue is of those that are reviewed; raises VenueUnknown."""
    return venues.get(session, venue_id).kind == "place"


def once_reviewed(session: Session, venue_id: str) -> Thing:
    """A venue, also one that became somebody's home: what one said of it stays one's own. Raises VenueUnknown."""
    found = venues.get(session, venue_id)
    return Thing(found.id, None, found.name, found.simulated, (found.id,))


def event(session: Session, event_id: str, viewer: Member) -> Thing:
    """A gathering that she may know of; raises EventUnknown."""
    found = events.get_seen(session, event_id, viewer)
    return _event(session, found.id)


def of_review(session: Session, review: Review) -> Thing:
    """What a review is of."""
    if review.event_id is not None:
        return _event(session, review.event_id)
    return venue(session, review.venue_id or "")


def check_reviews(session: Session, thing: Thing, viewer: Member, mark: Mark, now: dt.datetime) -> None:
    """Raises OwnThing, CalledOff, ReviewTooEarly, NotOfIt, AccountNeeded unless she may say how it was."""
    if answers(session, thing, viewer):
        raise OwnThing
    if thing.event_id is not None:
        found = events.get(session, thing.event_id)
        if found.state == State.CANCELLED:
            raise CalledOff(event=found.name)
        begun = events.phase_of(session, found, now) in (Phase.RUNNING, Phase.OVER)
        if found.state != State.PUBLISHED or not begun:
            raise ReviewTooEarly
        if not mark.there and not signups.has_signed_up(session, event_id=thing.event_id, member_id=viewer.id):
            raise NotOfIt
    elif viewer.guest and not mark.there:
        raise access.AccountNeeded


def answers(session: Session, thing: Thing, viewer: Member) -> bool:
    """Whether she keeps the venue or hosts the gathering herself."""
    if thing.event_id is not None:
        return access.hosts(session, viewer, events.get(session, thing.event_id))
    return access.keeps(session, viewer, venues.get(session, thing.venue_id or ""))


def keepers(session: Session, thing: Thing) -> list[str]:
    """Who is told when somebody says how it was: its organizer or owner."""
    if thing.event_id is not None:
        return [events.get(session, thing.event_id).organizer_id]
    owner = venues.get(session, thing.venue_id or "").owner_id
    return [] if owner is None else [owner]


def _event(session: Session, event_id: str) -> Thing:
    found = events.get(session, event_id)
    at = tuple(sorted({step.venue_id for step in events.steps_of(session, event_id=event_id)}))
    return Thing(None, found.id, found.name, found.simulated, at, found.community_id)
