"""What is near is read by indexes: no statement goes through a table, however large the world is."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.orm import Session

from geo import postgis
from server import database
from server.nearby import candidates, person, service
from server.nearby.candidates import Asked, Edge, Hers, Part
from server.operations import postgres as private_postgres
from tests.bench import cities
from tests.bench.cities import Cities
from tests.conftest import TEMPLATE
from tests.server.places import NOW
from tests.server.plans import read_whole, read_whole_unseen

HERE = (180.0, -17.0)  # the first city's middle
# Of a handful of rows here, and read whole by every plan that is worth anything.
SMALL = {"learnt_weight", "venue_moment", "community"}
ASKED = Asked(HERE, NOW, NOW + dt.timedelta(days=14))


@pytest.fixture(scope="module")
def town(postgres: private_postgres.Cluster, worker: str) -> Iterator[Engine]:
    """Two cities of 10,000 things and as many members."""
    name = f"muster_{worker}_cities"
    postgres.create_database(name, template=TEMPLATE)
    cities.build(postgres.conninfo(name, superuser=True), Cities(2), NOW, say=lambda _: None)
    engine = database.connect(postgres.conninfo(name))
    try:
        yield engine
    finally:
        engine.dispose()
        postgres.drop_database(name)


def scanned(session: Session, statement: TextClause, given: dict[str, Any]) -> set[str]:
    """The tables that a statement reads whole, but for small ones."""
    return read_whole(session, statement, given) - SMALL


GIVEN = {
    "here": postgis.here(HERE),
    "at": ASKED.at,
    "until": ASKED.until,
    "fresh": ASKED.at,
    "radius_m": 3000.0,
    "interests": ["i-1"],
    "community": "c-1",
    "communities": ["c-1", "c-2"],
    "event_ids": ["e-1"],
    "venue_ids": ["v-1"],
    "events_m": 100.0,
    "events_id": 5,
    "venues_m": 100.0,
    "venues_id": 5,
}


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize(
    "asked",
    [
        ASKED,
        ASKED._replace(radius_m=3000.0),
        ASKED._replace(interests=("i-1",)),
        ASKED._replace(radius_m=3000.0, community_id="c-1", places_left=True),
    ],
)
def test_candidates_come_by_their_indexes(town: Engine, asked: Asked, goes_on: bool) -> None:
    statement = candidates._statement(
        candidates._filters(asked), (120, goes_on), (80, goes_on), tuple(candidates._WAYS)
    )
    with database.transaction(town) as session:
        assert scanned(session, statement, GIVEN) == set()
        assert read_whole_unseen(session, statement) <= SMALL


def test_a_person_and_names_come_by_their_indexes(town: Engine) -> None:
    with database.transaction(town) as session:
        given = {"member": "m-7", "now": NOW, "latest": 60, "sure": 0.99}
        assert scanned(session, person._READ, given) == set()
        assert scanned(session, service._NAMES, {"member": "m-7", "listings": [1, 2, 3]}) == set()
        assert read_whole_unseen(session, person._READ) <= SMALL
        assert read_whole_unseen(session, service._NAMES) <= SMALL


def test_the_town_is_what_the_benchmark_says(town: Engine) -> None:
    with database.transaction(town) as session:
        assert session.scalar(text("SELECT count(*) FROM listing")) >= Cities(2).things - cities.COMMUNITIES * 2
        near = candidates.near(
            session,
            ASKED,
            communities=["c-1"],
            events=Part(50, Edge(10.0, 1)),
            venues=Part(50),
            hers=Hers(communities=["c-1"]),
        )
        assert len(near.found) >= 100
