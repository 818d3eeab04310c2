"""`muster up` when things go wrong around it: everything killed at once, each part alone, a full disk."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server.operations import disk, home, mosquitto
from server.operations import postgres as private_postgres
from tests import processes
from tests.conftest import Mqtt
from tests.gateway.house import Box, House
from tests.server.operations import test_up
from tests.server.operations.test_up import Run, muster, read_pids, start_up

PARTS = ("database", "broker", "gateway", "server")
BACK_S = 120  # back-off up to 30 s, and starting on a loaded machine
# Everything is recorded at once, or each acknowledgement would be waited for.
AT_ONCE = {"MUSTER_GATEWAY__COALESCE_S": "0"}


class Home(House):
    """The hall with its agents in a `muster up` that runs."""

    def __init__(self, run: Run, scratch: Path) -> None:
        """Enrols the agents there. scratch: for logs."""
        self.up = Path(run.environment["MUSTER_UP__FOLDER"])
        made = home.read_secrets(self.up)
        self.cluster = private_postgres.prepare(
            self.up,
            port=int(run.environment["MUSTER_DATABASE__PORT"]),
            superuser_password=made.superuser,
            password=made.database,
        )
        broker = mosquitto.prepare(self.up, port=int(run.environment["MUSTER_BROKER__PORT"]), admin_password=made.admin)
        super().__init__(self.cluster.conninfo(), Mqtt(broker, run.process, made.gateway, made.server), scratch)


@contextlib.contextmanager
def living_in(run: Run, scratch: Path) -> Iterator[tuple[Home, Box]]:
    """The hall in this `muster up`, and the client of the agent at its door, which sends again as agents do."""
    found = Home(run, scratch)
    box = found.agent()
    try:
        yield found, box
    finally:
        box.close()
        found.engine.dispose()


def settle(box: Box, timeout_s: float = BACK_S) -> None:
    """Waits until all that was sent is acknowledged, sending again what was lost with a broker."""
    left = 0.0

    def is_settled() -> bool:
        nonlocal left
        missing = box.sent.keys() - box.done()
        left += processes.POLL_S
        if missing and left > 1 and box.client.is_connected():
            left = 0.0
            for seq in missing:
                box.client.publish(*box.sent[seq], qos=1)
        return not missing

    processes.wait_until(is_settled, "everything is acknowledged", timeout_s)


def send(box: Box, payload: bytes, seq: int) -> None:
    """Publishes a report whether or not the broker is there."""
    box.sent[seq] = (box.sent[min(box.sent)][0], payload)
    box.client.publish(*box.sent[seq], qos=1)


def visits(found: House) -> list[tuple[Any, ...]]:
    return found.rows("SELECT badge_id, venue_id, from_ms, to_ms FROM visit ORDER BY 1, 3")


def test_each_part_that_is_killed_comes_back_and_the_doctor_says_so(run_folder: Path, tmp_path: Path) -> None:
    with start_up(run_folder / "up-parts", "--no-demo", **AT_ONCE) as run:
        run.wait_for("muster is running")
        with living_in(run, tmp_path) as (found, box):
            box.send(found.report(1, 0, [(0, -60)]))
            settle(box)
            assert "restarted" not in muster(run, "doctor").stdout
            for number, name in enumerate((*PARTS, "gateway"), start=2):
                before = read_pids(found.up)[name]
                send(box, found.report(2 * number, 4 * number, [(0, -60)]), 2 * number)
                os.kill(before, signal.SIGKILL)
                send(box, found.report(2 * number + 1, 4 * number + 2, [(0, -60)]), 2 * number + 1)
                processes.wait_until(
                    lambda name=name, before=before: read_pids(found.up).get(name, before) != before,  # type: ignore[misc]
                    f"another {name} runs",
                    BACK_S,
                )
                settle(box)
            ((badge, _, from_ms, to_ms),) = visits(found)
            assert badge == found.world.badges[0]
            assert to_ms - from_ms > 20_000

            def says_all() -> bool:
                told = muster(run, "doctor")
                assert told.returncode == 1
                return told.stdout.count("✗") == len(PARTS)

            processes.wait_until(says_all, "the doctor finds all well but what happened", BACK_S)
            said = muster(run, "doctor").stdout
            for name in PARTS:
                times = "2 times" if name == "gateway" else "once"
                assert re.search(
                    rf"✗ restarts: {name} was restarted {times}, last \d+ s ago: it was ended by SIG", said
                )
                assert f"read the end of {found.up}/log/{name}.log" in said
        assert run.end(signal.SIGTERM) == 0
    assert not (run_folder / "up-parts" / "up" / "restarts.json").exists()


def test_two_run_side_by_side_and_one_that_was_killed_whole_starts_again_with_its_data(
    run_folder: Path, tmp_path: Path
) -> None:
    with (
        start_up(run_folder / "up-other", "--no-demo", **AT_ONCE) as other,
        start_up(run_folder / "up-whole", "--no-demo", **AT_ONCE) as run,
    ):
        other.wait_for("muster is running")
        run.wait_for("muster is running")
        others = read_pids(run_folder / "up-other" / "up")
        with living_in(run, tmp_path) as (found, box):
            for seq in range(1, 20):
                box.send(found.report(seq, 2 * seq, [(0, -60)]))
            settle(box)
            box.send(found.report(20, 2 * 20, [(1, -60)]))
            kill_everything(run)
            before = box.sent
            found.engine.dispose()
            with start_up(run_folder / "up-whole", "--no-demo", **AT_ONCE, **dict(ports_of(run))) as again:
                again.wait_for("muster is running")
                assert again.process.poll() is None
                settle(box)
                assert len(before) == 20
                assert {row[0] for row in visits(found)} == set(found.world.badges[:2])
                told = muster(again, "doctor")
                assert told.returncode == 0, told.stdout
                assert again.end(signal.SIGTERM) == 0
        assert read_pids(run_folder / "up-other" / "up") == others, "the other one was not disturbed"
        told = muster(other, "doctor")
        assert told.returncode == 0, told.stdout
        assert other.end(signal.SIGTERM) == 0


def kill_everything(run: Run) -> None:
    """SIGKILL for the supervisor, its children and theirs; stopped first, so that nobody notices another's end."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in run.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    run.process.wait(20)
    processes.wait_until(lambda: not run.left(), "nothing is left")


