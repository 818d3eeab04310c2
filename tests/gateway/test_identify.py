"""Judging a message: what is taken, what is set aside with its reason, what is not even answered."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from beacon_agent import wire
from config import settings
from gateway import identify
from gateway.facts import Facts
from gateway.identify import Accepted, Probe, Refused
from gateway.ingest import Arrived
from server import database, times
from server.badges import service as badges
from server.fleet import service as fleet
from tests.gateway import scene

LIMITS = settings.load(environment={}).gateway
NOW_MS = scene.T0 + 4000


@pytest.fixture
def world(session: Session) -> scene.Scene:
    """The hall, its agents and badges."""
    return scene.build(session)


def _judge(session: Session, arrived: Arrived, now_ms: int = NOW_MS) -> Accepted | Refused | Probe:
    return identify.identify(arrived, Facts(session), LIMITS, now_ms)


def test_a_good_report_is_taken(session: Session, world: scene.Scene) -> None:
    found = _judge(session, world.arrived(scene.report("hall-door", 1, 0, [(0, -60), (1, -70)])))
    assert isinstance(found, Accepted)
    assert [badge_id for badge_id, *_ in found.heard] == world.badges[:2]
    assert found.heard[0][1] == scene.T0 + 500


def test_a_strangers_identity_is_counted_and_dropped(session: Session, world: scene.Scene) -> None:
    found = _judge(session, world.arrived(scene.report("hall-door", 1, 0, [(0, -60), (200, -50)])))
    assert isinstance(found, Accepted)
    assert (len(found.heard), found.unregistered) == (1, 1)


def test_a_reading_below_the_placements_floor_makes_no_visit(session: Session, world: scene.Scene) -> None:
    found = _judge(session, world.arrived(scene.report("hall-door", 1, 0, [(0, -90), (1, -91)])))
    assert isinstance(found, Accepted)
    assert (len(found.heard), found.below_floor) == (1, 1)


def test_a_fixed_beacon_is_registered_but_no_badge(session: Session, world: scene.Scene) -> None:
    badges.register_beacon(session, identity=scene.identity(99), agent_id="hall-door", since=scene.EARLIER)
    found = _judge(session, world.arrived(scene.report("hall-door", 1, 0, [(99, -40)])))
    assert isinstance(found, Accepted)
    assert (found.heard, found.unregistered) == ([], 0)
    assert found.beacons == [("hall-door", scene.T0 + 500, scene.T0 + 1000)]


def _resigned(world: scene.Scene, report: wire.Report, **changed: Any) -> Arrived:
    body = json.loads(wire.encode(report)) | changed
    return Arrived(report.agent, wire.sign(world.keys[report.agent], json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"from": scene.T0 + 20_000, "to": scene.T0 + 22_000}, "future"),
        ({"from": scene.T0 - 7 * 86_400_000, "to": scene.T0 - 7 * 86_400_000 + 2000}, "not_placed"),
        ({"clock": "unknown"}, "undated"),
        ({"v": 2}, "bad_version"),
        ({"from": scene.T0 + 1}, "bad_report"),
        ({"to": scene.T0 - 2000}, "bad_report"),
        ({"readings": [["zz", 0, 0, 1, -60, -60, -59]]}, "bad_report"),
        ({"readings": [[scene.identity(0).hex(), 0, 1, 1, -60, -60]]}, "bad_report"),
        ({"readings": [[scene.identity(0).hex(), 0, 5000, 1, -60, -60, -59]]}, "bad_report"),
        ({"readings": [[scene.identity(0).hex(), 0, 1, 1, -60, True, -59]]}, "bad_report"),
        ({"readings": {"a": 1}}, "bad_report"),
    ],
)
def test_an_authentic_report_that_cannot_be_taken_is_refused_by_its_number(
    session: Session, world: scene.Scene, changed: dict[str, Any], reason: str
) -> None:
    good = scene.report("hall-door", 7, 0, [(0, -60)])
    assert isinstance(_judge(session, _resigned(world, good)), Accepted)
    found = _judge(session, _resigned(world, good, **changed))
    assert isinstance(found, Refused)
    assert (found.boot, found.seq, found.reason) == (scene.BOOT, 7, reason)


def test_a_long_window_that_was_cut_short_is_not_of_the_future(session: Session, world: scene.Scene) -> None:
    cut = scene.report("hall-door", 1, 0, [(0, -60)], length_s=30, radio=wire.Radio.OFF)
    assert isinstance(_judge(session, world.arrived(cut), scene.T0 + 16_000), Accepted)
    early = _judge(session, world.arrived(cut), scene.T0 + 4000)  # its last reading is of T0 + 15 s
    whole = _judge(session, world.arrived(replace(cut, radio=wire.Radio.OK)), scene.T0 + 16_000)
    assert isinstance(early, Refused)
    assert isinstance(whole, Refused)
    assert early.reason == whole.reason == "future"


def test_a_report_older_than_the_bound_is_expired(session: Session, world: scene.Scene) -> None:
    late = NOW_MS + round(LIMITS.report_max_age_s * 1000) + 1
    found = _judge(session, world.arrived(scene.report("hall-door", 7, 0)), late)
    assert isinstance(found, Refused)
    assert found.reason == "expired"


def test_what_a_spool_still_keeps_is_not_expired(session: Session, world: scene.Scene) -> None:
    kept_ms = round(settings.load(environment={}).agent.spool_max_age_s * 1000)
    found = _judge(session, world.arrived(scene.report("hall-door", 7, 0)), scene.T0 + kept_ms + 3_600_000)
    assert isinstance(found, Accepted)


@pytest.mark.parametrize("changed", [{"seq": 0}, {"seq": True}, {"boot": "../../x"}, {"boot": 5}, {"seq": "1"}])
def test_an_authentic_body_without_a_usable_number_is_not_answered(
    session: Session, world: scene.Scene, changed: dict[str, Any]
) -> None:
    with pytest.raises(wire.Unacceptable) as refusal:
        _judge(session, _resigned(world, scene.report("hall-door", 7, 0), **changed))
    assert refusal.value.reason == "bad_report"


def test_what_cannot_be_authenticated_is_not_answered(session: Session, world: scene.Scene) -> None:
    report = scene.report("hall-door", 7, 0, [(0, -60)])
    good = world.arrived(report)
    flipped = bytes([good.payload[0] ^ 1]) + good.payload[1:]
    foreign_key = wire.sign(world.keys["hall-stage"], wire.encode(report))
    for payload, reason in [
        (flipped, "bad_signature"),
        (foreign_key, "bad_signature"),
        (b"", "bad_signature"),
        (b"{}", "bad_signature"),
        (good.payload[:-1], "bad_signature"),
        (good.payload + b" " * wire.MAX_PAYLOAD_BYTES, "too_large"),
    ]:
        with pytest.raises(wire.Unacceptable) as refusal:
            _judge(session, Arrived("hall-door", payload))
        assert refusal.value.reason == reason
    with pytest.raises(wire.Unacceptable) as refusal:
        _judge(session, Arrived("nobody", good.payload))
    assert refusal.value.reason == "unknown_agent"


def test_a_report_on_anothers_topic_is_not_answered(session: Session, world: scene.Scene) -> None:
    stolen = replace(scene.report("hall-door", 7, 0), agent="hall-stage")
    payload = wire.sign(world.keys["hall-door"], wire.encode(stolen))
    with pytest.raises(wire.Unacceptable) as refusal:
        _judge(session, Arrived("hall-door", payload))
    assert refusal.value.reason == "wrong_agent"


def test_a_report_is_judged_by_what_was_in_force_at_its_time(session: Session, world: scene.Scene) -> None:
    moved_at = scene.BEGIN + dt.timedelta(seconds=10)
    fleet.place(session, agent_id="hall-door", venue_id="hall", zone_id="hall-stage", since=moved_at)
    before = _judge(session, world.arrived(scene.report("hall-door", 1, 8)), scene.T0 + 60_000)
    after = _judge(session, world.arrived(scene.report("hall-door", 2, 10)), scene.T0 + 60_000)
    assert isinstance(before, Accepted)
    assert isinstance(after, Accepted)
    assert (before.placed.zone_id, after.placed.zone_id) == ("hall-door", "hall-stage")
    assert times.to_ms(moved_at) == after.placed.from_ms


def test_a_venue_made_while_the_facts_are_read_is_known_with_its_agents(fresh_database: str) -> None:
    engine = database.connect(fresh_database, pool=2)
    made: list[bool] = []

    def make(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "agent" in statement and "SELECT id, key" not in statement and not made:
            made.append(True)
            with database.transaction(engine) as another:
                scene.build(another)

    with database.transaction(engine) as session:
        event.listen(session.connection(), "before_cursor_execute", make)
        facts = Facts(session)
    engine.dispose()
    assert [placed.venue_id for places in facts.placements.values() for placed in places] == ["hall", "hall"]
    assert "hall" in facts.venues
