"""The whole gateway process at a real broker and a real database: exact acknowledgements, the fence, bad input."""

import datetime as dt
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import psycopg
import pytest
from sqlalchemy import text

from beacon_agent import wire
from config import settings
from gateway import worker
from gateway.health import Health
from gateway.ingest import Inbox
from gateway.link import Link
from server import database, topics
from server.fleet import fence
from server.operations.postgres import Cluster
from tests import processes
from tests.conftest import Mqtt
from tests.gateway import scene
from tests.gateway.house import GATEWAY, Box, House

Wait = Callable[..., None]


@pytest.fixture
def house(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[House]:
    """A world on a database and a broker of its own."""
    house = House(fresh_database, fresh_mosquitto, tmp_path)
    yield house
    house.engine.dispose()


def test_a_report_is_committed_before_it_is_acknowledged_and_a_repeated_one_is_acknowledged_again(
    house: House, wait_until: Wait
) -> None:
    box = house.agent()
    with house.gateway():
        payload = house.report(1, 0, [(0, -60)])
        box.send(payload)
        wait_until(lambda: box.done() == {1}, "the acknowledgement", 10)
        visits = house.rows("SELECT badge_id, from_ms, to_ms FROM visit")
        assert len(visits) == 1
        box.send(payload)
        wait_until(lambda: len(box.acks()) == 2, "the second acknowledgement", 10)
        assert house.rows("SELECT badge_id, from_ms, to_ms FROM visit") == visits
        assert abs(box.acks()[0].now_ms - time.time() * 1000) < 60_000
    box.close()


def test_acknowledgements_name_exactly_what_was_committed(house: House, wait_until: Wait) -> None:
    box = house.agent()
    with house.gateway():
        for seq in (1, 2, 5, 9):
            box.send(house.report(seq, seq * 2))
        wait_until(lambda: box.done() == {1, 2, 5, 9}, "four acknowledgements", 10)
    box.close()


def test_bad_input_is_counted_by_reason_and_disturbs_nothing_else(house: House, wait_until: Wait) -> None:
    box = house.agent()
    with house.gateway():
        good = house.report(1, 0, [(0, -60)])
        box.send(b"\x00" * 70)
        box.send(good[:-1])
        box.send(b"not a report at all")
        body = json.loads(good.partition(b"\n")[2])
        for seq, changed in ((2, {"to": body["from"] - 2000}), (3, {"v": 9}), (4, {"clock": "unknown"})):
            altered = json.dumps({**body, **changed, "seq": seq}).encode()
            box.send(wire.sign(house.keys["hall-door"], altered))
        future = scene.report("hall-door", 5, house.offset_s + 1200)
        box.send(house.world.arrived(future).payload)
        box.send(wire.sign(house.keys["hall-door"], b"{broken"))
        box.send(house.report(6, 4, agent="hall-stage"))
        box.send(good)
        wait_until(lambda: box.done() == {1}, "the good one", 10)
        expected = {2: "bad_report", 3: "bad_version", 4: "undated", 5: "future"}
        wait_until(lambda: box.refused() == expected, "the refusals", 10)
        counted = {"bad_signature": 4, "bad_report": 1, "bad_version": 1, "undated": 1, "future": 1, "not_json": 1}
        wait_until(lambda: sum(house.counters().get("refused", {}).values()) >= 9, "the counters", 10)
        assert house.counters()["refused"] == counted
        set_aside = house.rows("SELECT seq, reason FROM refused_report ORDER BY seq")
        assert dict(set_aside) == expected
        assert house.counters()["reports"] == 1
    box.close()


def test_an_agent_cannot_publish_on_anothers_topic_nor_read_what_is_not_its_own(house: House, wait_until: Wait) -> None:
    spy = Box(house.broker, "hall-stage", wire.broker_password(house.keys["hall-stage"]), ["#", "muster/v1/#"])
    box = house.agent()
    with house.gateway():
        spy.send(house.report(7, 0, [(0, -60)]), agent="hall-door")
        box.send(house.report(1, 0, [(0, -60)]))
        wait_until(lambda: box.done() == {1}, "the acknowledgement", 10)
        box.send(house.report(2, 2, [(0, -60)]))
        wait_until(lambda: box.done() == {1, 2}, "the next acknowledgement", 10)
    assert 7 not in box.done()
    assert [topic for topic, _ in spy.messages if "hall-stage" not in topic] == [
        topic for topic, _ in spy.messages if topic == wire.epoch_topic(wire.shard_of("hall"))
    ]
    spy.close()
    box.close()


def test_a_gateway_that_lost_its_shards_to_another_works_on_as_a_guest(house: House, wait_until: Wait) -> None:
    box = house.agent()
    with house.gateway():
        box.send(house.report(1, 0, [(0, -60)]))
        wait_until(lambda: box.done() == {1}, "the first acknowledgement", 10)
        with database.transaction(house.engine) as session:
            fence.take(session, "gateway-2", range(64))
        touched = house.rows("SELECT sum(touched) FROM shard")[0][0]
        box.send(house.report(2, 2, [(0, -60)]))
        wait_until(lambda: box.done() == {1, 2}, "the acknowledgement of a guest", 10)
        assert house.rows("SELECT sum(touched) FROM shard")[0][0] == touched + 1
        assert {row[0] for row in house.rows("SELECT gateway FROM shard")} == {"gateway-2"}
    box.close()


def test_a_paused_owner_cannot_hold_the_fence_for_ever_nor_write_after_it_was_overtaken(
    house: House, wait_until: Wait
) -> None:
    with house.gateway() as first:
        first.send_signal(signal.SIGSTOP)
        try:
            with house.gateway("gateway-2"):
                box = house.agent()
                box.send(house.report(1, 0, [(0, -60)]))
                wait_until(lambda: box.done() == {1}, "the second gateway's acknowledgement", 20)
                first.send_signal(signal.SIGCONT)
                box.send(house.report(2, 2, [(0, -60)]))
                wait_until(lambda: sum(2 in range(a, b + 1) for k in box.acks() for a, b in k.done) >= 2, "both", 20)
                assert len(house.rows("SELECT id FROM visit")) == 1
                box.close()
        finally:
            first.send_signal(signal.SIGCONT)


def test_taking_a_shard_is_told_to_its_agents(house: House, wait_until: Wait) -> None:
    topic = wire.epoch_topic(wire.shard_of("hall"))
    with house.gateway():
        box = Box(house.broker, "hall-door", wire.broker_password(house.keys["hall-door"]), [topic])
        wait_until(lambda: (topic, b'{"epoch":1}') in box.messages, "the first epoch", 10)
    with house.gateway():
        wait_until(lambda: (topic, b'{"epoch":2}') in box.messages, "the second epoch", 10)
    box.close()


def test_a_report_that_the_database_will_not_take_is_set_aside_and_the_others_go_on(
    house: House, wait_until: Wait
) -> None:
    with database.transaction(house.engine) as session:
        session.execute(text(f"ALTER TABLE visit ADD CONSTRAINT poison CHECK (badge_id <> {house.world.badges[2]})"))
    box = house.agent()
    with house.gateway():
        for seq, badge in ((1, 0), (2, 2), (3, 1)):
            box.send(house.report(seq, seq * 2, [(badge, -60)]))
        wait_until(lambda: box.done() == {1, 3}, "the good ones", 10)
        wait_until(lambda: box.refused() == {2: "unprocessable"}, "the poison", 10)
        assert house.rows("SELECT seq, reason FROM refused_report") == [(2, "unprocessable")]
    box.close()


@pytest.mark.parametrize("condition", ["deadlock_detected", "disk_full", "read_only_sql_transaction"])
def test_what_passes_at_the_database_is_tried_again_and_never_set_aside(
    house: House, wait_until: Wait, condition: str
) -> None:
    with database.transaction(house.engine) as session:
        session.execute(text("CREATE SEQUENCE tries"))
        session.execute(
            text(f"""
                CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF nextval('tries') = 1 THEN RAISE EXCEPTION USING ERRCODE = '{condition}'; END IF;
                    RETURN NEW;
                END $$
            """)
        )
        session.execute(text("CREATE TRIGGER fails BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION fail_once()"))
    box = house.agent()
    with house.gateway():
        box.send(house.report(1, 0, [(0, -60)]))
        wait_until(lambda: box.acks() != [], "an answer", 10)
        assert (box.done(), box.refused()) == ({1}, {})
        assert house.rows("SELECT seq FROM refused_report") == []
    box.close()


def test_facts_that_move_under_a_batch_have_it_judged_again(house: House, wait_until: Wait) -> None:
    shard = wire.shard_of("hall")
    box = house.agent()
    with house.gateway():
        box.send(house.report(1, 0))
        wait_until(lambda: box.done() == {1}, "the first", 10)
        # Somebody rebuilds what was, as design.md 5 tells: the fence first, then the facts.
        with database.transaction(house.engine) as session:
            fence.touch(session, [shard])
            box.send(house.report(2, 2, [(0, -60)]))
            wait_until(lambda: _waits_for_a_lock(house), "the gateway at the fence", 10)
            topics.bump(session, [topics.FACTS])
            session.execute(text("DELETE FROM placement WHERE agent_id = 'hall-door'"))
        wait_until(lambda: box.refused() == {2: "not_placed"}, "the answer by the new facts", 10)
        assert house.rows("SELECT * FROM visit") == []
    box.close()


def _waits_for_a_lock(house: House) -> bool:
    found = house.rows(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    return found != [(0,)]


def test_a_gateway_waits_for_a_database_that_is_away_and_loses_nothing(
    house: House, postgres: Cluster, wait_until: Wait
) -> None:
    box = house.agent()
    with house.gateway():
        box.send(house.report(1, 0, [(0, -60)]))
        wait_until(lambda: box.done() == {1}, "the first", 10)
        name = house.rows("SELECT current_database()")[0][0]
        house.engine.dispose()
        with psycopg.connect(postgres.conninfo("postgres", superuser=True), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            box.send(house.report(2, 2, [(0, -60)]))
            log = house.folder / "gateway-1.log"
            wait_until(lambda: "the database is away" in log.read_text(), "the complaint", 10)
            assert box.done() == {1}
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        wait_until(lambda: box.done() == {1, 2}, "the second", 20)
    box.close()


def test_counters_are_written_also_after_the_clock_was_set_back(fresh_database: str) -> None:
    limits = settings.load(environment={"MUSTER_GATEWAY__HEALTH_S": "0.1", "MUSTER_DATABASE__DSN": fresh_database})
    engine = database.connect(fresh_database, pool=2)
    counters, stop, now = Health(), threading.Event(), [scene.BEGIN]
    link = Mock(spec=Link)
    work = worker.Worker(limits, engine, Inbox(limits.gateway, counters), link, counters, lambda: now[0])
    thread = threading.Thread(target=work.run, args=(stop,))

    def is_written() -> bool:
        with engine.connect() as connection:
            return connection.execute(text("SELECT at FROM gateway_health")).scalar() == now[0]

    thread.start()
    try:
        processes.wait_until(is_written, "the first counters", 10)
        now[0] -= dt.timedelta(hours=1)
        processes.wait_until(is_written, "the counters of an hour ago", 10)
    finally:
        stop.set()
        thread.join()
        engine.dispose()


def test_a_gateway_ends_when_asked_to_also_when_that_was_ignored_before(house: House) -> None:
    with house.gateway() as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    ignoring = [
        sys.executable,
        "-c",
        "import signal,os,sys; signal.signal(2, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    environment = {**house.broker.environment("gateway"), "MUSTER_DATABASE__DSN": house.conninfo}
    log = house.folder / "ignoring.log"
    with processes.running(
        [*ignoring, *GATEWAY], log, lambda: "took 64 shards" in log.read_text(), environment=environment
    ) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_a_wrong_setting_is_one_line_and_exit_code_2() -> None:
    found = subprocess.run(
        GATEWAY, env={"MUSTER_GATEWAY__SHARDS": "zz"}, capture_output=True, text=True, check=False, timeout=20
    )
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "gateway.shards" in found.stderr


def test_check_ins_are_announced_by_internal_ids_only(house: House, wait_until: Wait) -> None:
    with database.transaction(house.engine) as session:
        scene.add_event(session, [(house.world.badges[0], "ana")])
        session.execute(
            text(
                "UPDATE step SET opens_at = now() - interval '1 hour', starts_at = now(),"
                " ends_at = now() + interval '1 hour'"
            )
        )
        session.execute(text("UPDATE pairing SET valid = tstzrange('2020-01-01', NULL)"))
        session.execute(text("INSERT INTO sign_up (event_id, member_id) VALUES ('night', 'ana')"))
    live = Box(house.broker, "server", house.broker.server_password, ["muster/v1/live/#"])
    box = house.agent()
    with house.gateway():
        for seq in range(1, 12):
            box.send(house.report(seq, seq * 2, [(0, -60)]))
        wait_until(lambda: len(box.done()) == 11, "the acknowledgements", 10)
        (found,) = house.rows("SELECT member_id, extract(epoch FROM at) * 1000 FROM checkin")
        assert found[0] == "ana"
        wanted = {wire.live_topic(*topic) for topic in (("venue", "hall"), ("event", "night"), ("member", "ana"))}
        wait_until(lambda: wanted <= {topic for topic, _ in live.messages}, "the news", 10)
        venue = [json.loads(payload) for topic, payload in live.messages if topic.endswith("venue/hall")]
        assert venue[-1]["badges"][0]["badge"] == house.world.badges[0]
        assert all(set(entry) <= {"rev", "badges", "coverage", "beacons"} for entry in venue)
        assert not any(b"Ana" in payload or b"daf246ce" in payload for _, payload in live.messages)
        revisions = [entry["rev"] for entry in venue]
        assert revisions == sorted(set(revisions))
    live.close()
    box.close()


def test_help_shows_an_example() -> None:
    found = subprocess.run([*GATEWAY[:-1], "--help"], capture_output=True, text=True, check=True, timeout=20)
    assert "example" in found.stdout


def test_refused_reports_are_forgotten_after_their_days(house: House, wait_until: Wait) -> None:
    with database.transaction(house.engine) as session:
        for seq, days in ((1, 6), (2, 8)):
            session.execute(
                text(
                    "INSERT INTO refused_report (agent_id, boot, seq, reason, body, received_at)"
                    " VALUES ('hall-door', :boot, :seq, 'future', '', now() - make_interval(days => :days))"
                ),
                {"boot": scene.BOOT, "seq": seq, "days": days},
            )
    with house.gateway():
        wait_until(lambda: house.rows("SELECT seq FROM refused_report") == [(1,)], "the old one forgotten", 10)


def test_a_login_without_rights_is_told_to_the_operator(house: House, wait_until: Wait) -> None:
    environment = house.broker.environment("server") | {"MUSTER_DATABASE__DSN": house.conninfo}
    log = house.folder / "without-rights.log"
    with processes.running(GATEWAY, log, log.exists, environment=environment):
        wait_until(lambda: "lets this gateway read no reports" in log.read_text(), "the complaint", 20)
