"""Whatever the order, the repetition, the batches, the gateways and the crashes: the tables are a short reference's."""

import datetime as dt
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from beacon_agent import wire
from gateway.facts import Facts
from gateway.identify import Accepted, identify
from server import database, times
from server.presence import joining
from server.presence.joining import Trace
from tests.gateway import plant, scene
from tests.gateway.plant import Crash, Gateway, Wire

RULE = plant.load().presence
SLOT_MS = RULE.slot_s * 1000
NOW = scene.BEGIN + dt.timedelta(hours=6)
# Windows that make every kind of gap: next to each other, over heard_gap, over join_gap, hours later.
STARTS_S = [0, 2, 4, 6, 10, 20, 30, 40, 60, 70, 130, 150, 152, 300, 420, 424, 430, 800, 806, 1200, 5000, 5010]


@pytest.fixture
def world(house_world: plant.World) -> plant.World:
    """The hall with an event that ana signed up for, and ben did not."""
    with database.transaction(house_world.engine) as session:
        badges = house_world.scene.badges
        scene.add_event(session, [(badges[0], "ana"), (badges[1], "ben")], dwell_s=4)
        session.execute(text("INSERT INTO sign_up (event_id, member_id) VALUES ('night', 'ana')"))
    return house_world


def reference(engine: Engine, made: scene.Scene, reports: list[wire.Report]) -> dict[str, list[tuple[Any, ...]]]:
    """Spans, visits, stays and coverage from the whole log at once."""
    with database.transaction(engine) as session:
        facts = Facts(session)
    log = [identify(made.arrived(report), facts, plant.load().gateway, times.to_ms(NOW)) for report in reports]
    heard, spans, listened = defaultdict(list), defaultdict(list), defaultdict(list)
    traces: dict[int, Trace] = defaultdict(lambda: Trace(SLOT_MS))
    for report in log:
        assert isinstance(report, Accepted)
        if report.listened:
            listened[report.agent, report.placed.id].append((report.from_ms, report.to_ms))
        for badge, start, end, rssi in report.heard:
            heard[badge].append((start, end))
            spans[badge, report.placed.id].append((start, end))
            for slot in joining.slots_of(start, end, SLOT_MS):
                traces[badge].hear(report.placed.zone_id, slot, rssi)
    visits = [(badge, "hall", *visit) for badge in heard for visit in joining.join(heard[badge], 300_000)]
    return {
        "span": sorted((*key, *span) for key in spans for span in joining.join(spans[key], 60_000)),
        "visit": sorted(visits),
        "coverage": sorted((*key, *run) for key in listened for run in joining.join(listened[key], 0)),
        "stay": sorted(
            (badge, venue, *stay)
            for badge, venue, start, end in visits
            for stay in joining.stays((start, end), traces[badge], RULE, start)
        ),
    }


@st.composite
def logs(draw: st.DrawFn) -> list[wire.Report]:
    """Reports of both agents about three badges, in order."""
    reports: list[wire.Report] = []
    for place, agent in enumerate(scene.AGENTS):
        for start_s in draw(st.lists(st.sampled_from(STARTS_S), unique=True, min_size=1, max_size=14)):
            heard = draw(
                st.dictionaries(st.integers(0, 2), st.sampled_from([-50, -56, -62, -70, -80, -91]), max_size=3)
            )
            radio = draw(st.sampled_from([wire.Radio.OK, wire.Radio.OK, wire.Radio.DEAF]))
            reports.append(scene.report(agent, 100 * place + len(reports) + 1, start_s, heard.items(), radio=radio))
    return reports


ACTS = st.sampled_from(["go on"] * 6 + ["everything", "other takes over", "crash at commit", "crash at ack", "restart"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=logs(), coalesce_s=st.sampled_from(["0", "15"]), data=st.data())
def test_the_tables_are_those_of_the_whole_log(
    world: plant.World, reports: list[wire.Report], coalesce_s: str, data: st.DataObject
) -> None:
    plant.empty(world.conninfo)
    expected = reference(world.engine, world.scene, reports)
    wires = [Wire(), Wire()]

    def make(at: int) -> Gateway:
        wires[at].crash_at_ack = False
        return Gateway(world.engine, wires[at], f"gateway-{at}", NOW, MUSTER_GATEWAY__COALESCE_S=coalesce_s)

    gateways = [make(0), make(1)]
    order = data.draw(st.permutations([*reports, *data.draw(st.lists(st.sampled_from(reports), max_size=5))]))
    left = plant.deliver(world.scene, order)
    while left:
        size, at, act = data.draw(st.integers(1, 12)), data.draw(st.integers(0, 1)), data.draw(ACTS)
        batch, left = left[:size], left[size:]
        gateway = gateways[at]
        try:
            gateway.crash_at_commit = act == "crash at commit"
            gateway.wire.crash_at_ack = act == "crash at ack"
            gateway.take(batch)
            if act == "everything":
                gateway.worker.flush(everything=True)
            gateway.crash_at_commit = gateway.wire.crash_at_ack = False
            if act == "other takes over":
                gateways[1 - at].worker.take_shards()
            elif act == "restart":
                gateways[at] = make(at)
        except Crash:
            gateways[at] = make(at)
    _redeliver(world, reports, gateways)
    found = plant.tables(world.engine)
    for name, rows in expected.items():
        assert found[name] == rows, name
    plant.empty(world.conninfo)
    _redeliver(world, reports, [Gateway(world.engine, Wire(), "gateway-0", NOW)])
    once = plant.tables(world.engine)
    for name, rows in once.items():
        assert found[name] == rows, name


def _redeliver(world: plant.World, reports: list[wire.Report], gateways: list[Gateway]) -> None:
    """What is not acknowledged comes again, until all of it is."""
    for _ in range(10):
        settled = {number for gateway in gateways for number in gateway.wire.done}
        again = [report for report in reports if (report.agent, report.seq) not in settled]
        if not again:
            return
        for gateway in gateways:
            gateway.take(plant.deliver(world.scene, again))
            gateway.worker.flush(everything=True)
    raise AssertionError(f"never acknowledged: {again}")
