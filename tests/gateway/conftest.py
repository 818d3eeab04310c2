"""A world of its own for tests that commit."""

from collections.abc import Iterator

import pytest

from server import database
from tests.gateway import plant, scene


@pytest.fixture
def house_world(fresh_database: str) -> Iterator[plant.World]:
    """The hall with its agents and badges, on a database of its own."""
    engine = database.connect(fresh_database, pool=4)
    with database.transaction(engine) as session:
        made = scene.build(session)
    yield plant.World(fresh_database, engine, made)
    engine.dispose()
