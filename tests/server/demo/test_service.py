"""Tests of what the server knows of the simulated world and how it speaks to it."""

import contextlib
import json
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server import database
from server.demo import service as demo
from server.errors import MusterError

BOUNDS = (-30.001, 44.999, -29.999, 45.001)


@pytest.fixture
def world(session: Session) -> Session:
    demo.keep(
        session,
        {
            demo.NEIGHBOURHOOD: {"bounds": BOUNDS, "streets": {"type": "FeatureCollection", "features": []}},
            "person/you": {"badge": 7, "lon": -30.0, "lat": 45.0},
            "person/ben": {"badge": 8, "lon": -30.0, "lat": 45.0},
            "agent/cafe-pi": {"venue": "cafe", "running": True},
        },
    )
    return session


def test_a_member_sees_herself_the_pis_and_the_streets(world: Session) -> None:
    found = demo.describe(world, member_id="you")
    assert found.you == demo.You("you", 7, -30.0, 45.0)
    assert found.pis == [demo.Pi("cafe-pi", "cafe", running=True)]
    assert tuple(found.bounds) == BOUNDS
    assert found.people_simulated == 2


def test_a_member_without_a_simulated_badge_sees_the_rest(world: Session) -> None:
    assert demo.describe(world, member_id="ops").you is None


def test_what_the_world_says_again_replaces_what_it_said_before(world: Session) -> None:
    demo.keep(world, {"agent/cafe-pi": {"venue": "cafe", "running": False}})
    assert demo.describe(world, member_id="you").pis == [demo.Pi("cafe-pi", "cafe", running=False)]


def test_while_a_new_world_begins_the_old_one_is_forgotten_but_not_the_streets(world: Session) -> None:
    demo.forget(world)
    with pytest.raises(demo.NoWorld):
        demo.describe(world, member_id="you")
    demo.keep(world, {"agent/cafe-pi": {"venue": "cafe", "running": True}})
    found = demo.describe(world, member_id="you")
    assert (found.you, found.people_simulated) == (None, 0)
    assert found.streets["type"] == "FeatureCollection"


def test_before_the_seed_it_says_to_try_again(session: Session) -> None:
    for ask in (
        lambda: demo.describe(session, member_id="you"),
        lambda: demo.move(session, member_id="you", lon=-30, lat=45),
    ):
        with pytest.raises(demo.NoWorld):
            ask()


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        (-29.998, 45.0),
        (-30.0, 45.002),
        (13.4, 52.5),
        (float("nan"), 45.0),
        (-30.0, float("inf")),
        (-30.0, float("nan")),
    ],
)
def test_nobody_is_moved_out_of_the_neighbourhood(world: Session, lon: float, lat: float) -> None:
    with pytest.raises(demo.OutsideNeighbourhood):
        demo.move(world, member_id="you", lon=lon, lat=lat)


def test_who_has_no_simulated_badge_cannot_be_moved(world: Session) -> None:
    with pytest.raises(demo.NobodySimulated):
        demo.move(world, member_id="ops", lon=-30.0, lat=45.0)


def test_only_simulated_pis_can_be_killed(world: Session) -> None:
    with pytest.raises(demo.NotSimulated):
        demo.switch(world, agent_id="real-pi", running=False)


@pytest.fixture
def own_engine(fresh_database: str) -> Iterator[Engine]:
    engine = database.connect(fresh_database, pool=1)
    yield engine
    engine.dispose()


def test_wishes_reach_the_world_when_the_transaction_commits_and_only_then(
    own_engine: Engine, fresh_database: str
) -> None:
    with psycopg.connect(fresh_database, autocommit=True) as listening:
        listening.execute(f"LISTEN {demo.CHANNEL}")
        with database.transaction(own_engine) as session:
            demo.keep(
                session,
                {
                    demo.NEIGHBOURHOOD: {"bounds": BOUNDS, "streets": {}},
                    "person/you": {"badge": 7, "lon": -30.0, "lat": 45.0},
                    "agent/cafe-pi": {"venue": "cafe", "running": True},
                },
            )
        with contextlib.suppress(MusterError), database.transaction(own_engine) as session:
            demo.switch(session, agent_id="cafe-pi", running=False)
            raise MusterError
        with database.transaction(own_engine) as session:
            demo.move(session, member_id="you", lon=-30.0005, lat=45.0005)
            demo.switch(session, agent_id="cafe-pi", running=True)
        heard = [json.loads(notice.payload) for notice in listening.notifies(timeout=10, stop_after=2)]
    assert heard == [
        {"you": {"member": "you", "lon": -30.0005, "lat": 45.0005}},
        {"agent": {"id": "cafe-pi", "running": True}},
    ]
