"""`muster bench latency`: from the closing of a window to the delta that shows a viewer what changed in it.

A small town in real time: 16 venues with 1,600 badges, 2,000 readings per second. All agents publish at the moment when
their window closes, as real ones do. Viewers are connected to the live streams of all venues; in each window one badge
arrives at each venue, and what is measured is the time until the viewer of that venue has the delta with its dot.
"""

import argparse
import datetime as dt
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from server import database
from server.people import access
from server.people import service as people
from tests.bench import figures, generator, stage, town, usage
from tests.bench.crowd import Habits
from tests.bench.stage import Stage
from tests.bench.town import Town

WINDOW_MS = 2_000
WARM_MS, WARM_ROUNDS = 30_000, 4
VENUES, PRESENT = 16, 100  # 2.5 agents hear a badge every 2 s: 2,000 readings a second
SPARE = 80  # more than there are windows: who left does not come back before the end, and each arrival is one
GRACE_S = 2.0  # the last deltas follow the last acknowledgements
TARGET_P50_MS, TARGET_P99_MS = 150, 400


@dataclass
class Viewer:
    """A browser on the live stream of one venue: notes when it first saw each badge there, and each change of zone."""

    url: str
    venue: int
    token: str
    seen_s: dict[int, float] = field(default_factory=dict)  # badge -> wall clock, of those not in the first snapshot
    moved_s: list[float] = field(default_factory=list)  # when a badge's zone became another
    deltas: int = 0
    _zones: dict[int, str | None] = field(default_factory=dict)
    _ready: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Connects, and returns once the snapshot is there."""
        threading.Thread(target=self._watch, daemon=True).start()
        if not self._ready.wait(20):
            raise RuntimeError(f"no snapshot of {town.venue_id(self.venue)} within 20 s")

    def _watch(self) -> None:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        path = f"/api/venues/{town.venue_id(self.venue)}/live"
        connection.request("GET", path, headers={"Cookie": f"{access.COOKIE}={self.token}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{path} says {answer.status}")
        kind = b""
        try:
            for line in answer:
                at_s = time.time()
                if line.startswith(b"event: "):
                    kind = line[7:].strip()
                elif line.startswith(b"data: "):
                    self.take(kind == b"snapshot", json.loads(line[6:]), at_s)
                    self._ready.set()
        except (OSError, http.client.HTTPException):
            return  # the server has ended

    def take(self, snapshot: bool, event: dict[str, Any], at_s: float) -> None:
        """Notes what is new in an event that came at this time."""
        self.deltas += not snapshot
        for topic in event["topics"].values():
            for badge in topic.get("badges", ()):
                before = self._zones.get(badge["id"], badge["zone"])
                if badge["id"] not in self._zones and not snapshot:
                    self.seen_s[badge["id"]] = at_s
                elif before != badge["zone"] and before is not None and not snapshot:
                    self.moved_s.append(at_s)
                self._zones[badge["id"]] = badge["zone"]


def main(argv: list[str]) -> int:
    """Runs the benchmark; returns 1 when changes were not seen at all."""
    options = _parse(argv)
    figures.say_machine()
    with stage.running() as scene:
        return _measure(scene, options)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster bench latency",
        description="From the closing of a window to the delta at a viewer.",
        epilog="example:\n  muster bench latency --seconds 90 --json latency.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--seconds", type=float, default=80, help="how long it is measured (default 80, at most 150)")
    parser.add_argument("--venues", type=int, default=VENUES, help=f"of 100 badges each (default {VENUES})")
    parser.add_argument("--seed", type=int, default=1, help="of the town")
    return parser.parse_args(argv)


def _measure(scene: Stage, options: argparse.Namespace) -> int:
    size = Town(venues=options.venues, present=PRESENT, spare=SPARE, seed=options.seed)
    conninfo = scene.make_database("bench_latency")
    town.build(conninfo, size, dt.datetime.now(dt.UTC))
    token = _sign_in(conninfo)
    rounds = min(SPARE - 4, round(options.seconds * 1000 / WINDOW_MS))
    # One badge arrives at each venue in each window.
    habits = Habits(turnover_per_min=60_000 / WINDOW_MS / PRESENT)
    password = scene.passwords[stage.GENERATOR]
    with (
        generator.running(size, scene.broker.host, scene.broker.port, password, habits) as load,
        scene.gateway(conninfo) as gateway,
        scene.server(conninfo) as url,
    ):
        _arrive(load, size)
        viewers = [Viewer(url, venue, token) for venue in range(size.venues)]
        for viewer in viewers:
            viewer.start()
        cost = usage.cost(gateway.pid, scene.postgres.pid, scene.mosquitto.pid)
        begin_ms = (time.time_ns() // 1_000_000 // WINDOW_MS + 1) * WINDOW_MS
        sent, happened = load.live(rounds, begin_ms, WINDOW_MS, settle_s=30)
        cost = usage.cost(gateway.pid, scene.postgres.pid, scene.mosquitto.pid) - cost
        time.sleep(GRACE_S)
    arrivals, missed = _arrival_ms(viewers, happened, size)
    moves = _since_window_ms(viewers, begin_ms)
    rate = sent.readings / (rounds * WINDOW_MS / 1000)
    figures.say(
        f"{size.venues} venues, {rate:,.0f} readings/s for {rounds * WINDOW_MS / 1000:.0f} s, {len(viewers)} viewers,"
        f" {sum(viewer.deltas for viewer in viewers):,} deltas, gateway {cost.gateway_s:.1f} s of CPU\n"
    )
    heads = ["what a viewer sees", "samples", "p50 ms", "p90 ms", "p99 ms", "max ms", "not seen"]
    known: list[tuple[str, list[float], object]] = [("a badge arrives", arrivals, missed)]
    if figures.percentile(arrivals, 0.99) < WINDOW_MS:  # else it may have been an older window
        known.append(("a badge changes its zone", moves, ""))
    rows = [
        [name, len(found), *(round(figures.percentile(found, share)) for share in (0.5, 0.9, 0.99, 1.0)), count]
        for name, found, count in known
        if found
    ]
    figures.say(figures.draw_table(heads, rows))
    p50_ms, p99_ms = figures.percentile(arrivals, 0.5), figures.percentile(arrivals, 0.99)
    figures.say(f"\nwanted: p50 at most {TARGET_P50_MS} ms, p99 at most {TARGET_P99_MS} ms")
    metrics = {"p50_ms": p50_ms, "p99_ms": p99_ms}
    figures.write_json(options.json, "latency", metrics, more={"samples": len(arrivals), "readings_per_s": rate})
    return int(bool(missed) or not arrivals)


def _sign_in(conninfo: str) -> str:
    engine = database.connect(conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            return people.sign_in(session, member_id=town.OPERATOR, now=dt.datetime.now(dt.UTC))
    finally:
        engine.dispose()


def _arrive(load: generator.Generator, size: Town) -> None:
    """Everybody but the spare badges is there for two minutes already."""
    begin_ms = time.time_ns() // 1_000_000 // WARM_MS * WARM_MS - WARM_ROUNDS * WARM_MS
    load.prepare("warm", WARM_ROUNDS, begin_ms, WARM_MS)
    load.send("warm", first=size.agents * WARM_ROUNDS, most=64_000, send_s=600, settle_s=60)


def _arrival_ms(viewers: list[Viewer], happened: list[dict[str, Any]], size: Town) -> tuple[list[float], int]:
    """How long after its window had closed each badge that arrived was seen, and how many never were."""
    found: list[float] = []
    missed = 0
    for window in happened:
        for badge in window["arrived"]:
            seen_s = viewers[size.venue_of(badge)].seen_s.get(town.badge_id(badge))
            if seen_s is None:
                missed += 1
            else:
                found.append(seen_s * 1000 - window["to_ms"])
    return found, missed


def _since_window_ms(viewers: list[Viewer], begin_ms: int) -> list[float]:
    """How long after the newest closing of a window zones were seen to change.

    Which window changes a zone is the rule's matter (it waits until it is sure), but it is one that had just closed.
    """
    return [
        (at_s * 1000 - begin_ms) % WINDOW_MS for viewer in viewers for at_s in viewer.moved_s if at_s * 1000 > begin_ms
    ]
