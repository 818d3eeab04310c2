"""What somebody asks for, as a request says it: where, when, and what of it."""

import datetime as dt
from typing import Annotated, NamedTuple

from fastapi import Query
from sqlalchemy.orm import Session

from geo import areas
from geo.areas import Position
from server.errors import Conflict, Invalid
from server.fields import LATEST, Moment, OfId
from server.nearby.candidates import FARTHEST_M, Asked
from server.nearby.moments import Mood
from server.nearby.rings import Kind, Wanted
from server.nearby.service import Order
from server.people.model import Member
from server.positions import service as positions
from server.positions.service import Where

WITHIN = dt.timedelta(days=14)  # without another wish: this week and the next
MOST_DAYS = 366
_INSTANT = dt.timedelta(microseconds=1)


class PositionUnknown(Conflict):
    """Nobody knows where you are: say a longitude and a latitude, or set your home area."""

    code = "position_unknown"


class Question(NamedTuple):
    """What is asked, as FastAPI reads it from an address; see `read`."""

    lon: float | None
    lat: float | None
    at: dt.datetime | None
    within_days: int
    radius_m: float | None
    order: Order
    kind: Kind | None
    interests: tuple[str, ...]
    community: str | None
    open_now: bool
    on_now: bool
    places_left: bool
    moods: frozenset[Mood]


async def read(
    lon: Annotated[float | None, Query(ge=-180, le=180, description="with `lat`; without: where you are known")] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
    at: Annotated[Moment | None, Query(description="from when on; without: now")] = None,
    within_days: Annotated[
        int, Query(ge=1, le=MOST_DAYS, description="gatherings that begin within so many days")
    ] = 14,
    radius_m: Annotated[
        float | None, Query(gt=0, le=FARTHEST_M, description="without: the nearest, however far")
    ] = None,
    order: Annotated[Order, Query(description="by points, or by distance alone")] = Order.BEST,
    kind: Annotated[Kind | None, Query(description="without: gatherings and venues")] = None,
    interests: Annotated[list[OfId] | None, Query(max_length=20, description="about one of these")] = None,
    community: Annotated[str | None, Query(max_length=64, description="of this community alone")] = None,
    open_now: Annotated[bool, Query(description="venues that are open then; gatherings that are on then")] = False,
    on_now: Annotated[bool, Query(description="gatherings that are on then")] = False,
    places_left: Annotated[bool, Query(description="gatherings that are not full")] = False,
    mood: Annotated[list[Mood] | None, Query(max_length=3, description="venues that are so now")] = None,
) -> Question:
    """What is asked for, of the query."""
    return Question(
        *(lon, lat, at, within_days, radius_m, order, kind, tuple(interests or ()), community),
        *(open_now, on_now, places_left, frozenset(mood or ())),
    )


def where(session: Session, member: Member, question: Question, *, now: dt.datetime) -> tuple[Position, Where | None]:
    """The place that is asked about, and what is known of it where she did not say it.

    Raises Invalid for half a place, PositionUnknown.
    """
    if question.lon is not None or question.lat is not None:
        try:
            return areas.check_position((question.lon, question.lat)), None
        except areas.PlaceError as error:
            raise Invalid(error.template, **error.values) from None
    found = positions.where(session, member_id=member.id, now=now)
    if found is None:
        raise PositionUnknown
    return found.place, found


def wanted(question: Question, place: Position, *, now: dt.datetime) -> Wanted:
    """What is looked for at a place."""
    at = question.at or now
    until = at + _INSTANT if question.on_now else min(LATEST, at + dt.timedelta(days=question.within_days))
    asked = Asked(
        place,
        at,
        until,
        FARTHEST_M if question.radius_m is None else question.radius_m,
        question.interests,
        question.community,
        question.places_left,
    )
    kinds = frozenset(Kind) if question.kind is None else frozenset({question.kind})
    return Wanted(asked, kinds, question.open_now, question.on_now, question.moods)
