"""Tests of the world's process, with real agents at a real broker and the real database."""

import contextlib
import datetime as dt
import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from beacon_agent import wire
from config import settings
from server import database
from server.badges import service as badges
from server.demo import service as demo
from server.fleet import service as fleet
from server.operations.demo import line, neighbourhood, people, radio, residents, seed, world
from tests import processes
from tests.conftest import Mqtt

WORLD = "from config import settings\nfrom server.operations.demo import world\nexit(world.run(settings.load()))"
CAFE_BACK = neighbourhood.to_lon_lat(52, 23.5)
YOU = residents.identity_of(residents.YOU)
# Twelve agents start on a machine that does other things as well.
START_S = 90


class Reports:
    """Everything that agents report, as the gateway reads it."""

    def __init__(self, mqtt: Mqtt) -> None:
        self.received: queue.SimpleQueue[wire.Report] = queue.SimpleQueue()
        self.all: list[wire.Report] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set("gateway", mqtt.gateway_password)
        self._client.on_connect = lambda client, *_: client.subscribe("muster/v1/report/#", qos=1)
        self._client.on_message = self._take
        self._client.connect(mqtt.host, mqtt.port)
        self._client.loop_start()

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.received.put(wire.decode(bytes(message.payload).partition(b"\n")[2]))

    def drain(self) -> list[wire.Report]:
        """What came since the last call."""
        new = []
        with contextlib.suppress(queue.Empty):
            while True:
                new.append(self.received.get_nowait())
        self.all += new
        return new

    def heard(self, since_ms: float = 0) -> set[tuple[str, bytes]]:
        """The agents and identities of all that came since the last call, of windows that began after since_ms."""
        new = [report for report in self.drain() if report.from_ms >= since_ms]
        return {(report.agent, reading.identity) for report in new for reading in report.readings}

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Running:
    """A world that runs, and what can be seen of it from outside."""

    def __init__(self, process: subprocess.Popen[bytes], conninfo: str, reports: Reports) -> None:
        self.process = process
        self.conninfo = conninfo
        self.reports = reports

    def agents(self) -> dict[str, int]:
        """The process of each agent."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                agents = [v.partition(b"=")[2].decode() for v in variables if v.startswith(b"MUSTER_AGENT__ID=")]
                if agents and b"muster-agent" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found[agents[0]] = int(pid)
        return found

    def wish(self, wish: dict[str, object]) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("SELECT pg_notify(%s, %s)", [demo.CHANNEL, json.dumps(wish)])

    def state(self, name: str) -> dict[str, object]:
        with psycopg.connect(self.conninfo) as connection:
            row = connection.execute("SELECT value FROM demo_state WHERE name = %s", [name]).fetchone()
        return row[0] if row else {}


@contextlib.contextmanager
def awake(conninfo: str, mqtt: Mqtt, folder: Path, *, ignoring: bool = False) -> Iterator[Running]:
    engine = database.connect(conninfo, pool=1)
    now = dt.datetime.now(dt.UTC)
    seed.seed(engine, settings.load(environment=mqtt.environment("server")), now)
    publish_configs(engine, mqtt, now)
    engine.dispose()
    environment = {**os.environ, **mqtt.environment("server")}
    environment |= {"MUSTER_DATABASE__DSN": conninfo, "MUSTER_UP__FOLDER": str(folder)}
    reports = Reports(mqtt)
    before = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))
    if ignoring:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with (folder / "world.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-c", WORLD], env=environment, stdout=log, stderr=log)
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    try:
        yield Running(process, conninfo, reports)
    finally:
        processes.stop(process)
        reports.close()


def publish_configs(engine: Engine, mqtt: Mqtt, now: dt.datetime) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set("server", mqtt.server_password)
    client.connect(mqtt.host, mqtt.port)
    client.loop_start()
    with database.transaction(engine) as session:
        patterns = badges.report_patterns(session, now=now)
        for pi in neighbourhood.PIS:
            config = fleet.config_of(session, agent_id=pi, patterns=patterns)
            assert config is not None
            client.publish(wire.config_topic(pi), wire.encode_config(config), qos=1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def running(fresh_database: str, mosquitto: Mqtt, tmp_path: Path) -> Iterator[Running]:
    with awake(fresh_database, mosquitto, tmp_path) as found:
        yield found


def test_the_neighbourhood_is_heard_by_real_agents_and_does_what_people_want(running: Running) -> None:
    wait = processes.wait_until
    wait(lambda: running.agents().keys() == neighbourhood.PIS.keys(), "all agents started", START_S)
    reporting: set[str] = set()

    def all_report() -> bool:
        reporting.update(report.agent for report in running.reports.drain())
        return reporting == neighbourhood.PIS.keys()

    wait(all_report, "a report of every agent, those that hear nobody too", START_S)

    # "You" are in the street and unheard; put into the café, its Pi hears you.
    wait(lambda: running.state("person/you").get("lon") is not None, "where you are")
    assert not any(identity == YOU for _, identity in running.reports.heard())
    running.wish({"you": {"member": "you", "lon": CAFE_BACK[0], "lat": CAFE_BACK[1]}})
    wait(lambda: ("cafe-back-pi", YOU) in running.reports.heard(), "you, heard in the café", START_S)
    wait(lambda: running.state("person/you").get("lon") == pytest.approx(CAFE_BACK[0], abs=1e-7), "where you are now")

    # Wishes that mean nothing here disturb nothing.
    running.wish({"you": {"member": "nobody", "lon": 0, "lat": 0}})
    running.wish({"agent": {"id": "none", "running": False}})
    running.wish({"you": 3})
    running.wish({"moon": 1})

    # A killed Pi stays killed; revived, it is back.
    pid = running.agents()["cafe-back-pi"]
    running.wish({"agent": {"id": "cafe-back-pi", "running": False}})
    wait(lambda: is_gone(pid), "its end")
    wait(lambda: running.state("agent/cafe-back-pi") == {"venue": "kettle-and-crumb", "running": False}, "its state")
    # A crashed one is started again; by then the killed one would have been, too.
    crashed = running.agents()["books-fiction-pi"]
    os.kill(crashed, signal.SIGKILL)
    wait(lambda: running.agents().get("books-fiction-pi", crashed) != crashed, "its new start", START_S)
    assert "cafe-back-pi" not in running.agents()
    revived_ms = time.time() * 1000
    running.wish({"agent": {"id": "cafe-back-pi", "running": True}})
    wait(lambda: running.state("agent/cafe-back-pi")["running"] is True, "its state")
    # What nobody acknowledged comes again as well; what counts is what was heard since.
    wait(lambda: ("cafe-back-pi", YOU) in running.reports.heard(revived_ms), "you, heard again", START_S)

    # Without the Internet the agents of the café go on; nothing of theirs arrives, all of it does afterwards.
    wait(lambda: running.state("venue/kettle-and-crumb") == {"online": True}, "its state")
    running.wish({"venue": {"id": "kettle-and-crumb", "online": False}})
    wait(lambda: running.state("venue/kettle-and-crumb") == {"online": False}, "its state")
    running.reports.drain()
    cut_ms = time.time() * 1000
    later_ms = cut_ms + 6000
    heard_elsewhere: set[str] = set()
    heard_cut: set[str] = set()

    def others_go_on() -> bool:
        for report in running.reports.drain():
            if report.from_ms >= cut_ms:
                (heard_cut if report.agent.startswith("cafe-") else heard_elsewhere).add(report.agent)
        return time.time() * 1000 > later_ms and len(heard_elsewhere) == 9

    wait(others_go_on, "the others go on", START_S)
    assert heard_cut == set()
    running.wish({"venue": {"id": "kettle-and-crumb", "online": True}})
    late: list[wire.Report] = []

    def delivered() -> bool:
        late.extend(report for report in running.reports.drain() if report.agent.startswith("cafe-"))
        return any(cut_ms <= report.from_ms < later_ms for report in late)

    wait(delivered, "what was heard meanwhile", START_S)

    # Strangers walk about all the time, and no agent ever speaks of them.
    running.reports.drain()
    identities = {reading.identity for report in running.reports.all for reading in report.readings}
    assert identities <= {residents.identity_of(resident) for resident in residents.RESIDENTS}

    # Asked to end, it ends all its agents first.
    pids = list(running.agents().values())
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(START_S) == 0
    assert all(map(is_gone, pids))


def test_it_ends_when_asked_although_signals_were_inherited_as_ignored(
    fresh_database: str, mosquitto: Mqtt, tmp_path: Path
) -> None:
    with awake(fresh_database, mosquitto, tmp_path, ignoring=True) as running:
        processes.wait_until(lambda: len(running.agents()) == len(neighbourhood.PIS), "all agents started", START_S)
        pids = list(running.agents().values())
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(START_S) == 0
        assert all(map(is_gone, pids))


def test_when_it_is_killed_its_agents_end_by_themselves(fresh_database: str, mosquitto: Mqtt, tmp_path: Path) -> None:
    with awake(fresh_database, mosquitto, tmp_path) as running:
        processes.wait_until(lambda: len(running.agents()) == len(neighbourhood.PIS), "all agents started", START_S)
        pids = list(running.agents().values())
        running.process.kill()
        running.process.wait()
        processes.wait_until(lambda: all(map(is_gone, pids)), "the end of all agents", START_S)


def test_without_a_seed_it_says_in_one_line_what_to_do(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    configured = settings.load(environment={"MUSTER_DATABASE__DSN": fresh_database})
    assert world.run(configured) == 1
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "muster db seed" in said


def test_wishes_are_heard_again_after_the_database_was_away(fresh_database: str) -> None:
    wishes = world.Wishes(fresh_database)
    assert list(wishes.wait(0)) == []
    with psycopg.connect(fresh_database, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        heard: list[dict[str, object]] = []

        def ask() -> bool:
            other.execute("SELECT pg_notify(%s, %s)", [demo.CHANNEL, '{"agent": {}}'])
            heard.extend(wishes.wait(0.1))
            return bool(heard)

        processes.wait_until(ask, "a wish")
        other.execute("SELECT pg_notify(%s, %s)", [demo.CHANNEL, "no JSON"])
        other.execute("SELECT pg_notify(%s, %s)", [demo.CHANNEL, '{"you": {}}'])
        heard.clear()

        def the_last_came() -> bool:
            heard.extend(wishes.wait(0.1))
            return {"you": {}} in heard

        processes.wait_until(the_last_came, "the wish after the nonsense")
    wishes.close()


def test_a_wait_for_wishes_takes_its_time_without_a_database_too() -> None:
    wishes = world.Wishes("host=127.0.0.1 port=1 connect_timeout=1")
    begun_s = time.monotonic()
    assert list(wishes.wait(0.2)) == []
    assert list(wishes.wait(0.2)) == []
    assert time.monotonic() - begun_s >= 0.4


def test_walls_stand_between_venues_and_within_them() -> None:
    inner, outer = radio.INNER_WALL_DB, radio.OUTER_WALL_DB
    assert world.walls_db("cafe-back", "cafe-back") == 0
    assert world.walls_db("cafe-back", "cafe-bar") == inner
    assert world.walls_db("street", "cafe-tables") == outer
    assert world.walls_db("cafe-tables", "books-entrance") == 2 * outer


def test_the_news_of_the_world_are_what_changed() -> None:
    crowd = people.Crowd(residents.RESIDENTS, people.Evening(1200, 8400), seed=1)
    found = world.World(crowd, {}, {"you": 7, "ben": 8}, "evening", 1)
    lon, lat = neighbourhood.to_lon_lat(*neighbourhood.YOU_AT_M)
    away_lon, away_lat = neighbourhood.to_lon_lat(*neighbourhood.ENDS_M[0])
    assert found.news() == {
        "person/you": {"badge": 7, "lon": lon, "lat": lat, "left": False},
        "person/ben": {"badge": 8, "lon": away_lon, "lat": away_lat, "left": False},
        "crowd": {"here": False},
    }
    assert found.news() == {}
    crowd.hold("you", (52, 23))
    assert found.news().keys() == {"person/you"}
    found.say_again()
    assert found.news().keys() == {"person/you", "person/ben", "crowd"}
    found.obey({"badge": {"member": "you", "left": True}}, 0.0)
    found.obey({"crowd": {}}, 0.0)
    news = found.news()
    assert news["person/you"]["left"] is True
    assert news["crowd"] == {"here": True}


def test_a_line_that_nobody_mends_is_mended_after_a_while() -> None:
    crowd = people.Crowd(residents.RESIDENTS, people.Evening(1200, 8400), seed=1)
    cafe = line.Line("127.0.0.1", 1)
    found = world.World(crowd, {}, {}, "evening", 1, {"cafe": cafe})
    found.obey({"venue": {"id": "cafe", "online": False}}, 10.0)
    found.obey({"venue": {"id": "moon", "online": False}}, 10.0)
    assert found.news()["venue/cafe"] == {"online": False}
    found.step(10.0 + world.CUT_S - 1, 0.2)
    assert "venue/cafe" not in found.news()
    found.step(10.0 + world.CUT_S, 0.2)
    assert found.news()["venue/cafe"] == {"online": True}
    cafe.close()
