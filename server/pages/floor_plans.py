"""The plans of a place: the picture of a level, how it is laid, and the zones that are drawn on it."""

import datetime as dt
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.errors import Invalid, MusterError, http_status
from server.events import places
from server.limits.callers import InCaller
from server.pages import render
from server.pages.doors import told
from server.pages.pins import Chosen, read_pin, write_pin
from server.people import access
from server.people.model import Member
from server.pictures import service as pictures
from server.requests import Id, InTransaction, Now, texts_for
from server.venues import plans, zones
from server.venues import service as venues
from server.venues.model import PlanRow, Zone

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
# Before anybody said how far apart two points are: a room.
FIRST_METRES = 10.0
_POINT = re.compile(r"(-?\d{1,5}(?:\.\d{1,6})?)\s*,\s*(-?\d{1,5}(?:\.\d{1,6})?)")
Line = Annotated[str, Form(max_length=1000)]


class PointsUnclear(Invalid):
    """Corners are typed as x,y with spaces between them, such as 10,20 90,20 90,80."""

    code = "points_unclear"


@router.api_route("/venues/{venue_id}/plan", methods=READ)
def show_plan(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    level: Annotated[int, Query(ge=venues.LEVELS[0], le=venues.LEVELS[1])] = 0,
) -> Response:
    """The picture of a level with its zones, and how both are laid; for who keeps the place."""
    _check_draws(session, viewer, venue_id, now)
    return _plan(request, venue_id, viewer, session, level)


@router.post("/venues/{venue_id}/plan")
def change_plan(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    act: Annotated[Literal["picture", "lay", "zone", "remove", "no_picture"], Form()],
    level: Annotated[int, Form(ge=venues.LEVELS[0], le=venues.LEVELS[1])] = 0,
    picture: Annotated[UploadFile | None, File()] = None,
    a: Line = "",
    b: Line = "",
    metres: Annotated[float, Form(ge=0, le=1e6)] = FIRST_METRES,
    bearing: Annotated[float, Form(ge=-360, le=360)] = 0.0,
    anchor: Line = "",
    datum: Chosen = "wgs84",
    zone: Annotated[str, Form(max_length=64)] = "",
    name: Line = "",
    points: Annotated[str, Form(max_length=100_000)] = "",
) -> Response:
    """Takes a picture, lays it, draws, renames or removes a zone."""
    _check_draws(session, viewer, venue_id, caller.now)
    try:
        with session.begin_nested():
            if act == "picture":
                kept = pictures.take_sent(session, caller, None if picture is None else picture.file, by=viewer.id)
                if kept is not None:
                    _lay_first(session, venue_id, level, kept.id, kept.width, kept.height)
            elif act == "lay":
                row = plans.get(session, venue_id=venue_id, level=level)
                (at_a,), (at_b,) = _points(a, 1), _points(b, 1)
                place = read_pin(anchor, datum) if anchor.strip() != write_pin((row.lon, row.lat)) else None
                plans.lay(
                    session, venue_id=venue_id, level=level, picture_id=row.picture_id, a=at_a, b=at_b, metres=metres,
                    bearing_deg=bearing, anchor=place or (row.lon, row.lat),
                )  # fmt: skip
            elif act == "zone":
                _draw(session, venue_id, level, zone, name, points)
            elif act == "remove":
                zones.remove(session, venue_id=venue_id, zone_id=zone)
            else:
                plans.remove(session, venue_id=venue_id, level=level)
    except MusterError as refused:
        return _plan(request, venue_id, viewer, session, level, refused, {"points": points, "name": name})
    return RedirectResponse(f"/venues/{venue_id}/plan?level={level}", status_code=303)


def _check_draws(session: Session, viewer: Member, venue_id: str, now: dt.datetime) -> None:
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    if not places.sees_address(session, venue=venue, member=viewer, now=now):
        raise access.NotYourVenue


def _lay_first(session: Session, venue_id: str, level: int, picture_id: str, width: int, height: int) -> None:
    """A new picture lies as the one before it, if that had its size; else as a room around the pin."""
    old = next((row for row in plans.of_venue(session, venue_id) if row.level == level), None)
    if old is not None and (old.width, old.height) == (width, height):
        old.picture_id = picture_id
        return
    a, b = (round(0.1 * width), round(0.5 * height)), (round(0.9 * width), round(0.5 * height))
    plans.lay(session, venue_id=venue_id, level=level, picture_id=picture_id, a=a, b=b, metres=FIRST_METRES)


def _draw(session: Session, venue_id: str, level: int, zone_id: str, name: str, points: str) -> None:
    area = None
    if points.strip():
        area = plans.draw(plans.get(session, venue_id=venue_id, level=level), _points(points))
    if zone_id:
        zones.change(session, venue_id=venue_id, zone_id=zone_id, name=name.strip() or None, level=level, area=area)
        return
    drawn = venues.NewZone(zones.new_id(session, venue_id, name), name, level, area)
    zones.add(session, venue_id=venue_id, zone=drawn)


def _points(typed: str, exactly: int | None = None) -> list[tuple[float, float]]:
    if _POINT.sub("", typed).strip(" \r\n\t;"):
        raise PointsUnclear
    found = [(float(x), float(y)) for x, y in _POINT.findall(typed)]
    if exactly is not None and len(found) != exactly:
        raise PointsUnclear
    return found


def _plan(
    request: Request,
    venue_id: str,
    viewer: Member,
    session: Session,
    level: int,
    refused: MusterError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    say = texts_for(request)
    venue = venues.get(session, venue_id)
    rows = plans.of_venue(session, venue_id)
    row = next((each for each in rows if each.level == level), None)
    there = venues.zones_of(session, venue_id=venue_id)
    return render.page(
        request,
        "venue_plan.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated), "has_pin": venue.location is not None},
        level=level,
        levels=sorted({level, 0, *(each.level for each in rows), *(zone.level for zone in there)}),
        plan=None if row is None else _laid(row),
        zones=[
            {
                "id": zone.id,
                "name": say.name(zone.name, venue.simulated),
                "points": "" if row is None else _drawn(row, zone),
                "drawn": zone.area is not None,
            }
            for zone in there
            if zone.level == level
        ],
        typed={"points": "", "name": "", **(typed or {})},
        says=told(refused, say),
    )


def _laid(row: PlanRow) -> dict[str, Any]:
    return {
        "picture": f"/api/pictures/{row.picture_id}",
        "width": row.width,
        "height": row.height,
        "a": (row.ax, row.ay),
        "b": (row.bx, row.by),
        "metres": f"{row.metres:g}",
        "bearing": f"{row.bearing_deg:g}",
        "anchor": write_pin((row.lon, row.lat)),
        "across": round(plans.geometry(row).metres_per_pixel * row.width, 1),
    }


def _drawn(row: PlanRow, zone: Zone) -> str:
    area = venues.area_of(zone)
    if area is None:
        return ""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in plans.geometry(row).to_pixels(area))
