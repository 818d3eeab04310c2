"""Recordings: rows are read strictly, put in order, and played on a clock of their own."""

import asyncio
import gzip
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beacon_agent import ibeacon, replay, wire
from beacon_agent.replay import HEADER, RecordingError, Replay, Row

SUMMIT = Path(__file__).parents[3] / "shared" / "data" / "summit2015"
UUID = "DAF246CEF20311E4B116123B93F75CBA"
BASE_MS = 1_425_757_560_000


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([",".join(HEADER), *rows]) + "\n")
    return path


def row(at_ms: int, scanner: str = "Room201", rssi: object = -60, minor: int = 1) -> str:
    return f"{BASE_MS + at_ms},{scanner},{UUID},14,{minor},{rssi},-59,"


class Notes:
    """An ear that writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []
        self.reached: list[int] = []
        self.jumps: list[int] = []
        self.states: list[tuple[int, wire.Radio]] = []

    def hear(self, at_ms: int, data: bytes, rssi: int) -> None:
        assert ibeacon.parse(data) == (bytes.fromhex(UUID) + b"\x00\x0e" + data[22:24], -59)
        self.heard.append((at_ms - BASE_MS, rssi))

    def tell(self, at_ms: int, radio: wire.Radio) -> None:
        self.states.append((at_ms - BASE_MS, radio))

    async def reach(self, now_ms: int) -> int:
        self.reached.append(now_ms - BASE_MS)
        return now_ms - now_ms % 2000 + 2000

    async def jump(self, now_ms: int) -> None:
        self.jumps.append(now_ms - BASE_MS)


def play(path: Path, scanner: str = "Room201", **options: float | int | None) -> tuple[Notes, Replay]:
    notes = Notes()
    source = Replay(path, scanner, **options)  # type: ignore[arg-type]
    asyncio.run(source.listen(notes))
    return notes, source


def test_one_scanner_is_heard_and_time_is_that_of_all(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", row(0), row(500, "Room202"), row(4100, "Room202"), row(4200, rssi=-70))
    notes, source = play(path)
    assert notes.heard == [(0, -60), (4200, -70)]
    assert notes.reached == [0, 4100, 4200]
    assert notes.states == [(0, wire.Radio.OK)]
    assert source.rows == 4


def test_no_row_of_a_long_recording_is_left_out(tmp_path: Path) -> None:
    count = 2 * replay.CHUNK_ROWS + 7
    notes, source = play(write(tmp_path / "a.csv", *[row(at_ms) for at_ms in range(count)]))
    assert [at_ms for at_ms, _ in notes.heard] == list(range(count))
    assert source.rows == count


def test_rows_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", row(1000), row(0), row(3000), row(2000), row(9000))
    notes, _ = play(path)
    assert [at_ms for at_ms, _ in notes.heard] == [0, 1000, 2000, 3000, 9000]


@given(st.lists(st.integers(0, replay.REORDER_MS - 1)))
def test_any_disorder_within_the_bound_is_repaired(delays: list[int]) -> None:
    rows = [Row(index * 100, index, "a", b"", 0, 0, False) for index in range(len(delays))]
    arrivals = zip([row.at_ms + delay for row, delay in zip(rows, delays, strict=True)], rows, strict=True)
    arriving = [row for _, row in sorted(arrivals)]
    assert list(replay.in_order(iter(arriving))) == rows


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (row(0, rssi="abc"), "rssi is not a whole number"),
        (row(0, rssi=127), "rssi is not between"),
        (row(0, scanner=""), "scanner is empty"),
        (row(0, minor=70000), "minor is not between"),
        (row(0).replace(UUID, UUID[:-1]), "uuid"),
        (row(0) + "2", "heartbeat"),
        (row(0) + ",1", "9 columns"),
        ("", "0 columns"),
        (f"-5,Room201,{UUID},14,1,-60,-59,", "time_ms"),
        ("\ufffd\x00", "columns"),
    ],
)
def test_a_malformed_row_is_named_by_its_line_and_passed_over(tmp_path: Path, bad: str, says: str) -> None:
    path = write(tmp_path / "a.csv", row(0), bad, row(100))
    faults: list[tuple[int, str]] = []
    rows = list(replay.read(path, lambda line, fault: faults.append((line, fault))))
    assert [found.at_ms - BASE_MS for found in rows] == [0, 100]
    ((line, fault),) = faults
    assert line == 3
    assert says in fault
    assert replay.describe(path)["bad_rows"] == 1
    assert play(path)[1].bad_lines == [3]


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(write(tmp_path / "a.csv", *[row(index) for index in range(5000)]).read_bytes())
    (tmp_path / "b.csv.gz").write_bytes(whole[: len(whole) // 2])
    for path in (tmp_path / "b.csv.gz", tmp_path / "none.csv", tmp_path):
        with pytest.raises(RecordingError):
            replay.describe(path)


def test_a_recording_without_rows_or_scanner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no row"):
        replay.describe(write(tmp_path / "a.csv"))
    with pytest.raises(RecordingError, match="only Room201"):
        Replay(write(tmp_path / "b.csv", row(0)), "Room209")


def test_speed_is_recorded_seconds_per_second(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", *[row(at_ms) for at_ms in range(0, 10_001, 1000)])
    began_s = time.monotonic()
    play(path, speed=20.0)
    assert time.monotonic() - began_s > 0.45
    day = write(tmp_path / "day.csv", *[row(at_ms) for at_ms in range(0, 86_400_001, 3_600_000)])
    began_s = time.monotonic()
    play(day, speed=math.inf)
    assert time.monotonic() - began_s < 3600


def test_a_shifted_recording_keeps_its_distances(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", row(0, "Room202"), row(300), row(700))
    notes, _ = play(path, shift_to_ms=BASE_MS + 50_000)
    assert [at_ms for at_ms, _ in notes.heard] == [50_300, 50_700]


def test_an_hour_in_which_nobody_heard_anything_was_not_listened_to(tmp_path: Path) -> None:
    notes, _ = play(write(tmp_path / "a.csv", row(0), row(3_700_000)))
    assert notes.jumps == [3_700_000]


def test_the_summit_recording_is_read_whole() -> None:
    path = SUMMIT / "FourScannersRun1-2015-03-07.csv.gz"
    if not path.exists():
        pytest.skip("../shared/data is absent")
    facts = replay.describe(path)
    assert (facts["rows"], facts["bad_rows"]) == (38_942, 0)
    assert facts["scanners"] == ["Room201", "Room202", "Room203", "Room204"]
    heartbeats = [entry for entry in facts["identities"] if entry["heartbeat"]]
    assert len(heartbeats) == 4
    assert all(len(entry["scanners"]) == 1 for entry in heartbeats)
    assert len(facts["identities"]) - len(heartbeats) == 6
    in_order = [found.at_ms for found in replay.in_order(replay.read(path, lambda *_: None))]
    assert in_order == sorted(in_order)
    assert len(in_order) == 38_942
