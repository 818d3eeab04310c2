"""Plays a recording (CSV or CSV.gz, docs/protocol.md) as a radio would hear it; also reads and writes the format."""

import asyncio
import csv
import gzip
import heapq
import io
import itertools
import json
import logging
import math
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from beacon_agent import ibeacon, wire
from beacon_agent.source import Ear

log = logging.getLogger(__name__)

HEADER = ["time_ms", "scanner", "uuid", "major", "minor", "rssi", "calibrated_power", "heartbeat"]
REORDER_MS = 5000  # recordings of several scanners are out of order by up to 1.8 s (summit 2015)
REORDER_ROWS = 100_000  # and no more rows than this are held back, about 30 MB
GAP_MS = 3_600_000  # nobody heard anything for an hour: the recording was interrupted, nobody listened
CHUNK_ROWS = 500  # read in another thread at once: long enough to be cheap, short enough to be smooth
_UUID = re.compile(r"[0-9a-fA-F]{32}\Z")


class RecordingError(ValueError):
    """A file cannot be played: the message says why."""


class Row(NamedTuple):
    """One advert of a recording."""

    at_ms: int
    line: int
    scanner: str
    identity: bytes
    power: int  # dBm at 1 m; 0 where the recording has none
    rssi: int  # dBm
    heartbeat: bool


def _open_text(path: Path) -> IO[str]:
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    if gzipped:
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")


def read(path: Path, on_bad: Callable[[int, str], None]) -> Iterator[Row]:
    """Reads the rows in the file's order; `on_bad` gets the line and the fault of each that is passed over.

    Raises RecordingError when the file is not a recording, or breaks off.
    """
    line = 0
    try:
        with _open_text(path) as file:
            rows = csv.reader(file)
            header = next(rows, [])
            if header != HEADER:
                raise RecordingError(f"{path} is no recording: its first line must be {','.join(HEADER)}")
            for fields in rows:
                line = rows.line_num
                try:
                    yield _parse(fields, line)
                except ValueError as error:
                    on_bad(line, str(error))
    except FileNotFoundError:
        raise RecordingError(f"{path} does not exist") from None
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise RecordingError(f"{path} cannot be read after line {line}: {error}") from None


def _parse(fields: list[str], line: int) -> Row:
    if len(fields) != len(HEADER):
        raise ValueError(f"{len(fields)} columns instead of {len(HEADER)}")
    time_ms, scanner, uuid, major, minor, rssi, power, heartbeat = fields
    if not _UUID.match(uuid):
        raise ValueError("uuid is not 32 hex digits")
    if not scanner:
        raise ValueError("scanner is empty")
    if heartbeat not in ("", "0", "1"):
        raise ValueError("heartbeat is not 0 or 1")
    identity = bytes.fromhex(uuid) + b"".join(
        _whole(name, text, 0, 65535).to_bytes(2, "big") for name, text in (("major", major), ("minor", minor))
    )
    return Row(
        _whole("time_ms", time_ms, 0, wire.MAX_TIME_MS),
        line,
        scanner,
        identity,
        _whole("calibrated_power", power or "0", *wire.POWER_DBM),
        _whole("rssi", rssi, *wire.RSSI_DBM),
        heartbeat == "1",
    )


