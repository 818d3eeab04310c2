"""Founding by two taps that arrive at the same moment, each in a transaction of its own."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select

from server import database
from server.communities import founding
from server.communities.model import Community
from server.people import service as people
from tests.server.places import NOW, make_members


@pytest.fixture
def engine(committing_database: str) -> Iterator[Engine]:
    """A database of its own, with its people."""
    made = database.connect(committing_database)
    with database.transaction(made) as session:
        make_members(session)
    yield made
    made.dispose()


def test_two_taps_at_once_found_one(engine: Engine) -> None:
    start = threading.Barrier(2)
    found: list[str] = []

    def tap() -> None:
        start.wait()
        with database.transaction(engine) as session:
            dora = people.get(session, "dora")
            made = founding.just_founded(session, name="Chess", by=dora, now=NOW)
            made = made or founding.found(session, name="Chess", by=dora, now=NOW)
            found.append(made.id)

    taps = [threading.Thread(target=tap) for _ in range(2)]
    for one in taps:
        one.start()
    for one in taps:
        one.join()
    assert found == ["chess", "chess"]
    with database.transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(Community)) == 1
