"""Positions of phones: how many a second are taken over one pool, with fences and company evaluated.

`measure_positions` works on a database that somebody filled: members who go somewhere, venues, of any number. Fixes
walk towards where their members are going, so that fences are entered and left; each batch is one transaction.
"""

import datetime as dt
import math
import random
import resource
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, text

from config.settings import Settings
from geo.distances import EARTH_M
from server import database
from server.company import service as company
from server.inbox import tasks as _inbox_tasks  # noqa: F401  # whoever is told is written to: they register themselves
from server.positions import service as positions
from server.positions.service import Fix, Source
from tests.bench.figures import percentile

BATCH = 500  # as many fixes a transaction: what the phones' thread takes at once when it is behind


class Figures(NamedTuple):
    """What was measured. memory_*_mb: of this process, resident; happened: enters, exits and the like at fences."""

    positions_per_s: float
    batches: int
    batch_p50_ms: float
    batch_p99_ms: float
    happened: int
    memory_before_mb: float
    memory_after_mb: float


class Walker(NamedTuple):
    """A member on her way, from so far to where she is going."""

    member_id: str
    lon: float
    lat: float


_WALKERS = text("""
    SELECT position_use.member_id, ST_X(venue.location::geometry) AS lon, ST_Y(venue.location::geometry) AS lat
    FROM position_use JOIN LATERAL (
        SELECT step.venue_id FROM sign_up JOIN step ON step.event_id = sign_up.event_id
        WHERE sign_up.member_id = position_use.member_id AND step.ends_at > :now AND step.opens_at <= :now
        ORDER BY step.starts_at LIMIT 1) AS going ON true
    JOIN venue ON venue.id = going.venue_id AND venue.location IS NOT NULL
    WHERE position_use.fences ORDER BY position_use.member_id LIMIT :most
""")


def measure_positions(
    engine: Engine,
    settings: Settings,
    *,
    now: dt.datetime,
    seconds: float = 20.0,
    threads: int = 2,
    members: int = 5_000,
    batch: int = BATCH,
) -> Figures:
    """How many positions a second are kept and taken to fences and company, for so many seconds, by so many threads.

    engine: whose pool all threads share. now: the clock that fixes are dated by; it walks on with the time.
    members: at most so many send, in turn: as many as fixes are wanted a second send one each second, so that who is
    reminded is reminded once of many fixes. A second run on the same rows has to be of a later `now`: fixes that are
    no news cost less. Raises ValueError when nobody goes anywhere.
    """
    with database.transaction(engine) as session:
        rows = session.execute(_WALKERS, {"now": now, "most": members}).all()
    walkers = [Walker(row.member_id, row.lon, row.lat) for row in rows]
    if not walkers:
        raise ValueError("Nobody lets a phone say that she came to what she goes to: there is nothing to measure.")
    before_mb = _memory_mb()
    began = time.monotonic()
    took_ms: list[float] = []
    happened = [0] * threads
    counts = [0] * threads
    faults: list[BaseException] = []

    def work(number: int) -> None:
        mine = walkers[number::threads]
        chance = random.Random(number)
        at = 0
        try:
            while mine and time.monotonic() - began < seconds:
                some = [mine[(at + step) % len(mine)] for step in range(min(batch, len(mine)))]
                turn = at // len(mine)
                at += len(some)
                clock = now + dt.timedelta(seconds=time.monotonic() - began)
                fixes = make_fixes(some, turn, clock, chance)
                start = time.monotonic()
                with database.transaction(engine) as session:
                    positions.keep(session, fixes, now=clock)
                    found = company.take(session, fixes, now=clock, settings=settings)
                took_ms.append((time.monotonic() - start) * 1000)
                happened[number] += len(found.happened)
                counts[number] += len(fixes)
        except BaseException as fault:
            faults.append(fault)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if faults:
        raise faults[0]
    lasted = time.monotonic() - began
    return Figures(
        sum(counts) / lasted,
        len(took_ms),
        percentile(took_ms, 0.5),
        percentile(took_ms, 0.99),
        sum(happened),
        before_mb,
        _memory_mb(),
    )


def make_fixes(some: Sequence[Walker], turn: int, now: dt.datetime, chance: random.Random) -> list[Fix]:
    """A fix of each: 3 km away at first, 300 m nearer each turn, there, and away again."""
    away_m = abs(3000.0 - 300.0 * (turn % 20)) + 20
    fixes = []
    for one in some:
        bearing = chance.random() * 2 * math.pi
        north, east = away_m * math.cos(bearing), away_m * math.sin(bearing)
        lat = one.lat + math.degrees(north / EARTH_M)
        lon = one.lon + math.degrees(east / EARTH_M / max(0.01, math.cos(math.radians(one.lat))))
        place = ((lon + 540) % 360 - 180, min(90.0, max(-90.0, lat)))
        fixes.append(Fix(one.member_id, Source.PHONE, "phone", place, chance.uniform(5, 60), now))
    return fixes


def _memory_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
