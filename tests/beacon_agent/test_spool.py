"""The spool: what was committed survives a kill, and leaves only when exactly it is settled."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beacon_agent import wire
from beacon_agent.spool import ROW_BYTES, Spool, SpoolError

PLENTY = 1 << 24


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.db", PLENTY)
    yield spool
    spool.close()


def make_report(spool: Spool, readings: int = 0) -> wire.Report:
    seq = spool.next_seq()
    from_ms = 1_763_805_600_000 + seq * 2000
    badges = tuple(wire.Reading(bytes([index] * 20), 0, 1, 1, -70.0, -70, -59) for index in range(readings))
    return wire.Report("cafe-door", spool.boot, seq, from_ms, from_ms + 2000, wire.Radio.OK, wire.Clock.SYNCED, badges)


def fill(spool: Spool, count: int) -> list[int]:
    return [row_id for _ in range(count) for row_id in spool.add(42, [make_report(spool)]).added]


def seqs(spool: Spool) -> list[int]:
    found = [spool.read(row_id) for row_id in spool.waiting()]
    return [wire.decode(stored.body).seq for stored in found if stored]


def test_a_body_is_kept_as_it_was_written_with_its_shard(spool: Spool) -> None:
    report = make_report(spool, readings=3)
    (row_id,) = spool.add(42, [report]).added
    stored = spool.read(row_id)
    assert stored is not None
    assert (stored.shard, stored.body) == (42, wire.encode(report))


def test_reports_of_a_boot_are_numbered_from_one(spool: Spool) -> None:
    fill(spool, 3)
    assert seqs(spool) == [1, 2, 3]


def test_a_new_boot_keeps_the_reports_of_the_old_one(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool.db", PLENTY)
    fill(first, 2)
    first.close()
    second = Spool(tmp_path / "spool.db", PLENTY)
    assert second.boot != first.boot
    assert second.next_seq() == 1
    assert second.reports == 2
    assert second.bytes == first.bytes > 0
    second.settle(wire.Ack(second.boot, ((1, 2),), {}, 0))
    assert second.reports == 2, "an acknowledgement of another boot settles nothing"
    second.settle(wire.Ack(first.boot, ((1, 2),), {}, 0))
    assert second.reports == second.bytes == 0
    second.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    done=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 5)), max_size=4),
    refused=st.sets(st.integers(1, 15), max_size=3),
)
def test_settling_removes_exactly_what_is_named(spool: Spool, done: list[tuple[int, int]], refused: set[int]) -> None:
    spool.settle(wire.Ack(spool.boot, ((1, wire.MAX_SEQ),), {}, 0))
    base = spool.next_seq() - 1
    fill(spool, 10)
    pairs = tuple((base + first, base + first + length) for first, length in done)
    named = {seq for first, last in pairs for seq in range(first, last + 1)} | {base + seq for seq in refused}
    settled = spool.settle(wire.Ack(spool.boot, pairs, {base + seq: "future" for seq in refused}, 0))
    kept = [seq for seq in range(base + 1, base + 11) if seq not in named]
    assert seqs(spool) == kept
    assert spool.reports == len(kept)
    assert len(settled) == 10 - len(kept)


def test_the_oldest_are_dropped_and_counted_at_the_bound(tmp_path: Path) -> None:
    probe = Spool(tmp_path / "probe.db", PLENTY)
    size = len(wire.encode(make_report(probe))) + ROW_BYTES
    probe.close()
    spool = Spool(tmp_path / "spool.db", 3 * size)
    ids = fill(spool, 3)
    change = spool.add(42, [make_report(spool)])
    assert change.dropped == ids[:1]
    assert seqs(spool) == [2, 3, 4]
    assert spool.dropped == 1
    assert spool.bytes <= 3 * size
    spool.close()
    assert Spool(tmp_path / "spool.db", 3 * size).dropped == 1, "the count outlives a restart"


def test_a_full_disk_is_counted_and_what_was_kept_stays(spool: Spool) -> None:
    fill(spool, 3)
    pages = spool._connection.execute("PRAGMA page_count").fetchone()[0]
    spool._connection.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(5):
        assert spool.add(42, [make_report(spool, readings=200)]).added == []
    assert spool.counts["unspooled"] == 5
    assert seqs(spool)[:3] == [1, 2, 3]
    spool._connection.execute("PRAGMA max_page_count = 100000")
    assert spool.add(42, [make_report(spool, readings=200)]).added


def test_a_corrupt_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(b"this is no database at all" * 400)
    spool = Spool(path, PLENTY)
    assert "corrupt" in caplog.text
    assert len(list(tmp_path.glob("spool.db.corrupt-*"))) == 1
    fill(spool, 1)
    assert spool.reports == 1
    spool.close()


def test_damaged_pages_are_noticed_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    first = Spool(path, PLENTY)
    for _ in range(50):
        first.add(42, [make_report(first, readings=50)])
    first.close()
    content = bytearray(path.read_bytes())
    content[8192:40960] = bytes([0xA5]) * (40960 - 8192)
    path.write_bytes(content)
    second = Spool(path, PLENTY)
    assert second.counts["spools_set_aside"] == 1
    assert fill(second, 1)
    second.close()


def test_a_file_that_breaks_while_it_is_open_is_replaced(spool: Spool, tmp_path: Path) -> None:
    fill(spool, 1)
    spool._connection.close()
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 1000)
    spool._connection = sqlite3.connect(broken, isolation_level=None, check_same_thread=False)
    assert len(fill(spool, 1)) == 1
    assert spool.counts["spools_set_aside"] == 1


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="make its folder writable"):
        Spool(tmp_path / "file" / "spool.db", PLENTY)


def test_what_is_remembered_outlives_a_restart(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool.db", PLENTY)
    assert first.recall("config") is None
    first.remember("config", b"one")
    first.remember("config", b"two")
    first.close()
    second = Spool(tmp_path / "spool.db", PLENTY)
    assert second.recall("config") == b"two"
    second.close()


WRITER = """
import sys
from pathlib import Path
from beacon_agent import wire
from beacon_agent.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 24)
while True:
    seq = spool.next_seq()
    report = wire.Report("a", spool.boot, seq, seq * 2000, seq * 2000 + 2000, wire.Radio.OK, wire.Clock.SYNCED, ())
    spool.add(42, [report])
    print(seq, flush=True)
"""


def test_every_committed_report_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(25)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout if line.endswith("\n")]
    spool = Spool(path, PLENTY)
    assert seqs(spool)[: len(said)] == said
    assert spool.counts["spools_set_aside"] == 0
    spool.close()
