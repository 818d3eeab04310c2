"""Pictures as plans of levels: kept with what lays them, and zones drawn on them.

The same numbers lay a picture as `geo.plans.Plan` has; only WGS 84 leaves this module.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.areas import PlaceError, Position
from geo.plans import Pixel, Plan
from server import names, topics
from server.errors import Invalid, NotFound
from server.pictures import service as pictures
from server.venues import service as venues
from server.venues.model import PlanRow


class PlanUnknown(NotFound):
    """This level has no plan."""

    code = "plan_unknown"


class Laid(NamedTuple):
    """A plan where it lies: its picture's id, and its corners from the top left on, clockwise; degrees."""

    level: int
    picture_id: str
    corners: tuple[Position, ...]


def lay(
    session: Session,
    *,
    venue_id: str,
    level: int,
    picture_id: str,
    a: Pixel,
    b: Pixel,
    metres: float,
    bearing_deg: float = 0.0,
    anchor: Position | None = None,
) -> PlanRow:
    """Lays a picture as the plan of a level, instead of the one before; zones stay where they are on earth.

    anchor: where the point `a` is; the venue's pin where none is said. Raises VenueUnknown, PictureUnknown, Invalid.
    """
    venue = venues.get(session, venue_id, to_edit=True)
    picture = pictures.get(session, picture_id)
    anchor = anchor or venues.location_of(venue)
    if anchor is None:
        raise Invalid("Say where the first point is: %(venue)s has no pin yet.", venue=venue.name)
    if not venues.LEVELS[0] <= level <= venues.LEVELS[1]:
        raise Invalid("A level lies between %(least)s and %(most)s.", least=venues.LEVELS[0], most=venues.LEVELS[1])
    try:
        plan = Plan(picture.width, picture.height, a, b, metres, bearing_deg, anchor)
    except PlaceError as error:
        raise Invalid("The plan: %(why)s", why=error) from None
    row = PlanRow(
        venue_id=venue_id,
        level=level,
        picture_id=picture.id,
        width=plan.width,
        height=plan.height,
        ax=a[0],
        ay=a[1],
        bx=b[0],
        by=b[1],
        metres=metres,
        bearing_deg=bearing_deg,
        lon=anchor[0],
        lat=anchor[1],
    )
    kept = session.merge(row)
    session.flush()
    topics.bump(session, [topics.FACTS, f"venue/{venue_id}"])
    return kept


def remove(session: Session, *, venue_id: str, level: int) -> None:
    """Takes the picture away; zones stay. Raises PlanUnknown."""
    session.delete(get(session, venue_id=venue_id, level=level))
    session.flush()
    topics.bump(session, [topics.FACTS, f"venue/{venue_id}"])


def get(session: Session, *, venue_id: str, level: int) -> PlanRow:
    """The plan of a level; raises PlanUnknown."""
    row = session.get(PlanRow, (venue_id, level)) if names.is_id(venue_id) and abs(level) < 1000 else None
    if row is None:
        raise PlanUnknown
    return row


def of_venue(session: Session, venue_id: str) -> list[PlanRow]:
    """The plans of a venue, the lowest level first."""
    return list(session.scalars(select(PlanRow).where(PlanRow.venue_id == venue_id).order_by(PlanRow.level)))


def geometry(row: PlanRow) -> Plan:
    """How a plan is laid."""
    return Plan(
        row.width, row.height, (row.ax, row.ay), (row.bx, row.by), row.metres, row.bearing_deg, (row.lon, row.lat)
    )


def laid(row: PlanRow) -> Laid:
    """Where a plan lies."""
    return Laid(row.level, row.picture_id, tuple(geometry(row).corners()))


def draw(row: PlanRow, pixels: Sequence[Pixel]) -> dict[str, Any]:
    """What was drawn on a plan as GeoJSON Polygon; raises Invalid."""
    try:
        return geometry(row).to_area(pixels)
    except PlaceError as error:
        raise Invalid("What was drawn: %(why)s", why=error) from None
