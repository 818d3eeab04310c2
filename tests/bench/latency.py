"""`muster bench latency`: from the closing of a window to the delta that shows a viewer what changed in it.

A small town in real time: 16 venues with 1,600 badges, 2,000 readings per second. All agents publish at the moment when
their window closes, as real ones do. Viewers are connected to the live streams of all venues; in each window one badge
arrives at each venue, and what is measured is the time until the viewer of that venue has the delta with its dot.
"""

import argparse
import bisect
import contextlib
import datetime as dt
import itertools
import json
import re
import selectors
import socket
import threading
import time
from collections.abc import Iterator
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
GRACE_S = 2.0  # the last deltas follow the last acknowledgements
TARGET_P50_MS, TARGET_P99_MS = 150, 400
_EVENT = re.compile(rb"event: (\w+)\ndata: (.*)\n\n")  # the server sends each as one chunk, so nothing is within


@dataclass
class Viewer:
    """A browser on the live stream of one venue: when it first saw each badge there, and each change of zone."""

    venue: int
    seen_s: dict[int, float] = field(default_factory=dict)  # badge -> wall clock, of those not in the first snapshot
    moved_s: list[float] = field(default_factory=list)  # when a badge's zone became another
    deltas: int = 0
    _came: list[tuple[float, bytes]] = field(default_factory=list)
    _zones: dict[int, str | None] = field(default_factory=dict)

    def note(self, at_s: float, data: bytes) -> None:
        """Keeps what came at this time."""
        self._came.append((at_s, data))

    def has_begun(self) -> bool:
        """Whether the snapshot is coming."""
        return b"event: snapshot" in b"".join(data for _, data in self._came)

    def read(self) -> None:
        """Reads what came. An event was there when its last byte was."""
        whole = b"".join(data for _, data in self._came)
        ends = list(itertools.accumulate(len(data) for _, data in self._came))
        if not whole.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"the stream of {town.venue_id(self.venue)} begins with {whole[:200]!r}")
        for found in _EVENT.finditer(whole):
            at_s = self._came[bisect.bisect_left(ends, found.end())][0]
            self._take(found[1] == b"snapshot", json.loads(found[2]), at_s)

    def _take(self, snapshot: bool, event: dict[str, Any], at_s: float) -> None:
        self.deltas += not snapshot
        for topic in event["topics"].values():
            for badge in topic.get("badges", ()):
                before = self._zones.get(badge["id"], badge["zone"])
                if badge["id"] not in self._zones and not snapshot:
                    self.seen_s[badge["id"]] = at_s
                elif before != badge["zone"] and before is not None and not snapshot:
                    self.moved_s.append(at_s)
                self._zones[badge["id"]] = badge["zone"]


@contextlib.contextmanager
def watching(url: str, token: str, venues: int) -> Iterator[list[Viewer]]:
    """A viewer of each venue, all of which have their snapshots; what came is read at the end.

    One thread that only notes what came and when: reading it meanwhile would delay what is measured.
    """
    parts = urlsplit(url)
    viewers = [Viewer(venue) for venue in range(venues)]
    ready = threading.Semaphore(0)
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        ended, end = stack.enter_context(_pair())
        selector.register(ended, selectors.EVENT_READ)
        for viewer in viewers:
            connection = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 80), 20))
            path = f"/api/venues/{town.venue_id(viewer.venue)}/live"
            head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {access.COOKIE}={token}\r\n\r\n"
            connection.sendall(head.encode())
            selector.register(connection, selectors.EVENT_READ, viewer)
        thread = threading.Thread(target=_watch, args=(selector, ready), daemon=True)
        thread.start()
        for _ in viewers:
            if not ready.acquire(timeout=20):
                raise RuntimeError("not all streams began within 20 s")
        yield viewers
        end.send(b"end")
        thread.join()
    for viewer in viewers:
        viewer.read()


@contextlib.contextmanager
def _pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def _watch(selector: selectors.BaseSelector, ready: threading.Semaphore) -> None:
    begun: set[int] = set()
    while True:
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            data = key.fileobj.recv(1 << 18)
            at_s = time.time()
            if key.data is None:
                return
            if not data:
                selector.unregister(key.fileobj)  # the server has ended
                continue
            key.data.note(at_s, data)
            if key.fd not in begun and key.data.has_begun():
                begun.add(key.fd)
                ready.release()


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
    parser.add_argument("--seconds", type=float, default=80, help="how long it is measured (default 80)")
    parser.add_argument("--venues", type=int, default=VENUES, help=f"of 100 badges each (default {VENUES})")
    parser.add_argument("--seed", type=int, default=1, help="of the town")
    return parser.parse_args(argv)


def _measure(scene: Stage, options: argparse.Namespace) -> int:
    rounds = round(options.seconds * 1000 / WINDOW_MS)
    # One arrives at each venue in each window, also before it is measured. Who left does not come back before the end,
    # or a viewer who has seen the badge leave would not take it for an arrival.
    spare = WARM_MS * WARM_ROUNDS // WINDOW_MS + rounds
    size = Town(venues=options.venues, present=PRESENT, spare=spare, seed=options.seed)
    conninfo = scene.make_database("bench_latency")
    town.build(conninfo, size, dt.datetime.now(dt.UTC))
    token = _sign_in(conninfo)
    habits = Habits(turnover_per_min=60_000 / WINDOW_MS / PRESENT)
    password = scene.passwords[stage.GENERATOR]
    with (
        generator.running(size, scene.broker.host, scene.broker.port, password, habits) as load,
        scene.gateway(conninfo) as gateway,
        scene.server(conninfo) as server,
    ):
        _arrive(load, size)
        with watching(server.url, token, size.venues) as viewers:
            server_s = usage.cpu_s(server.pid)
            cost = usage.cost(gateway.pid, scene.postgres.pid, scene.mosquitto.pid)
            begin_ms = (time.time_ns() // 1_000_000 // WINDOW_MS + 1) * WINDOW_MS
            sent, happened = load.live(rounds, begin_ms, WINDOW_MS, settle_s=30)
            cost = usage.cost(gateway.pid, scene.postgres.pid, scene.mosquitto.pid) - cost
            server_s = usage.cpu_s(server.pid) - server_s
            time.sleep(GRACE_S)
    arrivals, missed = _arrival_ms(viewers, happened, size)
    moves = _since_window_ms(viewers, begin_ms)
    rate = sent.readings / (rounds * WINDOW_MS / 1000)
    figures.say(
        f"{size.venues} venues, {rate:,.0f} readings/s for {rounds * WINDOW_MS / 1000:.0f} s, {len(viewers)} viewers,"
        f" {sum(viewer.deltas for viewer in viewers):,} deltas\n"
        f"CPU of the gateway {cost.gateway_s:.1f} s, of the server {server_s:.1f} s\n"
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