def _whole(name: str, text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{name} is not a whole number") from None
    if not low <= number <= high:
        raise ValueError(f"{name} is not between {low} and {high}")
    return number


def in_order(rows: Iterator[Row]) -> Iterator[Row]:
    """Orders rows by time as far as a bounded buffer can."""
    held: list[Row] = []
    newest_ms = 0
    for row in rows:
        heapq.heappush(held, row)
        newest_ms = max(newest_ms, row.at_ms)
        while held[0].at_ms <= newest_ms - REORDER_MS or len(held) > REORDER_ROWS:
            yield heapq.heappop(held)
    while held:
        yield heapq.heappop(held)


def describe(path: Path) -> dict[str, Any]:
    """What is in a recording: scanners, identities with the scanners that heard them, times, rows and bad rows."""
    bad: list[int] = []
    heard: dict[bytes, Counter[str]] = {}
    heartbeats: set[bytes] = set()
    scanners: set[str] = set()
    from_ms, to_ms, count = math.inf, 0, 0
    for row in read(path, lambda line, _fault: bad.append(line)):
        count += 1
        from_ms, to_ms = min(from_ms, row.at_ms), max(to_ms, row.at_ms)
        scanners.add(row.scanner)
        heard.setdefault(row.identity, Counter())[row.scanner] += 1
        if row.heartbeat:
            heartbeats.add(row.identity)
    if not count:
        raise RecordingError(f"{path} has no row that can be used")
    return {
        "scanners": sorted(scanners),
        "identities": [
            {"identity": identity.hex(), "heartbeat": identity in heartbeats, "scanners": dict(sorted(by.items()))}
            for identity, by in sorted(heard.items())
        ],
        "from_ms": int(from_ms),
        "to_ms": to_ms,
        "rows": count,
        "bad_rows": len(bad),
    }


class Replay:
    """The radio of one scanner of a recording, on a clock of its own."""

    def __init__(self, path: Path, scanner: str, *, speed: float = math.inf, shift_to_ms: int | None = None) -> None:
        """Reads the file once to know its times. speed: recorded seconds per second. shift_to_ms: when it begins
        instead of when it did; then also the wall clock's time at which the first row is due.

        Raises RecordingError when the file cannot be used or the scanner is not in it.
        """
        self.facts = describe(path)
        if scanner not in self.facts["scanners"]:
            raise RecordingError(f"{path} has no scanner {scanner}, only {', '.join(self.facts['scanners'])}")
        self._path = path
        self._scanner = scanner
        self._speed = speed
        self._shift_to_ms = shift_to_ms
        self.begin_ms: int | None = None  # played from then on only: until then an earlier run did
        self.rows = 0  # played so far, of all scanners
        self.bad_lines: list[int] = []

    @property
    def name(self) -> str:
        """The same for the same rows at the same times, however fast."""
        known = (self._scanner, self._shift_to_ms, *(self.facts[name] for name in ("from_ms", "to_ms", "rows")))
        return json.dumps([*known, zlib.crc32(json.dumps(self.facts["identities"]).encode())])

    async def listen(self, ear: Ear) -> None:
        """Plays to the end; the ear's `reach` holds it back."""
        from_ms = self.facts["from_ms"]
        shift_ms = 0 if self._shift_to_ms is None else self._shift_to_ms - from_ms
        start_s = time.time() if self._shift_to_ms is None else self._shift_to_ms / 1000
        rows = in_order(read(self._path, self._pass_over))
        begin_ms = max(from_ms + shift_ms, self.begin_ms or 0)
        start_s -= (begin_ms - shift_ms - from_ms) / 1000 / self._speed if self._shift_to_ms is None else 0
        ear.tell(begin_ms, wire.Radio.OK)
        due_ms = await ear.reach(begin_ms)
        last_ms = from_ms
        while chunk := await asyncio.to_thread(lambda: list(itertools.islice(rows, CHUNK_ROWS))):
            for row in chunk:
                at_ms = row.at_ms + shift_ms
                if row.at_ms - last_ms > GAP_MS and at_ms >= begin_ms:
                    await ear.jump(at_ms)
                last_ms = max(last_ms, row.at_ms)
                if at_ms < begin_ms:
                    self.rows += 1
                    continue
                if at_ms >= due_ms:
                    await self._wait_until(start_s + (row.at_ms - from_ms) / 1000 / self._speed)
                    due_ms = await ear.reach(at_ms)
                self.rows += 1
                if row.scanner == self._scanner:
                    ear.hear(at_ms, ibeacon.compose(row.identity, row.power), row.rssi)
        await ear.reach(max(begin_ms, last_ms + shift_ms))

    async def _wait_until(self, wall_s: float) -> None:
        if not math.isinf(self._speed):
            await asyncio.sleep(max(0.0, wall_s - time.time()))

    def _pass_over(self, line: int, fault: str) -> None:
        self.bad_lines.append(line)
        log.warning("line %d of %s is passed over: %s", line, self._path.name, fault)


class Recorder:
    """Writes what is heard as a recording; an ear that any source can talk to."""

    def __init__(self, path: Path, scanner: str, wants: Callable[[bytes], bool]) -> None:
        """Makes the file (compressed when it is named .gz). Raises OSError when it cannot be written."""
        binary = gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115 -- closed below
        self._file = io.TextIOWrapper(binary, "ascii", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(HEADER)
        self._scanner = scanner
        self._wants = wants
        self.rows = 0

    def hear(self, at_ms: int, data: bytes, rssi: int) -> None:
        """Writes one advert, if it is an iBeacon that is wanted."""
        parsed = ibeacon.parse(data)
        if isinstance(parsed, ibeacon.Rejection) or not wire.RSSI_DBM[0] <= rssi <= wire.RSSI_DBM[1]:
            return
        identity, power = parsed
        if self._wants(identity):
            major, minor = int.from_bytes(identity[16:18], "big"), int.from_bytes(identity[18:20], "big")
            self._rows.writerow([at_ms, self._scanner, identity[:16].hex(), major, minor, rssi, power, 0])
            self.rows += 1

    def tell(self, at_ms: int, radio: wire.Radio) -> None:
        """Says what the radio does: a recording has no column for it."""
        log.info("the radio is %s at %d", radio, at_ms)

    async def reach(self, now_ms: int) -> int:
        """Writes out what was heard, so that a pulled plug costs little."""
        self._file.flush()
        return now_ms + 2000

    async def jump(self, now_ms: int) -> None:
        """Nothing is open here."""

    def close(self) -> None:
        """Completes the file."""
        self._file.close()


def progress_line(replay: Replay, at_ms: int, unsettled: int, settled: int, *, done: bool) -> str:
    """One JSON line that tells how far a replay is."""
    return json.dumps(
        {
            "rows": replay.rows,
            "of": replay.facts["rows"],
            "at_ms": at_ms,
            "settled": settled,
            "unsettled": unsettled,
            "done": done,
        }
    )
