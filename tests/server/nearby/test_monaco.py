"""A real town of OpenStreetMap: what is found within a radius is what a walk through all its places finds."""

from pathlib import Path

import osmium
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import distances, postgis
from geo.areas import Position
from server import paging
from server.nearby import service
from server.nearby.candidates import Asked
from server.nearby.rings import Kind, Wanted
from server.nearby.service import Order
from server.people.model import Member
from server.venues import imports
from tests.server.nearby.town import TOMORROW, place
from tests.server.places import NOW, make_members

CASINO, HARBOUR, PALACE = (7.4283, 43.7392), (7.4214, 43.7353), (7.4202, 43.7314)
RADIUS_M = 300.0


@pytest.fixture
def cafes(session: Session, shared_data: Path) -> dict[str, Position]:
    """Places of Monaco's cafes, by the ids of their venues, among all else that has a name there."""
    file = shared_data / "osm-monaco" / "monaco.osm.pbf"
    if not file.exists():
        pytest.skip("../shared/data/osm-monaco is not there")
    make_members(session)
    imports.take(session, imports.read(file, None))
    found = {}
    for node in osmium.FileProcessor(file).with_filter(osmium.filter.KeyFilter("amenity")):
        if isinstance(node, osmium.osm.Node) and "name" in node.tags:
            venue_id, at = f"node-{node.id}", (node.location.lon, node.location.lat)
            is_cafe = node.tags["amenity"] == "cafe"
            place(session, venue_id, at, category="cafe" if is_cafe else "other")
            if is_cafe:
                found[venue_id] = at
    session.execute(text("ANALYZE listing"))
    return found


@pytest.mark.parametrize("order", list(Order))
def test_the_cafes_within_300_m_are_those_that_brute_force_finds(
    session: Session, cafes: dict[str, Position], order: Order
) -> None:
    assert len(cafes) > 20
    seen = 0
    for around in (CASINO, HARBOUR, PALACE, *cafes.values()):
        found = _cafes_near(session, around, order)
        here = postgis.canonical(around)
        away = {venue_id: distances.between_m(here, postgis.canonical(at)) for venue_id, at in cafes.items()}
        assert not any(abs(metres - RADIUS_M) < 0.01 for metres in away.values()), "none lies on the very edge"
        assert set(found) == {venue_id for venue_id, metres in away.items() if metres < RADIUS_M}
        for venue_id, metres in found.items():
            assert metres == pytest.approx(away[venue_id], abs=0.1)
        seen += len(found)
    assert seen > len(cafes)


def _cafes_near(session: Session, around: Position, order: Order) -> dict[str, float]:
    wanted = Wanted(Asked(around, NOW, TOMORROW, RADIUS_M), kinds=frozenset({Kind.VENUE}))
    ada = session.get_one(Member, "dora")
    found: dict[str, float] = {}
    cursor = None
    while True:
        (_, part), cursor = paging.with_next(
            paging.Page(20, cursor), lambda page: service.find(session, ada, wanted, order=order, now=NOW, page=page)
        )
        assert not found.keys() & {one.candidate.venue_id for one in part}, "no place comes twice"
        found |= {one.candidate.venue_id: one.candidate.away_m for one in part if one.category == "cafe"}
        if cursor is None:
            return found
