"""Enrolment, placements, configs and statuses of agents."""

import threading

import pytest
from sqlalchemy.orm import Session

from beacon_agent import wire
from server import database, topics
from server.errors import Invalid
from server.fleet import service as fleet
from server.venues import service as venues
from tests.server.places import CAFE, HOUR, NOW, make_agent, make_cafe, make_members


@pytest.fixture(autouse=True)
def _cafe(session: Session) -> None:
    make_members(session)
    make_cafe(session)


def test_an_agent_gets_a_key_of_its_own(session: Session) -> None:
    first, second = fleet.enrol(session, agent_id="a"), fleet.enrol(session, agent_id="b")
    assert len(first) == len(second) == 32
    assert first != second
    assert fleet.get(session, "a").key == first


def test_a_key_is_given_once(session: Session) -> None:
    key = fleet.enrol(session, agent_id="a")
    with pytest.raises(fleet.AgentExists):
        fleet.enrol(session, agent_id="a")
    assert fleet.get(session, "a").key == key


def test_a_short_key_or_a_wrong_id_is_refused(session: Session) -> None:
    with pytest.raises(Invalid, match="32 bytes"):
        fleet.enrol(session, agent_id="a", key=b"short")
    with pytest.raises(Invalid, match="id of an agent"):
        fleet.enrol(session, agent_id="A")


@pytest.mark.parametrize("part", ["admin", "gateway", "server"])
def test_an_agent_cannot_take_the_login_of_a_part(session: Session, part: str) -> None:
    with pytest.raises(Invalid, match="broker"):
        fleet.enrol(session, agent_id=part)


