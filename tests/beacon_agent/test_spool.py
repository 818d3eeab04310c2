"""The spool: what was committed survives a kill, leaves only when exactly it is settled, and is written once."""

import hashlib
import shutil
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
from beacon_agent.clock import Dating
from beacon_agent.spool import Spool
from beacon_agent.store import WAL_BYTES, SpoolError
from tests import processes
from tests.beacon_agent.conftest import BEGIN_MS, DATED, SHARD, make_draft, make_reading

PLENTY = 1 << 24


def open_spool(folder: Path, bound_bytes: int = PLENTY) -> Spool:
    return Spool(folder / "spool.db", bound_bytes, agent="cafe-door", kernel=DATED.kernel)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = open_spool(tmp_path)
    yield spool
    spool.close()


def fill(spool: Spool, count: int, start: int = 0, readings: int = 1) -> list[int]:
    drafts = [make_draft(start + index, *crowd(readings)) for index in range(count)]
    return [row_id for draft in drafts for row_id in spool.add(DATED, draft).added]


def crowd(count: int) -> tuple[wire.Reading, ...]:
    """Readings of badges that are nothing alike, so that they do not compress."""
    return tuple(
        make_reading()._replace(identity=hashlib.sha256(bytes([number])).digest()[:20]) for number in range(count)
    )


def publish(spool: Spool, ids: list[int] | None = None) -> list[wire.Report]:
    found = spool.publish(spool.waiting() if ids is None else ids)
    assert found is not None
    return [wire.decode(stored.body) for stored in found.values()]


def indexes(spool: Spool) -> list[int]:
    return [(report.from_ms - BEGIN_MS) // 2000 for report in publish(spool)]


def execute(spool: Spool, statement: str) -> list[tuple[int, ...]]:
    return spool._store.connection.execute(statement).fetchall()


def test_a_window_is_published_as_it_was_heard_with_its_shard(spool: Spool) -> None:
    readings = (make_reading(1), make_reading(2, 5, 1999, -60, 7))
    (row_id,) = spool.add(DATED, make_draft(3, *readings)).added
    found = spool.publish([row_id])
    assert found is not None
    assert found[row_id].shard == SHARD
    assert wire.decode(found[row_id].body) == wire.Report(
        "cafe-door",
        spool.boot,
        1,
        BEGIN_MS + 6000,
        BEGIN_MS + 8000,
        wire.Radio.OK,
        wire.Clock.SYNCED,
        readings,
    )


def test_a_body_is_written_once_with_its_boot_and_number_and_kept_over_restarts(tmp_path: Path) -> None:
    first = open_spool(tmp_path)
    ids = fill(first, 3)
    sent = first.publish(ids[1:])
    assert sent is not None
    assert [wire.decode(stored.body).seq for stored in sent.values()] == [1, 2]
    assert first.publish(ids[1:]) == sent
    first.close()
    second = open_spool(tmp_path)
    assert second.boot != first.boot
    assert second.publish(ids[1:]) == sent
    (fresh,) = publish(second, ids[:1])
    assert (fresh.boot, fresh.seq) == (second.boot, 1)
    second.close()


def test_what_is_sent_at_once_is_written_in_the_commit_of_its_window(spool: Spool) -> None:
    (row_id,) = spool.add(DATED, make_draft(0), publishing=True).added
    before = execute(spool, "PRAGMA data_version"), spool._store.connection.total_changes
    assert spool.publish([row_id])
    assert (execute(spool, "PRAGMA data_version"), spool._store.connection.total_changes) == before


def test_an_acknowledgement_of_another_boot_settles_nothing(tmp_path: Path) -> None:
    first = open_spool(tmp_path)
    publish(first, fill(first, 2))
    first.close()
    second = open_spool(tmp_path)
    second.settle(wire.Ack(second.boot, ((1, 2),), {}, 0))
    assert second.reports == 2
    second.settle(wire.Ack(first.boot, ((1, 2),), {}, 0))
    assert second.reports == 0
    second.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    done=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 5)), max_size=4),
    refused=st.sets(st.integers(1, 15), max_size=3),
)
def test_settling_removes_exactly_what_is_named(spool: Spool, done: list[tuple[int, int]], refused: set[int]) -> None:
    spool.settle(wire.Ack(spool.boot, ((1, wire.MAX_SEQ),), {}, 0))
    base = spool.take_seq()
    publish(spool, fill(spool, 10))
    pairs = tuple((base + first, base + first + length) for first, length in done)
    named = {seq for first, last in pairs for seq in range(first, last + 1)} | {base + seq for seq in refused}
    settled = spool.settle(wire.Ack(spool.boot, pairs, {base + seq: "future" for seq in refused}, 0))
    kept = [seq for seq in range(base + 1, base + 11) if seq not in named]
    assert [report.seq for report in publish(spool)] == kept
    assert spool.reports == len(kept)
    assert len(settled) == 10 - len(kept)


