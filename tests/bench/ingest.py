"""`muster bench ingest`: readings per second made durable by one gateway, beside a bare subscriber.

1. the bare paho subscriber counts and acknowledges the same messages at the same broker (the baseline);
2. the gateway in a town of 500 venues with 50,000 badges present: everybody arrives and is checked in (warm-up), then
   as many windows as it takes in a minute (the measurement);
3. the same with 1,000, 10,000 and 100,000 badges present: CPU per reading, and memory;
4. a small town in real time: what the database writes while a badge is present for a minute.
"""

import argparse
import contextlib
import dataclasses
import datetime as dt
import json
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import figures, generator, listener, stage, town, usage
from tests.bench.generator import Generator
from tests.bench.sender import Sent
from tests.bench.stage import Stage
from tests.bench.town import Town

WINDOW_MS = 2_000
# The warm-up as merged reports of 30 s: after two minutes everybody who signed up (15 s) or walked in (90 s) is there.
WARM_MS, WARM_ROUNDS = 30_000, 4
VENUES = 500
SCALE = (10, 100, 1000)  # venues of 100 badges each
REAL_TIME_VENUES = 20
# Reports in flight: at first two rounds of the town, at most what packet ids allow.
FIRST_IN_FLIGHT, MOST_IN_FLIGHT = 8_000, 64_000
SETTLE_S = 90.0
HELD_S = 20.0  # a gateway may hold an acknowledgement back for so long (docs/protocol.md)
WARM_S = 900.0  # a gateway that takes longer for half a million readings is measured with who is there by then
BASELINE_WINDOW = 20_000
BASELINE_S = 15.0


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One phase of one gateway."""

    present: int
    sent: Sent
    cost: usage.Cost
    rss_mb: float
    peak_mb: float
    written: usage.Written

    @property
    def readings_per_s(self) -> float:
        """Readings made durable per second."""
        return self.sent.rates(HELD_S)[1]

    @property
    def reports_per_s(self) -> float:
        """Reports settled per second."""
        return self.sent.rates(HELD_S)[0]

    def us_per_reading(self, seconds: float) -> float:
        """Microseconds of CPU per reading."""
        return seconds / self.sent.readings * 1e6


def main(argv: list[str]) -> int:
    """Runs the benchmark; returns 1 when reports were refused or never settled."""
    options = _parse(argv)
    figures.say_machine()
    with stage.running(options.folder) as scene:
        figures.say("PostgreSQL durable: fsync, full_page_writes, synchronous_commit on\n")
        baseline, warm, measured = _measure_town(scene, options)
        scale = [] if options.quick else [_measure_scale(scene, options, venues) for venues in options.scale]
        real_time = None if options.quick else _measure_real_time(scene, options)
        _show(baseline, warm, measured, scale, real_time)
        _write(options.json, baseline, measured, scale, real_time)
    phases = [warm, measured, *scale, *([real_time] if real_time else [])]
    return int(any(phase.sent.refused or phase.sent.unsettled for phase in phases))


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster bench ingest",
        description="Readings per second made durable by one gateway.",
        epilog="example:\n  muster bench ingest --seconds 60 --json ingest.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--seconds", type=float, default=60, help="how long the gateway is measured (default 60)")
    parser.add_argument(
        "--rounds", type=int, default=50, help="windows at most of each agent (default 50: 6M readings)"
    )
    parser.add_argument("--venues", type=int, default=VENUES, help=f"of 100 badges each (default {VENUES})")
    parser.add_argument("--in-flight", type=int, default=FIRST_IN_FLIGHT, help="unsettled reports at first")
    parser.add_argument("--most-in-flight", type=int, default=MOST_IN_FLIGHT, help="and at most, while acks are held")
    parser.add_argument(
        "--scale", type=_read_sizes, default=SCALE, help=f"venues of each size (default {','.join(map(str, SCALE))})"
    )
    parser.add_argument("--quick", action="store_true", help="without the scale and the real-time part")
    parser.add_argument("--no-baseline", action="store_true", help="without the bare subscriber")
    parser.add_argument("--profile", action="store_true", help="sample where the gateway's time goes")
    parser.add_argument("--folder", type=Path, help="where the database lies, such as another disk")
    parser.add_argument("--seed", type=int, default=1, help="of the town")
    return parser.parse_args(argv)


def _read_sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _begin_ms(rounds: int) -> int:
    """When a town begins so that all its windows are over by now; a whole minute."""
    needed_ms = rounds * WINDOW_MS + WARM_ROUNDS * WARM_MS + 60_000
    return (time.time_ns() // 1_000_000 - needed_ms) // 60_000 * 60_000


@contextlib.contextmanager
def _town(scene: Stage, name: str, size: Town) -> Iterator[tuple[str, Generator]]:
    conninfo = scene.make_database(name)
    started_s = time.monotonic()
    town.build(conninfo, size, dt.datetime.now(dt.UTC))
    figures.say(
        f"{name}: {size.venues:,} venues, {size.agents:,} agents, {size.venues * size.present:,} badges present,"
        f" made in {time.monotonic() - started_s:.1f} s"
    )
    password = scene.passwords[stage.GENERATOR]
    with generator.running(size, scene.broker.host, scene.broker.port, password) as load:
        yield conninfo, load


def _measure_town(scene: Stage, options: argparse.Namespace) -> tuple[Sent | None, Measured, Measured]:
    size = Town(venues=options.venues, seed=options.seed)
    with _town(scene, "bench_town", size) as (conninfo, load):
        begin_ms = _begin_ms(options.rounds)
        warm = load.prepare("warm", WARM_ROUNDS, begin_ms, WARM_MS)
        main_part = load.prepare("main", options.rounds, warm.to_ms, WINDOW_MS)
        figures.say(f"prepared: {main_part.reports:,} reports, {main_part.readings:,} readings, {main_part.mb:g} MB")
        baseline = None if options.no_baseline else _measure_baseline(scene, load)
        profile = scene.folder / "profile.json" if options.profile else None
        with scene.gateway(conninfo, profile=profile) as process:
            first = _phase(scene, options, conninfo, process.pid, load, "warm", size, float("inf"))
            figures.say(f"warm-up: {_describe(first)}")
            if profile is not None:
                process.send_signal(signal.SIGUSR1)
            second = _phase(scene, options, conninfo, process.pid, load, "main", size, options.seconds)
            figures.say(f"measured: {_describe(second)}\n")
        if profile is not None:
            _show_profile(profile)
        if baseline is not None:
            # Once more: others may have slowed it, and a slow baseline would flatter the gateway.
            baseline = max(baseline, _measure_baseline(scene, load), key=_rate)
        return baseline, first, second


def _rate(sent: Sent) -> float:
    """Reports per second."""
    return sent.reports / sent.seconds


def _measure_baseline(scene: Stage, load: Generator) -> Sent:
    counter = scene.folder / "counter"
    broker = scene.broker
    with listener.running(broker.host, broker.port, "gateway", scene.passwords["gateway"], counter) as process:
        before_s, load_s = usage.cpu_s(process.pid), usage.cpu_s(load.process.pid)
        sent = load.send_uncounted("main", counter, window=BASELINE_WINDOW, send_s=BASELINE_S)
        cpu_s, load_s = usage.cpu_s(process.pid) - before_s, usage.cpu_s(load.process.pid) - load_s
    got = struct.unpack("<q", counter.read_bytes()[:8])[0]
    assert got >= sent.reports
    figures.say(
        f"bare subscriber: {_rate(sent):,.0f} reports/s"
        f" ({sent.reports:,} in {sent.seconds:.1f} s, {sent.unsettled:,} lost by the broker,"
        f" {cpu_s / sent.reports * 1e6:.0f} us of CPU each, the load {load_s / sent.reports * 1e6:.0f} us)"
    )
    return sent


def _phase(
    scene: Stage,
    options: argparse.Namespace,
    conninfo: str,
    gateway: int,
    load: Generator,
    name: str,
    size: Town,
    seconds: float,
) -> Measured:
    """Sends what was prepared under this name, and measures around it."""
    before, cost = usage.written(conninfo), usage.cost(gateway, scene.postgres.pid, scene.mosquitto.pid)
    sent = load.send(
        name,
        first=options.in_flight,
        most=options.most_in_flight,
        send_s=min(seconds, WARM_S),
        settle_s=SETTLE_S,
    )
    return _finish(scene, conninfo, gateway, size, sent, before, cost)


def _finish(
    scene: Stage, conninfo: str, gateway: int, size: Town, sent: Sent, before: usage.Written, cost: usage.Cost
) -> Measured:
    cost = usage.cost(gateway, scene.postgres.pid, scene.mosquitto.pid) - cost
    rss_mb, peak_mb = usage.memory_mb(gateway)
    stage.wait_for_statistics()
    return Measured(size.venues * size.present, sent, cost, rss_mb, peak_mb, usage.written(conninfo).since(before))


def _measure_scale(scene: Stage, options: argparse.Namespace, venues: int) -> Measured:
    """The same number of readings whatever the size, so that what differs is the size."""
    size = Town(venues=venues, seed=options.seed)
    readings = venues * size.present * 2.5
    rounds = max(4, min(round(options.seconds * 30_000 / readings), 600))
    with _town(scene, f"bench_{venues * size.present}", size) as (conninfo, load):
        warm = load.prepare("warm", WARM_ROUNDS, _begin_ms(rounds), WARM_MS)
        load.prepare("main", rounds, warm.to_ms, WINDOW_MS)
        with scene.gateway(conninfo) as process:
            _phase(scene, options, conninfo, process.pid, load, "warm", size, float("inf"))
            scene.settle_disk()
            found = _phase(scene, options, conninfo, process.pid, load, "main", size, options.seconds / 2)
    figures.say(f"{found.present:,} present: {_describe(found)}\n")
    return found


def _measure_real_time(scene: Stage, options: argparse.Namespace) -> Measured:
    size = Town(venues=REAL_TIME_VENUES, seed=options.seed)
    rounds = max(5, round(options.seconds * 1000 / WINDOW_MS))
    with _town(scene, "bench_real_time", size) as (conninfo, load):
        # What is reported before now is past, what then comes is sent as its windows close.
        begin_ms = time.time_ns() // 1_000_000 // WARM_MS * WARM_MS
        load.prepare("warm", WARM_ROUNDS, begin_ms - WARM_ROUNDS * WARM_MS, WARM_MS)
        with scene.gateway(conninfo) as process:
            _phase(scene, options, conninfo, process.pid, load, "warm", size, float("inf"))
            begin_ms = time.time_ns() // 1_000_000 // WINDOW_MS * WINDOW_MS
            before = usage.written(conninfo)
            cost = usage.cost(process.pid, scene.postgres.pid, scene.mosquitto.pid)
            sent, _ = load.live(rounds, begin_ms, WINDOW_MS, SETTLE_S)
            found = _finish(scene, conninfo, process.pid, size, sent, before, cost)
    figures.say(f"real time: {_describe(found)}\n")
    return found


def _describe(found: Measured) -> str:
    sent = found.sent
    odd = "".join(
        f", {count:,} {word}"
        for word, count in (("refused", sent.refused), ("never settled", sent.unsettled), ("sent again", sent.resent))
        if count
    )
    return (
        f"{found.readings_per_s:,.0f} readings/s, {found.reports_per_s:,.0f} reports/s"
        f" ({sent.readings:,} readings in {sent.seconds:.1f} s, at most {sent.window:,} in flight{odd})"
    )


def _show(
    baseline: Sent | None, warm: Measured, measured: Measured, scale: list[Measured], real_time: Measured | None
) -> None:
    rows: list[list[object]] = []
    if baseline is not None:
        bare = _rate(baseline)
        rows = [
            ["bare paho subscriber", round(bare), "", 1.0],
            ["gateway", round(measured.reports_per_s), round(measured.readings_per_s), measured.reports_per_s / bare],
        ]
    rows.append(["gateway, all arriving at once", round(warm.reports_per_s), round(warm.readings_per_s), ""])
    figures.say(figures.draw_table(["what", "reports/s", "readings/s", "ratio"], rows) + "\n")
    heads = [
        "present",
        "readings/s",
        "gateway us/reading",
        "PostgreSQL us/reading",
        "broker us/reading",
        "RSS MB",
        "peak MB",
    ]
    table = [
        [
            phase.present,
            round(phase.readings_per_s),
            phase.us_per_reading(phase.cost.gateway_s),
            phase.us_per_reading(phase.cost.postgres_s),
            phase.us_per_reading(phase.cost.broker_s),
            round(phase.rss_mb),
            round(phase.peak_mb),
        ]
        for phase in sorted([measured, *scale], key=lambda phase: phase.present)
    ]
    figures.say(figures.draw_table(heads, table) + "\n")
    if real_time is not None:
        figures.say(figures.draw_table(*_per_visit_minute(real_time)) + "\n")


def _visit_minutes(real_time: Measured) -> float:
    rounds = real_time.sent.reports / (real_time.present / 100 * 8)
    return real_time.present * rounds * WINDOW_MS / 60_000


def _per_visit_minute(real_time: Measured) -> tuple[list[str], list[list[object]]]:
    """What is written while a badge is present for a minute."""
    minutes = _visit_minutes(real_time)
    rows: list[list[object]] = [
        [name, found.inserted / minutes, found.updated / minutes, found.hot / minutes, found.deleted / minutes]
        for name, found in sorted(real_time.written.tables.items(), key=lambda entry: -entry[1].versions)
        if found.versions or found.deleted
    ]
    rows.append(["WAL bytes", real_time.written.wal_bytes / minutes, "", "", ""])
    rows.append(["commits", real_time.written.commits / minutes, "", "", ""])
    return ["per visit-minute", "inserted", "updated", "of these hot", "deleted"], rows


def _show_profile(path: Path) -> None:
    found: dict[str, Any] = json.loads(path.read_text())
    for kind, head in (("own", "at the top of the stack"), ("whole", "anywhere on the stack")):
        rows = [
            [thread, function, count / found["samples"]]
            for thread, function, count in found[kind]
            if count / found["samples"] >= 0.01
        ]
        figures.say(figures.draw_table(["thread", head, "share of samples"], rows[:40]) + "\n")


def _write(
    path: str | None, baseline: Sent | None, measured: Measured, scale: list[Measured], real_time: Measured | None
) -> None:
    metrics: dict[str, Any] = {
        "readings_per_s": measured.readings_per_s,
        "reports_per_s": measured.reports_per_s,
        "rss_mb_at_100k": next((phase.rss_mb for phase in scale if phase.present == 100_000), None),
    }
    bare = None if baseline is None else _rate(baseline)
    more: dict[str, Any] = {
        "by_present": {
            phase.present: {"readings_per_s": phase.readings_per_s, "peak_mb": phase.peak_mb}
            | {
                name: phase.us_per_reading(getattr(phase.cost, field))
                for name, field in (("gateway_us", "gateway_s"), ("postgres_us", "postgres_s"))
            }
            for phase in scale
        }
    }
    if real_time is not None:
        heads, rows = _per_visit_minute(real_time)
        more["per_visit_minute"] = {str(row[0]): dict(zip(heads[1:], row[1:], strict=True)) for row in rows}
    figures.write_json(
        path,
        "ingest",
        metrics,
        {} if bare is None else {"reports_per_s": bare},
        {} if bare is None else {"reports": measured.reports_per_s / bare},
        more,
    )