def test_of_two_enrolments_at_once_one_gets_the_key(fresh_database: str) -> None:
    engine = database.connect(fresh_database, pool=2)
    together = threading.Barrier(2)
    outcomes: list[bytes] = []

    def enrol() -> None:
        with database.transaction(engine) as session:
            together.wait(10)
            try:
                outcomes.append(fleet.enrol(session, agent_id="twin"))
            except fleet.AgentExists:
                outcomes.append(b"")

    threads = [threading.Thread(target=enrol) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with database.transaction(engine) as session:
        assert sorted(outcomes) == [b"", fleet.get(session, "twin").key]
    engine.dispose()


def test_a_move_ends_the_placement_before_it(session: Session) -> None:
    make_agent(session)
    fleet.place(session, agent_id="cafe-door", venue_id="cafe", zone_id="cafe-back", since=NOW)
    session.expire_all()
    now, before = fleet.placements_of(session, agent_id="cafe-door")
    assert (now.zone_id, now.valid.lower, now.valid.upper) == ("cafe-back", NOW, None)
    assert (before.zone_id, before.valid.lower, before.valid.upper) == ("cafe-front", NOW - HOUR, NOW)
    assert fleet.placement_at(session, agent_id="cafe-door", at=NOW - HOUR / 2) is before
    assert fleet.placement_at(session, agent_id="cafe-door", at=NOW) is now
    assert [place.zone_id for place in fleet.placed_at(session, venue_id="cafe", at=NOW)] == ["cafe-back"]
    assert fleet.newest_places(session)["cafe-door"] is now


def test_an_agent_is_never_at_two_places_at_once(session: Session) -> None:
    make_agent(session)
    for since in (NOW - HOUR, NOW - 2 * HOUR):
        with pytest.raises(fleet.PlacedOtherwise, match="cafe-door has a place"):
            fleet.place(session, agent_id="cafe-door", venue_id="cafe", zone_id="cafe-back", since=since)
    (only,) = fleet.placements_of(session, agent_id="cafe-door")
    assert (only.zone_id, only.valid.upper) == ("cafe-front", None)


def test_a_place_must_exist(session: Session) -> None:
    make_agent(session)
    with pytest.raises(fleet.AgentUnknown):
        fleet.place(session, agent_id="nobody", venue_id="cafe", zone_id="cafe-back", since=NOW)
    with pytest.raises(venues.ZoneUnknown):
        fleet.place(session, agent_id="cafe-door", venue_id="cafe", zone_id="kitchen", since=NOW)
    with pytest.raises(Invalid, match="rssi_floor"):
        fleet.place(session, agent_id="cafe-door", venue_id="cafe", zone_id="cafe-back", since=NOW, rssi_floor=-200)
    with pytest.raises(Invalid, match="longitude"):
        fleet.place(session, agent_id="cafe-door", venue_id="cafe", zone_id="cafe-back", since=NOW, location=(200, 0))
    placed = fleet.place(
        session, agent_id="cafe-door", venue_id="cafe", zone_id="cafe-back", since=NOW, location=CAFE, rssi_floor=-80
    )
    session.expire_all()
    assert fleet.location_of(placed) == CAFE


def test_a_place_changes_the_facts_the_map_and_the_config(session: Session) -> None:
    make_agent(session)
    rev = fleet.get(session, "cafe-door").config_rev
    before = topics.revisions(session, [topics.FACTS, "venue/cafe"])
    fleet.place(session, agent_id="cafe-door", venue_id="cafe", zone_id="cafe-back", since=NOW)
    after = topics.revisions(session, [topics.FACTS, "venue/cafe"])
    assert all(after[topic] == before[topic] + 1 for topic in after)
    assert fleet.get(session, "cafe-door").config_rev == rev + 1


def test_a_config_names_the_shard_of_the_venue_and_waits_for_a_place(session: Session) -> None:
    fleet.enrol(session, agent_id="a")
    assert fleet.config_of(session, agent_id="a", patterns=()) is None
    fleet.place(session, agent_id="a", venue_id="cafe", zone_id="cafe-back", since=NOW, rssi_floor=-85)
    config = fleet.config_of(session, agent_id="a", patterns=[(0, b"\x01")], window_s=1)
    assert config == wire.Config(2, wire.shard_of("cafe"), ((0, b"\x01"),), rssi_floor=-85, window_s=1)
    assert wire.decode_config(wire.encode_config(config)) == config


def status(online: bool, boot: str = "aaaaaaaa", conn: int = 1) -> wire.Status:
    """What an agent says of itself."""
    return wire.Status(online=online, boot=boot, conn=conn)


def test_a_status_is_kept_with_the_time_of_its_receipt(session: Session) -> None:
    make_agent(session)
    assert fleet.take_status(session, agent_id="cafe-door", status=status(True), now=NOW)
    agent = fleet.get(session, "cafe-door")
    assert agent.status is not None
    assert agent.status["online"] is True
    assert agent.status_at == NOW


@pytest.mark.parametrize(
    ("will", "counts"),
    [
        (status(False, conn=2), True),
        (status(False, conn=1), False),
        (status(False, boot="bbbbbbbb", conn=9), False),
    ],
    ids=["of this connection", "of an older connection", "of another boot"],
)
def test_a_will_counts_for_its_own_connection_alone(session: Session, will: wire.Status, counts: bool) -> None:
    make_agent(session)
    fleet.take_status(session, agent_id="cafe-door", status=status(True, conn=2), now=NOW)
    assert fleet.take_status(session, agent_id="cafe-door", status=will, now=NOW + HOUR) is counts
    agent = fleet.get(session, "cafe-door")
    assert agent.status is not None
    assert agent.status["online"] is not counts
    assert agent.status_at == (NOW + HOUR if counts else NOW)


def test_a_retained_status_says_nothing_about_now(session: Session) -> None:
    make_agent(session)
    fleet.take_status(session, agent_id="cafe-door", status=status(True), now=NOW)
    kept = status(False, boot="bbbbbbbb")
    assert fleet.take_status(session, agent_id="cafe-door", status=kept, now=NOW + HOUR, retained=True)
    agent = fleet.get(session, "cafe-door")
    assert agent.status is not None
    assert agent.status["boot"] == "bbbbbbbb"
    assert agent.status_at == NOW


def test_a_status_of_nobody_is_refused(session: Session) -> None:
    with pytest.raises(fleet.AgentUnknown):
        fleet.take_status(session, agent_id="nobody", status=status(True), now=NOW)
