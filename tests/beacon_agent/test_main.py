"""The command as a process: what a person types, and what a kill, a signal or a wrong setting does to it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beacon_agent import ibeacon, replay, wire
from tests.beacon_agent.conftest import AGENT, KEY, SHARD, Broker, TinyGateway, wait_for

BADGE = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
CONFIG = wire.Config(1, SHARD, ((0, BADGE[:16]),), window_s=0.5)
COMMAND = [sys.executable, "-m", "beacon_agent.main"]


def make_environment(tmp_path: Path, port: int = 1) -> dict[str, str]:
    return {
        **os.environ,
        "MUSTER_AGENT__ID": AGENT,
        "MUSTER_AGENT__KEY": KEY.hex(),
        "MUSTER_AGENT__FOLDER": str(tmp_path / "agent"),
        "MUSTER_AGENT__RESEND_S": "2",
        "MUSTER_AGENT__CLOCK": "system",
        "MUSTER_BROKER__PORT": str(port),
    }


class Running:
    """A `muster-agent run --radio stdin` that the test feeds."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "run", "--radio", "stdin"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )

    def advert(self, rssi: int = -70, **more: object) -> None:
        line = {"data": ibeacon.compose(BADGE, -59).hex(), "rssi": rssi, **more}
        self.write(json.dumps(line).encode() + b"\n")

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def end(self) -> str:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.stderr is not None
        said = self.process.stderr.read().decode()
        self.process.wait(20)
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def running(tmp_path: Path, broker: Broker) -> Iterator[Running]:
    running = Running(make_environment(tmp_path, broker.port))
    yield running
    running.kill()


def test_what_stdin_says_arrives_signed_and_settled(running: Running, gateway: TinyGateway) -> None:
    gateway.configure(CONFIG)
    first = gateway.status()
    assert first.online
    assert first.conn == 1
    running.advert(-70)
    running.advert(-60)
    wait_for(lambda: any(report.readings for report in gateway.reports))
    heard = next(report for report in gateway.reports if report.readings)
    assert heard.to_ms - heard.from_ms == 500
    assert heard.from_ms % 500 == 0
    assert abs(heard.from_ms - time.time() * 1000) < 20_000
    assert heard.clock is wire.Clock.SYNCED
    (reading,) = heard.readings
    assert (reading.identity, reading.power, reading.rssi_max) == (BADGE, -59, -60)
    assert (reading.count, reading.rssi_mean) == (2, -65.0)
    wait_for(lambda: len(gateway.reports) >= 4)
    later = gateway.reports[2:]
    assert all(report.radio is wire.Radio.OK for report in later), "listened throughout, nobody heard"
    running.end()
    assert running.process.returncode == 0


def test_virtual_time_makes_windows_exactly(running: Running, gateway: TinyGateway) -> None:
    gateway.configure(CONFIG)
    base = 1_763_805_600_000
    for at_ms in range(0, 3000, 100):
        running.advert(-70, t=base + at_ms)
    running.write(b'not json\n{"t":true}\n{"data":"zz"}\n[1]\n')
    running.write(b'{"t":%d}\n' % (base + 3000))
    assert "is no advert" in running.end()
    assert running.process.returncode == 0
    reports = {report.from_ms: report for report in gateway.reports}
    assert sorted(reports) == [base + offset for offset in range(0, 3000, 500)]
    assert all(report.radio is wire.Radio.OK for report in reports.values())
    assert [(r.first_ms, r.last_ms, r.count) for r in reports[base + 500].readings] == [(0, 400, 5)]


@pytest.mark.usefixtures("running")
def test_a_radio_that_hears_nobody_reports_that_it_listens(gateway: TinyGateway) -> None:
    gateway.configure(CONFIG)
    wait_for(lambda: sum(report.radio is wire.Radio.OK for report in gateway.reports) >= 2)
    assert all(report.readings == () for report in gateway.reports)


def test_a_stranger_never_leaves_the_agent(running: Running, gateway: TinyGateway) -> None:
    gateway.configure(CONFIG)
    running.write(b'{"data":"%s","rssi":-50}\n' % ibeacon.compose(bytes(20), -59).hex().encode())
    running.advert()
    wait_for(lambda: any(report.readings for report in gateway.reports))
    running.end()
    assert {reading.identity for report in gateway.reports for reading in report.readings} == {BADGE}
    assert all(bytes(20).hex().encode() not in payload for payload in gateway.payloads)