def test_what_was_never_published_cannot_be_settled(spool: Spool) -> None:
    fill(spool, 3)
    assert spool.settle(wire.Ack(spool.boot, ((1, wire.MAX_SEQ),), {}, 0)) == []
    assert spool.reports == 3


def test_the_oldest_are_dropped_and_counted_at_the_bound_which_the_file_keeps(tmp_path: Path) -> None:
    bound = 40 * 4096
    spool = open_spool(tmp_path, bound)
    added: list[int] = []
    dropped: list[int] = []
    for index in range(300):
        draft = make_draft(2 * index, *crowd(50))  # with holes, so that nothing is merged
        change = spool.add(DATED, draft)
        added += change.added
        dropped += change.gone
    assert spool.dropped == {"dropped": len(dropped), "dropped_age": 0}
    assert 0 < len(dropped) < 300
    assert spool.waiting() == sorted(set(added) - set(dropped)) == added[len(dropped) :]
    assert spool.reports == 300 - len(dropped)
    assert 0.8 * bound < spool.bytes <= bound
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes["spool.db"] <= bound + 16 * 4096
    assert sizes["spool.db-wal"] <= WAL_BYTES + 64 * 4096
    spool.close()
    again = open_spool(tmp_path, bound)
    assert again.dropped["dropped"] == len(dropped), "the count outlives a restart"
    again.close()


def test_a_full_disk_is_counted_and_what_was_kept_stays(spool: Spool) -> None:
    fill(spool, 3)
    ((pages,),) = execute(spool, "PRAGMA page_count")
    execute(spool, f"PRAGMA max_page_count = {pages}")
    for index in range(8):
        fill(spool, 1, start=3 + index, readings=250)
    assert spool.counts["unspooled"] > 4
    assert indexes(spool)[:3] == [0, 1, 2]
    execute(spool, "PRAGMA max_page_count = 100000")
    assert fill(spool, 1, start=11, readings=250)


def test_a_disk_that_is_really_full_costs_windows_that_are_counted_and_no_earlier_ones(tmp_path: Path) -> None:
    with processes.small_disk(tmp_path / "disk", 1024) as disk:
        spool = open_spool(disk)
        kept = fill(spool, 3)
        sent = publish(spool, kept)
        filler = processes.fill(disk)
        index = 3
        while not spool.counts["unspooled"]:  # the WAL may have a page left
            kept += fill(spool, 1, start=index, readings=100)
            index += 1
        assert index < 20
        assert fill(spool, 5, start=index, readings=100) == []
        assert spool.counts["unspooled"] == 6
        # What cannot be noted as settled stays, and is sent again with its number.
        spool.settle(wire.Ack(spool.boot, ((1, 3),), {}, 0))
        again = spool.publish(kept[:3])
        assert again is None or [wire.decode(stored.body) for stored in again.values()] in ([], sent)
        filler.unlink()
        kept += fill(spool, 1, start=index + 5)
        spool.settle(wire.Ack(spool.boot, ((1, 3),), {}, 0))
        assert spool.waiting() == kept[3:]
        assert spool.counts["spools_set_aside"] == 0
        spool.close()
        later = open_spool(disk)
        assert later.waiting() == kept[3:]
        assert len(publish(later)) == len(kept) - 3
        later.close()


def test_a_window_of_a_crowd_is_several_reports_that_hold_every_reading_once(spool: Spool) -> None:
    many = tuple(
        wire.Reading(number.to_bytes(20, "big"), 1999, 2000, 2**31 - 1, -127.5, -127, -128) for number in range(9000)
    )
    ids = spool.add(DATED, make_draft(0, *many)).added
    found = spool.publish(ids)
    assert found is not None
    assert all(len(stored.body) <= wire.SPLIT_BYTES for stored in found.values())
    reports = [wire.decode(stored.body) for stored in found.values()]
    assert [report.seq for report in reports] == [1, 2, 3, 4]
    assert {(report.from_ms, report.to_ms) for report in reports} == {(BEGIN_MS, BEGIN_MS + 2000)}
    assert tuple(reading for report in reports for reading in report.readings) == many


def test_a_corrupt_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "spool.db").write_bytes(b"this is no database at all" * 400)
    spool = open_spool(tmp_path)
    assert "corrupt" in caplog.text
    assert len(list(tmp_path.glob("spool.db.corrupt-*"))) == 1
    fill(spool, 1)
    assert spool.reports == 1
    spool.close()


def test_damaged_pages_are_noticed_at_the_start(tmp_path: Path) -> None:
    first = open_spool(tmp_path)
    fill(first, 50, readings=250)
    first.close()
    path = tmp_path / "spool.db"
    content = bytearray(path.read_bytes())
    content[8192:40960] = bytes([0xA5]) * (40960 - 8192)
    path.write_bytes(content)
    second = open_spool(tmp_path)
    assert second.counts["spools_set_aside"] == 1
    assert fill(second, 1)
    second.close()


