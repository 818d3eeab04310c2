"""Places and gatherings around somewhere, and what is near told by brute force."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import distances
from geo.areas import Position
from server.communities import service as communities
from server.events import details, signups
from server.events import service as events
from server.events.states import State
from server.venues import service as venues
from tests.server.places import HOUR, NOW

TOMORROW = NOW + dt.timedelta(days=1)


def place(session: Session, id: str, at: Position, **more: object) -> None:
    """A venue of Ben's."""
    values = {"name": f"At {id}", "time_zone": "UTC", "owner_id": "ben", "contact": "ben@example.org", **more}
    venues.create(session, id=id, location=at, **values)  # type: ignore[arg-type]


def gathering(
    session: Session,
    id: str,
    *venue_ids: str,
    at: dt.datetime = TOMORROW,
    community: str | None = None,
    open_to_all: bool = False,
    interests: Sequence[str] = (),
    capacity: int | None = None,
    organizer: str = "cleo",
    state: State = State.PUBLISHED,
) -> None:
    """A gathering of a step of an hour at each venue, one after the other."""
    steps = [
        events.NewStep(f"Part {number}", venue_id, at + number * HOUR, at + (number + 1) * HOUR, capacity=capacity)
        for number, venue_id in enumerate(venue_ids)
    ]
    about = details.Details(open_to_all=open_to_all)
    event = events.create(
        session,
        id=id,
        name=f"Gathering {id}",
        organizer_id=organizer,
        steps=steps,
        community_id=community,
        about=about,
        state=state,
    )
    if interests:
        events.choose_interests(session, event, interests)
    session.flush()


def circle(session: Session, id: str, *member_ids: str) -> None:
    """A circle of these members."""
    communities.create(session, id=id, name=f"Circle {id}")
    for member_id in member_ids:
        communities.join(session, community_id=id, member_id=member_id)
    session.flush()


def come(session: Session, event_id: str, *member_ids: str) -> None:
    """They sign up."""
    for member_id in member_ids:
        signups.sign_up(session, event_id=event_id, member_id=member_id, now=NOW)
    session.flush()


def listed(session: Session) -> dict[str, tuple[object, ...]]:
    """The listings as they stand, by step or venue."""
    rows = session.execute(
        text(
            "SELECT coalesce(step_id, 'venue ' || venue_id), for_all, going, capacity, interests, several, vague"
            " FROM listing ORDER BY id"
        )
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def by_brute_force(around: Position, places: dict[str, Position], radius_m: float) -> list[str]:
    """The ids of places within a radius, the nearest first."""
    away = sorted((distances.between_m(around, at), place_id) for place_id, at in places.items())
    return [place_id for away_m, place_id in away if away_m <= radius_m]