def ports_of(run: Run) -> Iterator[tuple[str, str]]:
    return ((name, run.environment[name]) for name in test_up.free_ports())


DISK_MB = 400


@pytest.fixture
def small_disk(run_folder: Path) -> Iterator[Path]:
    with processes.small_disk(run_folder / "small-disk", DISK_MB * 1024) as folder:
        yield folder


def test_on_a_full_disk_everything_waits_and_comes_back_when_there_is_room(
    run_folder: Path, tmp_path: Path, small_disk: Path
) -> None:
    with start_up(run_folder / "up-full", "--no-demo", MUSTER_UP__FOLDER=str(small_disk / "up"), **AT_ONCE) as run:
        run.wait_for("muster is running")
        with living_in(run, tmp_path) as (found, box):
            assert small_disk in found.cluster.data.parents
            box.send(found.report(1, 0, [(0, -60)]))
            settle(box)
            before = visits(found)
            filler = processes.fill(small_disk)
            use_up_what_postgres_has(found)
            run.wait_for("database ended with exit code 1, starting it again")
            for seq in range(2, 40):
                box.send(found.report(seq, 2 * seq, [(seq % 3, -60)]))
            told = muster(run, "doctor")
            assert told.returncode == 1
            assert f"✗ disk: 0 MB of {DISK_MB * 2**20 // 10**6} MB are free where {found.up} lies" in told.stdout
            assert "→ make room there: without it nothing is recorded" in told.stdout
            assert "✗ database: " in told.stdout
            assert box.done() == {1}
            filler.unlink()
            settle(box)
            assert len(visits(found)) == 3
            assert visits(found)[0][:3] == before[0][:3]
            assert muster(run, "doctor").stdout.count("✗ restarts") >= 1
        assert run.end(signal.SIGTERM) == 0
    filler = processes.fill(small_disk, leave_bytes=disk.LEAST_BYTES // 2)
    with start_up(run_folder / "up-full", "--no-demo", MUSTER_UP__FOLDER=str(small_disk / "up")) as refused:
        assert refused.process.wait(60) == 1
        assert "MB are free where" in refused.said
        assert "make room, or set MUSTER_UP__FOLDER to a folder on another disk" in refused.said
        assert refused.said.count("\n") == 1
    filler.unlink()


def use_up_what_postgres_has(found: Home) -> None:
    """Takes the room that PostgreSQL has set aside for its log: beyond that it cannot go on, and ends."""
    with (
        contextlib.suppress(psycopg.OperationalError),
        psycopg.connect(found.cluster.conninfo("postgres", superuser=True), autocommit=True) as connection,
    ):
        for _ in range(100):
            connection.execute("SELECT pg_logical_emit_message(true, 'fills', 'a segment')")
            connection.execute("SELECT pg_switch_wal()")
        raise AssertionError("the disk is not full")
