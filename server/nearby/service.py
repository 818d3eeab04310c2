"""The right gatherings and venues for somebody, in the order of what would bring her there, or simply the nearest."""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import paging
from server.events.model import Event, SignUp, Step
from server.nearby import person, rings
from server.nearby.candidates import Candidate
from server.nearby.facts import Fact
from server.nearby.rings import Reason, Scored, Wanted
from server.people.model import Member
from server.venues.model import Venue

T = TypeVar("T", Event, Step, Venue)


class Order(StrEnum):
    """In which order things are told."""

    BEST = "best"
    NEAREST = "nearest"


class Found(NamedTuple):
    """A gathering (event and step) or a venue, and why; hundredths: the score, exactly the sum of its reasons'."""

    fact: Fact
    hundredths: int
    reasons: tuple[Reason, ...]
    event: Event | None
    step: Step | None
    venue: Venue
    goes: bool

    @property
    def candidate(self) -> Candidate:
        """The listing."""
        return self.fact.candidate


def find(
    session: Session,
    member: Member,
    wanted: Wanted,
    *,
    order: Order = Order.BEST,
    now: dt.datetime,
    page: paging.Page,
) -> list[Found]:
    """What is near a place for a member, each with its score and reasons in either order. page: with a limit.

    Raises CursorUnknown.
    """
    her = person.read(session, member_id=member.id, now=now)
    look = rings.nearest if order is Order.NEAREST else rings.best
    return _name(session, member.id, look(session, her, wanted, now=now, page=page))


def _name(session: Session, member_id: str, scored: Sequence[Scored]) -> list[Found]:
    """The rows behind listings, and whether she goes there already."""
    near = [one.fact.candidate for one in scored]
    events = _rows(session, Event, {one.event_id for one in near if one.event_id is not None})
    steps = _rows(session, Step, {one.step_id for one in near if one.step_id is not None})
    venues = _rows(session, Venue, {one.venue_id for one in near})
    goes = set(
        session.scalars(
            select(SignUp.event_id).where(
                SignUp.member_id == member_id, SignUp.state == "going", SignUp.event_id.in_(sorted(events))
            )
        )
    )
    return [
        Found(
            one.fact,
            one.hundredths,
            one.reasons,
            events.get(one.fact.candidate.event_id or ""),
            steps.get(one.fact.candidate.step_id or ""),
            venues[one.fact.candidate.venue_id],
            one.fact.candidate.event_id in goes,
        )
        for one in scored
    ]


def _rows(session: Session, kind: type[T], ids: set[str]) -> dict[str, T]:
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(sorted(ids))))}
