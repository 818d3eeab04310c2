"""The spool keeps itself small and dated: it merges past its marks, drops what is old, dates when time is known."""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from beacon_agent import tidying, wire
from beacon_agent.clock import Dating
from beacon_agent.packing import Draft
from beacon_agent.spool import Spool
from tests.beacon_agent.conftest import BEGIN_MS, DATED, SHARD, UNDATED, make_draft, make_reading
from tests.beacon_agent.test_spool import crowd

HOUR_MS = 3_600_000
LATER = Dating("this-boot", BEGIN_MS, wire.Clock.ANCHORED)  # monotonic 0 was then


def open_spool(folder: Path, bound_bytes: int = 1 << 24, kernel: str = "this-boot", **options: int) -> Spool:
    spool = Spool(folder / "spool.db", bound_bytes, agent="cafe-door", kernel=kernel, **options)  # type: ignore[arg-type]
    spool._store.connection.execute("PRAGMA synchronous=OFF")  # thousands of commits; no power is cut here
    return spool


def reports_of(spool: Spool) -> list[wire.Report]:
    found = spool.publish(spool.waiting())
    assert found is not None
    return sorted((wire.decode(stored.body) for stored in found.values()), key=lambda report: report.from_ms)


def lengths(spool: Spool) -> Counter[int]:
    rows = spool._store.connection.execute("SELECT length_ms, count(*) FROM spooled GROUP BY 1").fetchall()
    return Counter(dict(rows))


def fill_until(spool: Spool, enough: Callable[[], bool], start: int = 0) -> int:
    for index in range(start, start + 5000):
        if enough():
            return index
        spool.add(DATED, make_draft(index, *crowd(50)))
    raise AssertionError("it is never enough")


def test_nothing_is_merged_before_a_quarter_of_the_bound_is_needed(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 20)
    count = fill_until(spool, lambda: spool.counts["merged"] > 0)
    assert spool.bytes <= (1 << 18) + 4096
    assert spool.bytes > (1 << 18) - 5 * 4096
    assert lengths(spool)[10_000] == tidying.MERGED_AT_ONCE
    assert spool.reports == count - 4 * tidying.MERGED_AT_ONCE
    assert lengths(spool).total() == spool.reports
    spool.close()


def test_the_oldest_are_merged_first_and_to_thirty_seconds_past_three_quarters(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 20)
    count = fill_until(spool, lambda: spool.bytes > 600_000)
    assert set(lengths(spool)) == {2000, 10_000}
    fill_until(spool, lambda: lengths(spool)[30_000] > 8, count)
    assert 700_000 < spool.bytes <= 1 << 20
    assert spool.dropped["dropped"] == 0
    reports = reports_of(spool)
    by_age = [report.to_ms - report.from_ms for report in reports]
    assert by_age == sorted(by_age, reverse=True)
    assert all(before.to_ms == after.from_ms for before, after in itertools.pairwise(reports))
    spool.close()


def test_what_was_published_is_never_merged(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 18)
    for index in range(60):
        spool.add(DATED, make_draft(index, *crowd(50)), publishing=index % 5 == 2)
    published = [row_id for (row_id,) in spool._store.connection.execute("SELECT id FROM spooled WHERE boot NOT NULL")]
    before = spool.publish(published)
    for index in range(60, 70):
        spool.add(DATED, make_draft(index, *crowd(50)))
    assert spool.bytes > 1 << 16
    assert lengths(spool) == {2000: 60, 10_000: 2}, "each slot of the first sixty holds one that was published"
    assert spool.publish(published) == before
    assert len(published) == 12
    spool.close()


def test_the_publisher_learns_what_vanished_and_the_rest_still_tells_everything(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 18)
    known: set[int] = set()
    for index in range(80):
        change = spool.add(DATED, make_draft(index, *crowd(50)))
        known |= set(change.added)
        known -= set(change.gone)
        assert sorted(known) == spool.waiting()
        assert spool.reports == len(known)
    assert spool.counts["merged"] > 0
    reports = reports_of(spool)
    assert sum(reading.count for report in reports for reading in report.readings) == 80 * 50
    assert sum(report.to_ms - report.from_ms for report in reports) == 160_000
    spool.close()


