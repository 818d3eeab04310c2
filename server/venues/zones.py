"""Adds zones to a venue, renames and redraws them; what anything refers to stays.

Stays, steps and the places of agents refer to a zone by its id: another name or outline changes nothing of theirs.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import constraints, names, topics
from server.database import Base
from server.errors import Conflict, Invalid
from server.venues import service as venues
from server.venues.model import Zone


class ZoneInUse(Conflict):
    """Something has happened in this zone, or stands there: rename or redraw it instead."""

    code = "zone_in_use"


class LastZone(Conflict):
    """A place has at least one zone: rename or redraw this one instead."""

    code = "last_zone"


class ZoneNameTaken(Conflict):
    """Another zone of this place has that name already."""

    code = "zone_name_taken"


def add(session: Session, *, venue_id: str, zone: venues.NewZone) -> Zone:
    """Adds a zone; raises VenueUnknown, ZoneExists, ZoneNameTaken, Invalid."""
    venue = venues.get(session, venue_id, to_edit=True)
    if len(venues.zones_of(session, venue_id=venue_id)) >= venues.MAX_ZONES:
        raise Invalid("A venue has at most %(most)s zones.", most=venues.MAX_ZONES)
    made = venues.make_zone(venue_id, zone, venues.location_of(venue))
    with constraints.explain(session, {"uq_zone_venue_id_name": ZoneNameTaken()}):
        constraints.add_new(session, made, venues.ZoneExists("There is a zone %(id)s already.", id=zone.id))
    _tell(session, venue_id)
    return made


def change(
    session: Session,
    *,
    venue_id: str,
    zone_id: str,
    name: str | None = None,
    level: int | None = None,
    area: dict[str, Any] | None = None,
) -> Zone:
    """Renames or redraws a zone; what is None stays. Raises VenueUnknown, ZoneUnknown, ZoneNameTaken, Invalid."""
    venue = venues.get(session, venue_id, to_edit=True)
    zone = venues.get_zone(session, venue_id=venue_id, zone_id=zone_id)
    wanted = venues.NewZone(
        zone.id, zone.name if name is None else name, zone.level if level is None else level, area, zone.source
    )
    checked = venues.make_zone(venue_id, wanted, venues.location_of(venue))
    with constraints.explain(session, {"uq_zone_venue_id_name": ZoneNameTaken()}):
        zone.name, zone.level = checked.name, checked.level
        if area is not None:
            zone.area = checked.area
    _tell(session, venue_id)
    return zone


def remove(session: Session, *, venue_id: str, zone_id: str) -> None:
    """Removes a zone that nothing refers to; raises VenueUnknown, ZoneUnknown, ZoneInUse, LastZone."""
    venues.get(session, venue_id, to_edit=True)
    zone = venues.get_zone(session, venue_id=venue_id, zone_id=zone_id)
    if len(venues.zones_of(session, venue_id=venue_id)) == 1:
        raise LastZone
    # Whoever refers to it at this moment holds the row, and is waited for here.
    session.refresh(zone, with_for_update=True)
    if is_used(session, zone):
        raise ZoneInUse("%(zone)s is in use: rename or redraw it instead.", zone=zone.name)
    session.delete(zone)
    session.flush()
    _tell(session, venue_id)


def is_used(session: Session, zone: Zone) -> bool:
    """Whether any row of any table refers to a zone, now or for the past."""
    for table in Base.metadata.tables.values():
        for key in table.foreign_key_constraints:
            columns = {element.column.name: element.parent for element in key.elements}
            if key.referred_table is Zone.__table__ and session.scalar(
                select(select(table).where(columns["id"] == zone.id).exists())
            ):
                return True
    return False


def new_id(session: Session, venue_id: str, name: str) -> str:
    """An id for a zone that is called so."""
    return names.free_id(session, Zone.id, f"{venue_id} {names.suggest_id(name, 'zone')}", "zone")


def _tell(session: Session, venue_id: str) -> None:
    topics.bump(session, [topics.FACTS, f"venue/{venue_id}"])
