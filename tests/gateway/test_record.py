"""Recording: whatever the order, the batches and the repetitions, the tables are those of a short reference."""

import datetime as dt
import random
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings
from gateway import identify, record
from gateway.identify import Accepted, Facts
from server import times
from server.fleet import service as fleet
from server.presence import joining
from server.presence.joining import Trace
from server.venues import service as venues
from tests.gateway import scene

SETTINGS = settings.load(environment={})
RULE = SETTINGS.presence
LATER = scene.BEGIN + dt.timedelta(hours=6)


def _accept(session: Session, world: scene.Scene, reports: Sequence[object]) -> list[Accepted]:
    facts = Facts(session)
    judged = [
        identify.identify(world.arrived(report), facts, SETTINGS.gateway, times.to_ms(LATER))  # type: ignore[arg-type]
        for report in reports
    ]
    assert all(isinstance(item, Accepted) for item in judged), judged
    return judged  # type: ignore[return-value]


def _take(session: Session, accepted: Sequence[Accepted]) -> record.Recorded:
    return record.record(session, accepted, [], Facts(session).venues, RULE, LATER)


def _tables(session: Session) -> dict[str, list[tuple[object, ...]]]:
    queries = {
        "span": "SELECT badge_id, placement_id, from_ms, to_ms FROM span ORDER BY 1, 2, 3",
        "visit": "SELECT badge_id, venue_id, from_ms, to_ms FROM visit ORDER BY 1, 2, 3",
        "stay": "SELECT badge_id, venue_id, zone_id, from_ms, to_ms FROM stay ORDER BY 1, 2, 4",
        "trace": "SELECT badge_id, block_ms, placement_id, peaks FROM trace ORDER BY 1, 2, 3",
        "coverage": "SELECT agent_id, from_ms, to_ms FROM coverage ORDER BY 1, 2",
        "checkin": "SELECT step_id, member_id, badge_id, at, evidence, signed_up FROM checkin ORDER BY 1, 2",
        "refusal": "SELECT member_id, step_id, code, first_at, last_at, sentence FROM refusal ORDER BY 1, 2, 3",
    }
    return {name: [tuple(row) for row in session.execute(text(query))] for name, query in queries.items()}


def _reference(accepted: Sequence[Accepted]) -> dict[str, list[tuple[object, ...]]]:
    """Spans, visits and stays from all reports at once."""
    spans: dict[tuple[int, int], list[joining.Interval]] = {}
    heard: dict[int, list[joining.Interval]] = {}
    traces: dict[int, Trace] = {}
    for report in accepted:
        for reading in report.heard:
            interval = (reading.from_ms, reading.to_ms)
            spans.setdefault((reading.badge_id, report.placed.id), []).append(interval)
            heard.setdefault(reading.badge_id, []).append(interval)
            trace = traces.setdefault(reading.badge_id, Trace(RULE.slot_s * 1000))
            for slot in joining.slots_of(*interval, RULE.slot_s * 1000):
                trace.hear(report.placed.zone_id, slot, reading.rssi)
    visits = [(badge, "hall", *v) for badge, found in heard.items() for v in joining.join(found, 300_000)]
    return {
        "span": sorted((*key, *span) for key, found in spans.items() for span in joining.join(found, 60_000)),
        "visit": sorted(visits),
        "stay": sorted(
            (
                (badge, venue, stay.zone_id, stay.from_ms, stay.to_ms)
                for badge, venue, start, end in visits
                for stay in joining.stays((start, end), traces[badge], RULE, start)
            ),
            key=lambda row: (row[0], row[1], row[3]),
        ),
    }


def _evening(chance: random.Random) -> list[object]:
    """An hour of reports of both agents about three badges that come, wander, fall silent and leave."""
    reports: list[object] = []
    rooms = {number: chance.choice(scene.AGENTS) for number in range(3)}
    silent_until = dict.fromkeys(range(3), chance.uniform(0, 600))
    for place, agent in enumerate(scene.AGENTS):
        wander = random.Random(chance.random())
        for step in range(0, 3600, 20):
            heard = []
            for number in range(3):
                if step < silent_until[number]:
                    continue
                if wander.random() < 0.03:
                    rooms[number] = wander.choice(scene.AGENTS)
                if place == 0 and wander.random() < 0.02:
                    silent_until[number] = step + wander.choice([70, 250, 330, 700])
                loud = -55 if rooms[number] == agent else -75
                if wander.random() < 0.7:
                    heard.append((number, loud + wander.randint(-8, 8)))
            if wander.random() < 0.95:
                reports.append(scene.report(agent, len(reports) + 1, step, heard))
    return reports


