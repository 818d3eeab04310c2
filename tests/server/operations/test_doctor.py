"""What the doctor says of agents that are deaf in fact, and of those whose disk is full."""

import datetime as dt

import pytest

from beacon_agent import wire
from config import settings
from server import database, times
from server.badges import service as badges
from server.fleet import service as fleet
from server.fleet.model import Placement
from server.operations import doctor
from tests.server.presence import scene


@pytest.mark.parametrize("heard_until_s", [600, 5])
def test_an_agent_that_no_longer_hears_its_beacon_is_found(fresh_database: str, heard_until_s: int) -> None:
    now = dt.datetime.now(dt.UTC)
    engine = database.connect(fresh_database, pool=1)
    with database.transaction(engine) as session:
        scene.venue(session, "cafe")
        scene.listens(session, "cafe-hall-pi", scene.at(3000, now), scene.at(0, now))
        long_ago = times.from_ms(scene.at(4000, now))
        badges.register_beacon(session, identity=bytes([7] * 20), agent_id="cafe-hall-pi", since=long_ago)
        placement = session.query(Placement).one()
        scene.beacon(session, "cafe-hall-pi", placement.id, scene.at(3000, now), scene.at(heard_until_s, now))
    engine.dispose()
    chosen = settings.load(environment={"MUSTER_DATABASE__DSN": fresh_database})
    found = [finding for finding in doctor.examine(chosen, now) if finding.part == "deaf agent"]
    if heard_until_s < 60:
        assert found == []
        return
    (deaf,) = found
    assert not deaf.well
    assert deaf.found.startswith("cafe-hall-pi no longer hears its own beacon, which it heard until")
    assert "look after that Pi" in deaf.advice


@pytest.mark.parametrize("unspooled", [0, 12])
def test_an_agent_whose_disk_is_full_is_found(fresh_database: str, unspooled: int) -> None:
    now = dt.datetime.now(dt.UTC)
    counters = {"windows": 40, **({"unspooled": unspooled} if unspooled else {})}
    engine = database.connect(fresh_database, pool=1)
    with database.transaction(engine) as session:
        fleet.enrol(session, agent_id="cafe-door")
        status = wire.Status(online=True, boot="9f3a17c2", conn=1, rev=0, counters=counters)
        assert fleet.take_status(session, agent_id="cafe-door", status=status, now=now, retained=False)
    engine.dispose()
    chosen = settings.load(environment={"MUSTER_DATABASE__DSN": fresh_database})
    found = [finding for finding in doctor.examine(chosen, now) if finding.part == "agent's disk"]
    assert [finding.found for finding in found] == (
        ["cafe-door could not keep 12 windows since it was started"] if unspooled else []
    )
    assert all("make room on that Pi" in finding.advice for finding in found)
