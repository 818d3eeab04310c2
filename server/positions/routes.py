"""Where a member is over HTTP: what is kept, forgetting it, what it may be used for, her home."""

from fastapi import APIRouter

from geo import areas, cells, datums
from server.errors import Invalid
from server.people import access
from server.positions import schema
from server.positions import service as positions
from server.requests import InTransaction, Now

router = APIRouter(prefix="/api/me", tags=["positions"])


class HomeUnclear(Invalid):
    """Say where your home is, about: a position, or a cell of H3."""

    code = "home_unclear"


@router.get("/positions")
def list_positions(viewer: access.Viewer, session: InTransaction, now: Now) -> list[schema.PositionOut]:
    """All that is kept of where one is: a cell and an end for each source and device, never the fix itself."""
    return [schema.show(found, device) for found, device in positions.list_of(session, member_id=viewer.id, now=now)]


@router.delete("/positions", status_code=204)
def forget_positions(viewer: access.Viewer, session: InTransaction) -> None:
    """Forgets all of it, at once; one's home as well."""
    positions.forget(session, member_id=viewer.id)


@router.get("/positions/uses")
def get_uses(viewer: access.Viewer, session: InTransaction) -> schema.UsesOut:
    """What one's positions may be used for."""
    paused = bool(positions.paused(session, [viewer.id]))
    return schema.show_uses(positions.uses_of(session, member_id=viewer.id), paused)


@router.put("/positions/uses")
def choose_uses(wanted: schema.Uses, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.UsesOut:
    """Says what one's positions may be used for: exactly this, from now on."""
    positions.choose_uses(
        session,
        member_id=viewer.id,
        told=wanted.told,
        fences=wanted.fences,
        company=wanted.company,
        pop_ups=wanted.pop_ups,
        shops=wanted.shops,
        radius_m=wanted.radius_m,
        now=now,
    )
    return get_uses(viewer, session)


@router.put("/home", status_code=204)
def set_home(wanted: schema.HomeIn, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Says where one lives, about; a cell of a quarter of a city is kept for a year."""
    if (wanted.position is None) == (wanted.cell is None):
        raise HomeUnclear
    if wanted.position is not None:
        try:
            place = areas.check_position(datums.to_wgs84(areas.check_position(wanted.position), wanted.datum))
        except areas.PlaceError as error:
            raise HomeUnclear("Your home: %(why)s", why=error) from None
    else:
        place = _middle(wanted.cell or "")
    positions.set_home(session, member_id=viewer.id, place=place, now=now)


@router.delete("/home", status_code=204)
def forget_home(viewer: access.Viewer, session: InTransaction) -> None:
    """Forgets one's home."""
    positions.forget(session, member_id=viewer.id, source=positions.Source.HOME)


def _middle(typed: str) -> areas.Position:
    try:
        cell = int(typed, 16)
    except ValueError:
        raise HomeUnclear from None
    if not 0 < cell < 2**63 or not cells.is_cell(cell):
        raise HomeUnclear
    return cells.centre(cell)