def test_a_killed_agent_sends_every_committed_report_again_byte_for_byte(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    gateway.acknowledge = False
    gateway.configure(CONFIG)
    first = Running(make_environment(tmp_path, broker.port))
    until_s = time.monotonic() + 20
    while len({report.seq for report in gateway.reports}) < 6:
        first.advert()
        time.sleep(0.05)
        assert time.monotonic() < until_s
    first.kill()
    before = {(report.boot, report.seq): payload for report, payload in zip_reports(gateway)}
    will = [gateway.status() for _ in range(gateway.statuses.qsize())][-1]
    wait_for(lambda: not will.online or not gateway.statuses.empty())
    gateway.payloads.clear()
    gateway.acknowledge = True
    second = Running(make_environment(tmp_path, broker.port))
    wait_for(lambda: {(report.boot, report.seq) for report in gateway.reports} >= set(before))
    again = {(report.boot, report.seq): payload for report, payload in zip_reports(gateway)}
    assert {key: again[key] for key in before} == before
    second.end()
    assert second.process.returncode == 0
    assert count_spooled(tmp_path) == 0
    second.kill()


def zip_reports(gateway: TinyGateway) -> list[tuple[wire.Report, bytes]]:
    payloads = list(gateway.payloads)
    return [(wire.decode(wire.verify(KEY, payload)), payload) for payload in payloads]


def count_spooled(tmp_path: Path) -> int:
    from beacon_agent.spool import Spool

    spool = Spool(tmp_path / "agent" / "spool.db", 1 << 20)
    count = spool.reports
    spool.close()
    return count


def test_a_stopped_agent_sends_what_is_open_and_says_goodbye(running: Running, gateway: TinyGateway) -> None:
    gateway.configure(CONFIG)
    running.advert()
    wait_for(lambda: gateway.reports)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0
    statuses = [gateway.status()]
    while statuses[-1].online:
        statuses.append(gateway.status())
    assert statuses[-1].spooled_reports == 0


def test_a_term_signal_works_although_it_was_inherited_as_ignored(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    gateway.configure(CONFIG)
    script = f"trap '' TERM INT; exec {' '.join(COMMAND)} run --radio stdin"
    with subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=make_environment(tmp_path, broker.port),
    ) as process:
        assert gateway.status().online
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_without_a_broker_windows_are_kept_and_the_end_does_not_hang(tmp_path: Path, broker: Broker) -> None:
    gateway = TinyGateway(broker.port)
    gateway.configure(CONFIG)
    environment = make_environment(tmp_path, broker.port)
    first = Running(environment)
    first.advert()
    wait_for(lambda: gateway.reports)
    first.end()
    first.kill()
    gateway.close()
    broker.kill()
    second = Running(environment)
    base = 1_763_805_600_000
    for at_ms in range(0, 5000, 500):
        second.advert(-70, t=base + at_ms)
    second.end()
    assert second.process.returncode == 0
    second.kill()
    assert count_spooled(tmp_path) >= 10, "the config of before the restart told what to keep"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"MUSTER_AGENT__ID": ""}, "agent.id"),
        ({"MUSTER_AGENT__ID": "Not An Id"}, "agent.id"),
        ({"MUSTER_AGENT__KEY": ""}, "agent.key"),
        ({"MUSTER_AGENT__KEY": "zz"}, "agent.key"),
        ({"MUSTER_AGENT__WINDOW_S": "never"}, "agent.window_s"),
        ({"MUSTER_AGENT__FOLDER": "/dev/null/here"}, "MUSTER_AGENT__FOLDER"),
        ({"MUSTER_CONFIG": "/nowhere.toml"}, "/nowhere.toml"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    environment = {**make_environment(tmp_path), **changes}
    ended = subprocess.run(
        [*COMMAND, "run", "--radio", "stdin"], env=environment, input="", capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 2
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.usefixtures("running")
def test_two_agents_cannot_share_a_folder(tmp_path: Path, gateway: TinyGateway) -> None:
    gateway.configure(CONFIG)
    assert gateway.status().online
    environment = make_environment(tmp_path)
    other = subprocess.run(
        [*COMMAND, "run", "--radio", "stdin"], env=environment, input="", capture_output=True, text=True, timeout=30
    )
    assert other.returncode == 2
    assert "another muster-agent" in other.stderr


@pytest.mark.parametrize("command", [[], ["run"], ["replay"], ["describe"], ["record"]], ids=str)
def test_every_command_helps_with_an_example(command: list[str]) -> None:
    shown = subprocess.run([*COMMAND, *command, "--help"], capture_output=True, text=True, timeout=30, check=True)
    assert "example" in shown.stdout
    assert f"muster-agent {' '.join(command)}" in shown.stdout


def test_help_does_not_import_bleak() -> None:
    script = (
        "import sys\nfrom beacon_agent import main\n"
        "try: main.main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'bleak', 'dbus_fast'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=True)


def write_recording(path: Path, seconds: int = 20) -> None:
    rows = [",".join(replay.HEADER)]
    for at_ms in range(0, seconds * 1000, 250):
        for scanner, rssi in (("Room201", -60), ("Room202", -80)):
            rows.append(f"{1_425_757_560_000 + at_ms},{scanner},{BADGE[:16].hex().upper()},14,1,{rssi},-59,")
    path.write_text("\n".join(rows) + "\n")


def test_a_replay_reports_every_window_of_its_scanner_and_ends(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    write_recording(tmp_path / "walk.csv")
    gateway.configure(CONFIG)
    ended = subprocess.run(
        [*COMMAND, "replay", str(tmp_path / "walk.csv"), "--scanner", "Room202", "--speed", "max", "--progress"],
        env=make_environment(tmp_path, broker.port),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    last = json.loads(ended.stdout.splitlines()[-1])
    assert last == {"rows": 160, "of": 160, "at_ms": 1_425_757_579_750, "settled": 40, "unsettled": 0, "done": True}
    reports = {report.from_ms: report for report in gateway.reports}
    assert sorted(reports) == list(range(1_425_757_560_000, 1_425_757_580_000, 500))
    assert {reading.rssi_max for report in reports.values() for reading in report.readings} == {-80}
    assert [report.radio for report in reports.values()].count(wire.Radio.OFF) == 1, "the last one is cut off"


def test_a_replay_holds_back_while_nothing_is_settled(tmp_path: Path, broker: Broker, gateway: TinyGateway) -> None:
    write_recording(tmp_path / "walk.csv", seconds=120)
    gateway.acknowledge = False
    gateway.configure(CONFIG)
    with subprocess.Popen(
        [*COMMAND, "replay", str(tmp_path / "walk.csv"), "--scanner", "Room202", "--speed", "max"],
        env=make_environment(tmp_path, broker.port),
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_for(lambda: len({report.seq for report in gateway.reports}) == 33)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert len({report.seq for report in gateway.reports}) == 33
        gateway.acknowledge = True
        assert process.wait(60) == 0
    assert len({report.seq for report in gateway.reports}) == 240


def test_describe_tells_what_a_recording_holds(tmp_path: Path) -> None:
    write_recording(tmp_path / "walk.csv")
    shown = subprocess.run(
        [*COMMAND, "describe", str(tmp_path / "walk.csv")], capture_output=True, text=True, timeout=30, check=True
    )
    assert json.loads(shown.stdout) == {
        "scanners": ["Room201", "Room202"],
        "identities": [
            {"identity": BADGE.hex(), "heartbeat": False, "scanners": {"Room201": 80, "Room202": 80}},
        ],
        "from_ms": 1_425_757_560_000,
        "to_ms": 1_425_757_579_750,
        "rows": 160,
        "bad_rows": 0,
    }


@pytest.mark.parametrize("command", ["describe", "replay"])
def test_a_file_that_is_no_recording_is_one_clear_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "letter.csv").write_text("Dear all\n")
    more = ["--scanner", "Room201"] if command == "replay" else []
    ended = subprocess.run(
        [*COMMAND, command, str(tmp_path / "letter.csv"), *more],
        env=make_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert "is no recording" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_record_can_be_played_again(tmp_path: Path) -> None:
    stranger = ibeacon.compose(bytes(20), -59).hex()
    own = ibeacon.compose(BADGE, -59).hex()
    heard = "".join(f'{{"data":"{data}","rssi":-70,"t":1763805600000}}\n' for data in (own, stranger))
    environment = make_environment(tmp_path)
    command = [*COMMAND, "record", "--radio", "stdin", "--out", str(tmp_path / "walk.csv.gz")]
    without = subprocess.run(command, env=environment, input="", capture_output=True, text=True, timeout=30)
    assert without.returncode == 2
    assert "--all" in without.stderr
    subprocess.run([*command, "--all"], env=environment, input=heard, text=True, timeout=30, check=True)
    assert replay.describe(tmp_path / "walk.csv.gz")["rows"] == 2

    from beacon_agent.spool import Spool

    spool = Spool(tmp_path / "agent" / "spool.db", 1 << 20)
    spool.remember("config", wire.encode_config(CONFIG))
    spool.close()
    subprocess.run(command, env=environment, input=heard, text=True, timeout=30, check=True)
    facts = replay.describe(tmp_path / "walk.csv.gz")
    assert [entry["identity"] for entry in facts["identities"]] == [BADGE.hex()]