@pytest.mark.parametrize("seed", range(6))
def test_any_order_batching_and_repetition_give_the_same_tables(session: Session, seed: int) -> None:
    chance = random.Random(seed)
    world = scene.build(session)
    scene.add_event(session, [(world.badges[0], "ana"), (world.badges[1], "ben")])
    session.execute(text("INSERT INTO sign_up (event_id, member_id) VALUES ('night', 'ana')"))
    accepted = _accept(session, world, _evening(chance))
    with session.begin_nested() as once:
        _take(session, accepted)
        expected = _tables(session)
        once.rollback()
    assert _tables(session)["span"] == []
    shuffled = [*accepted, *chance.sample(accepted, len(accepted) // 3)]
    chance.shuffle(shuffled)
    while shuffled:
        size = chance.choice([1, 2, 5, 30, 100])
        _take(session, shuffled[:size])
        del shuffled[:size]
    found = _tables(session)
    for name, rows in _reference(accepted).items():
        assert expected[name] == rows, name
    assert found == expected
    assert {row[1] for row in found["checkin"]} >= {"ana"}


def test_the_same_report_again_changes_no_row_and_raises_no_venue_twice_as_new(session: Session) -> None:
    world = scene.build(session)
    accepted = _accept(session, world, [scene.report("hall-door", 1, 0, [(0, -60)])])
    first = _take(session, accepted)
    before = _tables(session)
    again = _take(session, accepted)
    assert _tables(session) == before
    assert first.badges["hall"] == again.badges["hall"]
    assert again.coverage == {}


def test_a_report_between_two_visits_makes_them_one_and_keeps_the_older_row(session: Session) -> None:
    world = scene.build(session)
    early, late, between = _accept(
        session,
        world,
        [
            scene.report("hall-door", 1, 0, [(0, -60)]),
            scene.report("hall-door", 2, 500, [(0, -60)]),
            scene.report("hall-stage", 3, 250, [(0, -60)]),
        ],
    )
    _take(session, [early])
    _take(session, [late])
    rows = session.execute(text("SELECT id, from_ms FROM visit ORDER BY from_ms")).all()
    assert len(rows) == 2
    recorded = _take(session, [between])
    (only,) = session.execute(text("SELECT id, from_ms, to_ms FROM visit")).all()
    assert only.id == min(row.id for row in rows)
    assert (only.from_ms, only.to_ms) == (scene.T0 + 500, scene.T0 + 501_000)
    assert recorded.badges["hall"][0].from_ms == scene.T0 + 500


def test_what_changes_an_older_visit_is_announced_as_rewritten(session: Session) -> None:
    world = scene.build(session)
    old, new = _accept(
        session,
        world,
        [scene.report("hall-door", 1, 0, [(0, -60)]), scene.report("hall-door", 2, 2000, [(0, -60)])],
    )
    assert _take(session, [new]).rewritten == set()
    assert _take(session, [old]).rewritten == {"hall"}


def test_an_agent_that_moved_tells_both_venues_what_it_listened_to(session: Session) -> None:
    world = scene.build(session)
    venues.create(
        session, id="yard", name="Yard", time_zone="Europe/Paris", zones=[venues.NewZone("yard-all", "everywhere")]
    )
    moved_at = scene.BEGIN + dt.timedelta(seconds=4)
    fleet.place(session, agent_id="hall-door", venue_id="yard", zone_id="yard-all", since=moved_at)
    recorded = _take(session, _accept(session, world, [scene.report("hall-door", at, at * 2) for at in (1, 2, 3)]))
    assert set(recorded.coverage) == {"hall", "yard"}
    assert {"venue/hall", "venue/yard"} <= set(recorded.revisions)


def test_a_badge_moves_to_the_zone_that_hears_it_best(session: Session) -> None:
    world = scene.build(session)
    reports = [scene.report("hall-door", step + 1, step * 2, [(0, -55 if step < 15 else -80)]) for step in range(30)]
    reports += [
        scene.report("hall-stage", step + 101, step * 2, [(0, -80 if step < 15 else -55)]) for step in range(30)
    ]
    recorded = _take(session, _accept(session, world, reports))
    assert [row[2] for row in _tables(session)["stay"]] == ["hall-door", "hall-stage"]
    assert [stay.zone_id for stay in recorded.badges["hall"][0].stays] == ["hall-door", "hall-stage"]


def test_a_refused_report_is_set_aside_once(session: Session) -> None:
    refused = identify.Refused("hall-door", scene.BOOT, 9, b"{}", "future")
    for _ in range(2):
        record.record(session, [], [refused], {}, RULE, LATER)
    rows = session.execute(text("SELECT agent_id, boot, seq, reason FROM refused_report")).all()
    assert [tuple(row) for row in rows] == [("hall-door", scene.BOOT, 9, "future")]
