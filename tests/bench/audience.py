"""The other direction of `muster bench match`: for a gathering the 500 best members, beside the plain nearest 500.

Every member has a home and half of them want to be told, each within a radius of hers; one in ten has a phone that says
where she is, and some were told of something of late, so that caps are counted.
"""

import datetime as dt
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import Engine, text

from config import settings as config
from geo import cells, chords
from geo.areas import Position
from server import database
from server.audience import choosing
from server.audience import service as audience
from server.audience.model import Call
from tests.bench import figures

MOST = 500
WARM, ASKED = 60, 300
PLAIN_M = 25_000.0
_PLAIN = text("SELECT member_id, cell FROM position WHERE area = ANY(:areas) AND until > :now")
_USES = """
    INSERT INTO position_use (member_id, told, radius_m, changed_at)
    SELECT id, random() < 0.5, (ARRAY[2000, 5000, 5000, 10000, 25000, 50000, 100000])[1 + floor(7 * random())::int],
           %(now)s FROM member
"""
_TOLD = """
    INSERT INTO notification (member_id, kind, subject, nonce, sentence, at)
    SELECT id, 'nearby_event', 'event/past-' || n, '', '-', %(now)s - 10 * random() * interval '1 day'
    FROM member, generate_series(1, 2) AS n WHERE random() < 0.3
"""
_GATHERINGS = """
    SELECT DISTINCT event_id, lon, lat FROM listing
    WHERE step_id IS NOT NULL AND starts_at > %(now)s AND (capacity IS NULL OR going < capacity) AND for_all
    ORDER BY event_id
"""


def measure(
    connection: psycopg.Connection[Any], engine: Engine, now: dt.datetime, say: Callable[[str], None] = figures.say
) -> dict[str, list[float]]:
    """Milliseconds of each answer: `event`, the service call, and `members plain`, the nearest and nothing else."""
    say("  who wants to be told ...")
    _furnish(connection, now)
    gatherings = connection.execute(_GATHERINGS, {"now": now}).fetchall()
    asked = random.Random(11).choices(gatherings, k=WARM + ASKED)
    took: dict[str, list[float]] = {"event": [], "members plain": []}
    rule = config.load(environment={}).audience
    found: list[int] = []
    for number, (event_id, lon, lat) in enumerate(asked):
        began = time.perf_counter()
        with database.transaction(engine) as session:
            # THE CALL THAT IS MEASURED: what is known of the gathering, and the 500 best within their caps.
            call = Call(reason="new_event", event_id=event_id, told=0)
            wave = audience.wave_of(session, call, rule=rule, now=now)
            assert wave is not None
            chosen = choosing.choose(session, wave.wanted, most=MOST, least_points=rule.least_points, now=now)
        middle = time.perf_counter()
        _plain(engine, (lon, lat), now)
        if number >= WARM:
            found.append(len(chosen))
            took["event"].append((middle - began) * 1000)
            took["members plain"].append((time.perf_counter() - middle) * 1000)
    say(f"  told of a gathering: {sum(found) / len(found):.0f} on the average, {max(found)} at most")
    return took


def _plain(engine: Engine, place: Position, now: dt.datetime) -> list[str]:
    """The baseline: the nearest 500 homes and phones, whoever they are."""
    with database.transaction(engine) as session:
        areas = cells.around(place, PLAIN_M, cells.AREA)
        rows = database.read_rows(session, _PLAIN, {"areas": areas, "now": now})
    middles = np.array([cells.centre(cell) for _, cell in rows])
    away_m = chords.metres(chords.units(middles) @ chords.units(np.array([place]))[0])
    return [rows[number][0] for number in np.argsort(away_m)[:MOST].tolist()]


def _furnish(connection: psycopg.Connection[Any], now: dt.datetime) -> None:
    connection.execute("SELECT setseed(0.25)")
    connection.execute(_USES, {"now": now})
    connection.execute(_TOLD, {"now": now})
    drawn = random.Random(3)
    until = now + dt.timedelta(days=1)
    rows = connection.execute("SELECT n, ST_X(home::geometry), ST_Y(home::geometry) FROM bench_home").fetchall()
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY position (member_id, source, cell, area, accuracy_m, at, until) FROM STDIN (FREEZE false)"
        ) as copied,
    ):
        for n, lon, lat in rows:
            home = cells.of((lon, lat), cells.HOME)
            copied.write_row((f"m-{n}", "home", home, cells.of(cells.centre(home), cells.AREA), 750.0, now, until))
            if drawn.random() < 0.1:
                place = (lon, max(-89.0, min(89.0, lat + drawn.gauss(0, 0.02))))
                here = cells.of(place, cells.NEAR)
                copied.write_row((f"m-{n}", "phone", here, cells.of(cells.centre(here), cells.AREA), 280.0, now, until))
    connection.execute("VACUUM (ANALYZE) position, position_use, notification")
