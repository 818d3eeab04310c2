"""Tests of what a recording finds and makes in the database before it is replayed."""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from server import database, times
from server.badges import service as badges
from server.errors import Invalid
from server.fleet import service as fleet
from server.operations import recording
from server.operations.recording import CannotReplay, Facts
from server.people import service as people
from server.venues import service as venues

UUID = bytes.fromhex("daf246ce836311e4b116123b93f75cba")
BADGE, OTHER = UUID + bytes([0, 1, 0, 5]), UUID + bytes([0, 1, 0, 6])
BEACON = bytes.fromhex("daf246cef20111e4b116123b93f75cba") + bytes([0, 201, 0, 20])
FROM_MS, TO_MS = 1_425_757_567_417, 1_425_758_320_000
FACTS = Facts(["Room201", "Room 202"], [BADGE, OTHER], {BEACON: "Room201"}, FROM_MS, TO_MS, 100)
TABLES = ("venue", "zone", "agent", "placement", "badge", "identity")


@pytest.fixture
def own_engine(fresh_database: str) -> Iterator[Engine]:
    engine = database.connect(fresh_database, pool=1)
    yield engine
    engine.dispose()


def count_rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in TABLES}


def test_a_recording_is_described_by_what_moves_and_what_stands() -> None:
    described = {
        "scanners": ["A", "B"],
        "identities": [
            {"identity": BADGE.hex(), "heartbeat": False, "scanners": {"A": 3, "B": 1}},
            {"identity": BEACON.hex(), "heartbeat": True, "scanners": {"A": 1, "B": 9}},
        ],
        "from_ms": FROM_MS,
        "to_ms": TO_MS,
        "rows": 14,
        "bad_rows": 0,
    }
    assert recording.read_facts(described) == Facts(["A", "B"], [BADGE], {BEACON: "B"}, FROM_MS, TO_MS, 14)


def test_every_scanner_gets_a_zone_and_an_agent_of_its_name(own_engine: Engine) -> None:
    scanners = recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    assert [(s.name, s.agent_id) for s in scanners] == [("Room201", "summit-room201"), ("Room 202", "summit-room-202")]
    with database.transaction(own_engine) as session:
        venue = venues.get(session, "summit")
        assert venue.replayed
        assert not venue.simulated
        assert {z.id: z.name for z in venues.zones_of(session, venue_id="summit")} == {
            "summit-room201": "Room201",
            "summit-room-202": "Room 202",
        }
        placed = fleet.placed_at(session, venue_id="summit", at=times.from_ms(FROM_MS))
        assert {p.agent_id: (p.zone_id, p.rssi_floor) for p in placed} == {
            "summit-room201": ("summit-room201", -128),
            "summit-room-202": ("summit-room-202", -128),
        }
        assert all(fleet.get(session, s.agent_id).key == s.key for s in scanners)


def test_badges_are_registered_from_before_the_recording_and_beacons_are_no_badges(own_engine: Engine) -> None:
    recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    with database.transaction(own_engine) as session:
        found = badges.list_all(session)
        assert [badge.label for badge in found] == ["1/5", "1/6"]
        (identity,) = badges.identities_of(session, badge_id=found[0].id)
        assert identity.identity == BADGE
        assert identity.valid.lower is not None
        assert identity.valid.lower < times.from_ms(FROM_MS)
        row = session.execute(text("SELECT agent_id FROM identity WHERE badge_id IS NULL")).scalar_one()
        assert row == "summit-room201"


def test_a_second_replay_makes_nothing_anew(own_engine: Engine) -> None:
    first = recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    before = count_rows(own_engine)
    assert recording.prepare(own_engine, FACTS, "summit", FROM_MS) == first
    assert count_rows(own_engine) == before


def test_another_recording_of_the_same_badges_shares_them_whichever_is_older(own_engine: Engine) -> None:
    recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    older = Facts(["Room201"], [BADGE], {}, FROM_MS - 10**9, TO_MS - 10**9, 9)
    recording.prepare(own_engine, older, "rehearsal", older.from_ms)
    assert count_rows(own_engine)["badge"] == 2


def test_the_broker_must_know_an_agent_for_each_scanner(own_engine: Engine) -> None:
    scanners = recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    recording.prepare(own_engine, FACTS, "other", FROM_MS)
    wanted = recording.logins_of(own_engine, scanners)
    assert {login.agent_id for login in wanted} == {"summit-room201", "summit-room-202"}
    assert len({login.password for login in wanted}) == 2
    assert len({login.shard for login in wanted}) == 1


def test_a_venue_of_today_is_not_played_into(own_engine: Engine) -> None:
    with database.transaction(own_engine) as session:
        venues.create(session, id="cafe", name="Café", time_zone="UTC")
    before = count_rows(own_engine)
    with pytest.raises(CannotReplay, match="choose another --venue"):
        recording.prepare(own_engine, FACTS, "cafe", FROM_MS)
    assert count_rows(own_engine) == before


def test_a_venue_of_other_rooms_is_not_played_into(own_engine: Engine) -> None:
    recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    other = Facts(["Room201", "Cellar"], [BADGE], {}, FROM_MS, TO_MS, 9)
    with pytest.raises(CannotReplay, match="without Cellar"):
        recording.prepare(own_engine, other, "summit", FROM_MS)


def test_an_agent_of_today_is_not_taken_for_a_scanner(own_engine: Engine) -> None:
    with database.transaction(own_engine) as session:
        people.create(session, id="ben", name="Ben")
        venues.create(session, id="cafe", name="Café", time_zone="UTC", owner_id="ben", contact="at the bar")
        fleet.enrol(session, agent_id="summit-room201")
        fleet.place(
            session,
            agent_id="summit-room201",
            venue_id="cafe",
            zone_id="cafe-everywhere",
            since=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        )
    with pytest.raises(CannotReplay, match="summit-room201"):
        recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    assert count_rows(own_engine)["venue"] == 1


def test_a_badge_that_became_somebodys_later_keeps_its_past(own_engine: Engine) -> None:
    since = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with database.transaction(own_engine) as session:
        badges.register(session, identity=BADGE, since=since)
    with pytest.raises(CannotReplay, match="--shift-to-now"):
        recording.prepare(own_engine, FACTS, "summit", FROM_MS)
    recording.prepare(own_engine, FACTS, "summit", times.to_ms(since) + 1)
    assert count_rows(own_engine)["badge"] == 2


def test_scanners_that_would_be_one_agent_are_refused() -> None:
    with pytest.raises(CannotReplay, match="Room 1 and room-1"):
        recording.name_agents("summit", ["Room 1", "room-1"])


def test_an_agent_has_a_possible_id_whatever_the_scanner_is_called() -> None:
    assert recording.name_agents("v", ["Raum Ü.1", "会议室"]) == {"Raum Ü.1": "v-raum-1", "会议室": "v-scanner"}
    (long_id,) = recording.name_agents("v" * 64, ["Room201"]).values()
    assert len(long_id) <= 64
    assert long_id.endswith("-room201")


def test_an_impossible_venue_is_refused(own_engine: Engine) -> None:
    with pytest.raises(Invalid):
        recording.prepare(own_engine, FACTS, "Not An Id", FROM_MS)