def test_a_file_that_breaks_while_it_is_open_is_replaced_and_no_id_is_used_twice(spool: Spool, tmp_path: Path) -> None:
    before = fill(spool, 1)
    spool._store.connection.close()
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 1000)
    spool._store.connection = sqlite3.connect(broken, isolation_level=None, check_same_thread=False)
    after = fill(spool, 1, start=1)
    assert len(after) == 1
    assert after[0] > before[0]
    assert spool.counts["spools_set_aside"] == 1


def test_a_row_whose_content_is_damaged_makes_the_file_a_corrupt_one(spool: Spool) -> None:
    ids = fill(spool, 1)
    execute(spool, "UPDATE spooled SET packed = x'07'")
    assert spool.publish(ids) is None
    assert spool.counts["spools_set_aside"] == 1
    assert spool.publish(ids) == {}


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="make its folder writable"):
        open_spool(tmp_path / "file")


def test_what_is_remembered_outlives_a_restart(tmp_path: Path) -> None:
    first = open_spool(tmp_path)
    assert first.recall("config") is None
    first.remember("config", b"one")
    first.remember("config", b"two")
    first.add(DATED, make_draft(0), remembering=("played", b"until"))
    first.close()
    second = open_spool(tmp_path)
    assert (second.recall("config"), second.recall("played")) == (b"two", b"until")
    second.close()


def test_what_dated_this_boot_of_the_kernel_is_known_after_a_restart(tmp_path: Path) -> None:
    first = open_spool(tmp_path)
    assert first.find_dating() is None
    newer = Dating(DATED.kernel, 5, wire.Clock.ANCHORED)
    for dating in (DATED, newer, Dating("another-boot", 7, wire.Clock.SYNCED)):
        first.add(dating, make_draft(0))
    first.close()
    second = open_spool(tmp_path)
    assert second.find_dating() == newer
    second.close()


WRITER = """
import sys
from pathlib import Path
from beacon_agent.spool import Spool
from tests.beacon_agent.conftest import DATED, make_draft
spool = Spool(Path(sys.argv[1]), 1 << 24, agent="a", kernel=DATED.kernel)
for index in range(1_000_000):
    spool.add(DATED, make_draft(index), publishing=index % 2 == 0)
    print(index, flush=True)
"""


def test_every_committed_window_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "spool.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(25)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout if line.endswith("\n")]
    spool = open_spool(tmp_path)
    assert indexes(spool)[: len(said)] == said
    assert spool.counts["spools_set_aside"] == 0
    spool.close()


def test_a_power_cut_at_any_byte_of_the_last_commit_leaves_all_earlier_ones(spool: Spool, tmp_path: Path) -> None:
    """The WAL is cut at every byte that the last commit wrote; SQLite itself must find the commits before it."""
    fill(spool, 12, readings=20)
    wal = tmp_path / "spool.db-wal"
    before = wal.stat().st_size
    fill(spool, 1, start=12, readings=20)
    content = wal.read_bytes()
    assert before < len(content), "the last commit was appended"
    cut = tmp_path / "cut"
    cut.mkdir()
    counts = set()
    for length in range(before, len(content) + 1):
        shutil.copyfile(tmp_path / "spool.db", cut / "spool.db")
        (cut / "spool.db-wal").write_bytes(content[:length])
        connection = sqlite3.connect(cut / "spool.db")
        connection.execute("PRAGMA synchronous=OFF")  # only the reading is tried here, thousands of times
        found = [row_id for (row_id,) in connection.execute("SELECT id FROM spooled ORDER BY id")]
        connection.close()
        (cut / "spool.db-wal").unlink(missing_ok=True)
        assert found[:12] == list(range(1, 13)), length
        assert len(found) == (13 if length == len(content) else 12), length
        counts.add(len(found))
    assert counts == {12, 13}


@pytest.mark.parametrize("missing", [0, 1, 24, 2000, 4119, 4120])
def test_after_a_power_cut_the_agent_itself_goes_on(spool: Spool, tmp_path: Path, missing: int) -> None:
    fill(spool, 13, readings=20)
    cut = tmp_path / "cut"
    cut.mkdir()
    shutil.copyfile(tmp_path / "spool.db", cut / "spool.db")
    content = (tmp_path / "spool.db-wal").read_bytes()
    (cut / "spool.db-wal").write_bytes(content[: len(content) - missing])
    again = open_spool(cut)
    assert again.counts["spools_set_aside"] == 0
    assert indexes(again) == list(range(13 if missing == 0 else 12))
    assert fill(again, 1, start=20)
    again.close()
