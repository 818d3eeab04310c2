"""What the API takes and says of where a member is."""

from typing import Annotated, Any, Literal

from pydantic import Field

from geo import cells
from server.fields import Datum, Incoming, Moment, Outgoing, Position
from server.positions.model import PositionUse
from server.positions.service import Where

RADIUS_M = (500, 100_000)  # of what is near: a walk, and a long drive


class HomeIn(Incoming):
    """Where she lives, about: a position, of which a cell of a quarter of a city is kept, or such a cell."""

    position: Position | None = None
    datum: Datum = "wgs84"
    cell: Annotated[str, Field(max_length=16, description="an H3 cell, 15 or 16 hex digits")] | None = None


class PositionOut(Outgoing):
    """What is kept of where she is: a cell of H3, its area and middle, how far off she may be, and its end."""

    source: Literal["browser", "phone", "visit", "home"]
    device: str
    cell: str
    centre: Position
    area: dict[str, Any]
    accuracy_m: float
    at: Moment
    until: Moment


class Uses(Incoming):
    """What she lets her positions be used for, and how far away is near to her."""

    told: bool = False
    fences: bool = False
    company: bool = False
    pop_ups: bool = False
    shops: bool = False
    radius_m: Annotated[int, Field(ge=RADIUS_M[0], le=RADIUS_M[1])] = 5000


class UsesOut(Outgoing):
    """What she lets her positions be used for. paused: nothing of it happens at the moment."""

    told: bool
    fences: bool
    company: bool
    pop_ups: bool
    shops: bool
    radius_m: int
    paused: bool


def show(found: Where, device: str) -> PositionOut:
    """A position as the API tells it."""
    corners = cells.outline(found.cell)
    return PositionOut(
        source=found.source.value,
        device=device,
        cell=f"{found.cell:x}",
        centre=found.place,
        area={"type": "Polygon", "coordinates": [[list(corner) for corner in [*corners, corners[0]]]]},
        accuracy_m=round(found.accuracy_m, 1),
        at=found.at,
        until=found.until,
    )


def show_uses(row: PositionUse, paused: bool) -> UsesOut:
    """What she chose as the API tells it."""
    return UsesOut(
        told=row.told,
        fences=row.fences,
        company=row.company,
        pop_ups=row.pop_ups,
        shops=row.shops,
        radius_m=row.radius_m,
        paused=paused,
    )