def test_after_a_restart_merging_goes_on(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 20)
    fill_until(spool, lambda: spool.bytes > (1 << 18) - 8192)
    assert spool.counts["merged"] == 0
    spool.close()
    spool = open_spool(tmp_path, 1 << 19)
    spool.add(DATED, make_draft(9000))
    assert spool.counts["merged"] == 4 * tidying.MERGED_AT_ONCE
    spool.close()


def test_a_day_offline_with_a_hundred_badges_fits_into_sixteen_megabytes(tmp_path: Path) -> None:
    """An hour of it in a 24th of the bound; docs/protocol.md has the figures of the whole day."""
    chance = random.Random(7)
    badges = [bytes.fromhex("daf246cef20111e4b116123b93f75cba") + chance.randbytes(4) for _ in range(100)]
    kept = [[make_heard(badge, chance) for badge in badges] for _ in range(60)]
    spool = open_spool(tmp_path, 16 * 2**20 // 24)
    for index in range(1800):
        spool.add(DATED, make_draft(index, *kept[index % 60]))
    assert spool.dropped == {"dropped": 0, "dropped_age": 0}
    assert spool.bytes < 0.8 * 16 * 2**20 / 24
    assert sum(report.to_ms - report.from_ms for report in reports_of(spool)) == HOUR_MS
    spool.close()


def make_heard(badge: bytes, chance: random.Random) -> wire.Reading:
    first, rssi = chance.randrange(1000), chance.randrange(-95, -50)
    return wire.Reading(
        badge, first, min(1999, first + 990 + chance.randrange(20)), 2, rssi - chance.randrange(60) / 10, rssi, -59
    )


# --- age -----------------------------------------------------------------------------------------------------------


def test_what_is_older_than_the_bound_is_dropped_and_counted_also_when_it_was_published(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, max_age_ms=HOUR_MS)
    ids = [row_id for index in range(3) for row_id in spool.add(DATED, make_draft(index)).added]
    spool.publish(ids[:1])
    assert spool.add(DATED, make_draft(1800)).gone == []
    change = spool.add(DATED, make_draft(1802))
    assert change.gone == ids[:2]
    assert spool.dropped == {"dropped": 0, "dropped_age": 2}
    assert spool.reports == 3
    spool.close()
    spool = open_spool(tmp_path, max_age_ms=HOUR_MS)
    assert spool.dropped["dropped_age"] == 2
    spool.close()


def test_undated_windows_age_by_their_own_time(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, max_age_ms=HOUR_MS)
    spool.add(DATED, make_draft(0))
    for index in (0, 1, 1801):
        spool.add(UNDATED, make_draft(index, begin_ms=10_000))
    assert spool.dropped["dropped_age"] == 1
    assert spool.reports == 3, "when the dated one was cannot be told now"
    spool.close()


# --- dating --------------------------------------------------------------------------------------------------------


def test_what_was_heard_before_the_time_was_known_is_dated_before_it_is_published(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    for index in range(5):
        assert spool.add(UNDATED, make_draft(index, make_reading(1, 100, 1500, count=2), begin_ms=10_000)).added == []
    assert spool.waiting() == []
    later = LATER._replace(anchor_ms=BEGIN_MS + 700)
    change = spool.add(later, make_draft(50))
    assert sorted(change.added) == spool.waiting()
    assert spool.reports == len(change.added) == 7
    *old, new = reports_of(spool)
    assert [(report.from_ms - BEGIN_MS, report.radio) for report in old] == [
        (10_000, wire.Radio.OFF),
        *((from_ms, wire.Radio.OK) for from_ms in (12_000, 14_000, 16_000, 18_000)),
        (20_000, wire.Radio.OFF),
    ]
    assert {report.clock for report in (*old, new)} == {wire.Clock.ANCHORED}
    heard = [
        (report.from_ms + reading.first_ms, report.from_ms + reading.last_ms)
        for report in old
        for reading in report.readings
    ]
    assert (heard[0][0] - BEGIN_MS, heard[-1][1] - BEGIN_MS) == (10_800, 20_200)
    spool.close()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_long_undated_time_is_dated_a_little_at_a_time_whatever_restarts(
    tmp_path: Path, restarts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "DATED_AT_ONCE", 7)
    spool = open_spool(tmp_path)
    for index in range(40):
        hole = 30 if index >= 20 else 0
        spool.add(UNDATED, make_draft(index + hole, make_reading(1, 0, 1999, count=4), begin_ms=10_000))
    later = LATER._replace(anchor_ms=BEGIN_MS + 1100)
    added: list[int] = []
    for index in range(10):
        change = spool.add(later, make_draft(200 + index))
        added += change.added
        assert len(added) <= 10 + 8 * (index + 1)
        if restarts:
            spool.close()
            spool = open_spool(tmp_path, kernel="another-boot")
    assert sorted(added) == spool.waiting() or restarts
    assert spool.reports == len(spool.waiting()) == 42 + 10
    reports = [report for report in reports_of(spool) if report.from_ms < BEGIN_MS + 300_000]
    assert [report.radio for report in reports] == [
        *([wire.Radio.OFF] + [wire.Radio.OK] * 19 + [wire.Radio.OFF]),
        *([wire.Radio.OFF] + [wire.Radio.OK] * 19 + [wire.Radio.OFF]),
    ]
    assert sum(reading.count for report in reports for reading in report.readings) == 160
    assert spool._store.connection.execute("SELECT count(*) FROM era WHERE anchor_ms IS NULL").fetchone() == (0,)
    spool.close()


def test_what_a_boot_heard_that_never_knew_the_time_is_sent_as_undated(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.add(UNDATED, make_draft(0, make_reading(), begin_ms=10_000))
    spool.close()
    spool = open_spool(tmp_path, kernel="another-boot")
    spool.add(LATER._replace(kernel="another-boot"), make_draft(50))
    undated, dated = reports_of(spool)
    assert (undated.clock, undated.from_ms) == (wire.Clock.UNKNOWN, 10_000)
    assert dated.clock is wire.Clock.ANCHORED
    spool.settle(wire.Ack(spool.boot, (), {undated.seq: "undated"}, 0))
    assert spool.reports == 1
    spool.close()


def test_undated_windows_are_merged_too_and_dated_afterwards(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 18)
    for index in range(100):
        spool.add(UNDATED, make_draft(index, *crowd(50), begin_ms=10_000))
    assert spool.counts["merged"] > 0
    spool.add(LATER._replace(anchor_ms=BEGIN_MS + 4321), make_draft(5000))
    reports = reports_of(spool)
    assert all(report.from_ms % (report.to_ms - report.from_ms) == 0 for report in reports)
    assert {reading.identity for report in reports for reading in report.readings} == {
        reading.identity for reading in crowd(50)
    }
    spool.close()


def test_windows_of_two_anchors_are_never_merged(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 17)
    other = DATED._replace(anchor_ms=(DATED.anchor_ms or 0) + 1)
    for index in range(200):
        spool.add((DATED, other)[index // 7 % 2], make_draft(index, *crowd(20)))
    for report in reports_of(spool):
        first = (report.from_ms - BEGIN_MS) // 2000
        last = (report.to_ms - BEGIN_MS) // 2000 - 1
        assert first // 7 == last // 7
    assert spool.counts["merged"] > 0
    spool.close()


def test_a_window_of_a_crowd_is_not_merged_beyond_what_a_body_holds(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, 1 << 17)
    for index in range(10):
        many = tuple(
            make_reading()._replace(identity=(index * 1000 + number).to_bytes(20, "big")) for number in range(1000)
        )
        spool.add(
            DATED, Draft(SHARD, BEGIN_MS + index * 2000, BEGIN_MS + index * 2000 + 2000, wire.Radio.OK, 1, -128, many)
        )
    assert spool.bytes > 1 << 15
    assert lengths(spool) == {2000: 10}
    spool.close()
