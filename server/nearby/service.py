"""The right gatherings and venues for somebody, in the order of what would bring her there, or simply the nearest."""

import datetime as dt
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import database, paging
from server.nearby import person, rings
from server.nearby.candidates import Candidate
from server.nearby.person import Person
from server.nearby.rings import Scored, Wanted
from server.people.model import Member


class Order(StrEnum):
    """In which order things are told."""

    BEST = "best"
    NEAREST = "nearest"


class Found(NamedTuple):
    """A gathering (its step that is found) or a venue, and why; scored.hundredths: the sum of its reasons'.

    goes: she goes there already. Names of the demonstration are known by `simulated`.
    """

    scored: Scored
    event_name: str | None
    event_simulated: bool
    step_name: str | None
    venue_name: str
    venue_simulated: bool
    time_zone: str
    category: str
    community_name: str | None
    goes: bool

    @property
    def candidate(self) -> Candidate:
        """The listing."""
        return self.scored.fact.candidate


# Each looked up by itself: joined, whole tables may be read.
_NAMES = text("""
    SELECT listing.id, event.name, coalesce(event.simulated, false),
           CASE WHEN listing.several THEN (SELECT name FROM step WHERE step.id = listing.step_id) END,
           venue.name, venue.simulated, venue.time_zone, venue.category,
           (SELECT name FROM community WHERE community.id = listing.community_id),
           EXISTS (SELECT FROM sign_up WHERE sign_up.event_id = listing.event_id AND sign_up.member_id = :member
                   AND sign_up.state = 'going')
    FROM listing JOIN venue ON venue.id = listing.venue_id
    LEFT JOIN event ON event.id = listing.event_id
    WHERE listing.id = ANY(CAST(:listings AS bigint[]))
""")


def find(
    session: Session,
    member: Member,
    wanted: Wanted,
    *,
    order: Order = Order.BEST,
    now: dt.datetime,
    page: paging.Page,
) -> tuple[Person, list[Found]]:
    """What is near a place for a member, each with its score and reasons in either order; and what is known of her.

    page: with a limit. Raises CursorUnknown.
    """
    database.keep_plans(session)
    her = person.read(session, member_id=member.id, now=now)
    look = rings.nearest if order is Order.NEAREST else rings.best
    scored = look(session, her, wanted, now=now, page=page)
    given = {"member": member.id, "listings": [one.fact.candidate.id for one in scored]}
    names = {row[0]: row[1:] for row in database.read_rows(session, _NAMES, given)} if scored else {}
    return her, [Found(one, *names[one.fact.candidate.id]) for one in scored]
