"""`muster bench match`: what is near a person, among a million venues and gatherings, beside plain neighbours.

The same questions, in turns, over the same rows (tests/bench/cities.py): the service call of `GET /api/nearby` for the
20 best, PostGIS's 200 nearest listings with the columns that are ranked, the same by their ids alone, and Redis
GEOSEARCH for the 200 nearest if Debian's redis-server is there; then for a gathering the 500 best members
(tests/bench/audience.py), and positions of phones, with fences and company, over one pool (tests/bench/positions.py).
Once for each size, so that growth shows.
"""

import argparse
import contextlib
import datetime as dt
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import redis
from sqlalchemy import Engine, text

from config import settings as config
from geo import postgis
from geo.areas import Position
from server import database, paging
from server.nearby import service as nearby
from server.nearby.candidates import Asked
from server.nearby.rings import Wanted
from server.operations import ports
from server.people.model import Member
from tests import processes
from tests.bench import audience, cities, figures, positions, stage
from tests.bench.cities import Cities
from tests.bench.stage import Stage

SIZES = (2, 20, 200)  # cities: 10,000, 100,000 and 1,000,000 things, and as many members
QUESTIONS = 600
WARM = 100  # not measured: plans are made, pages are read
BEST, NEAREST = 20, 200
PLAIN = {"event": "members plain", "members plain": "members plain"}  # beside what an answer stands; else knn
TARGET_RATIO = 3.0
TARGET_EVENT_MS = 100.0  # of the slowest but one in a hundred
TARGET_POSITIONS = 5_000.0  # a second
PHONES = 5_000  # that send, in turn: as many as are wanted a second, one each second
SECONDS = 20.0
THREADS = 2  # that take fixes in, over one pool
# Members go to what is on now, evenly, and have phones that say where they are; one in ten wants to know of company.
_PHONES = (
    """
    INSERT INTO sign_up (event_id, member_id)
    SELECT event_id, 'm-' || n FROM generate_series(0, %(phones)s - 1) AS n
    JOIN (SELECT event_id, row_number() OVER (ORDER BY event_id) - 1 AS number, count(*) OVER () AS many
          FROM step WHERE opens_at <= %(now)s AND ends_at > %(now)s) AS held ON held.number = n %% held.many
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO position_use (member_id, fences, company, changed_at)
    SELECT 'm-' || n, true, n %% 10 = 0, %(now)s FROM generate_series(0, %(phones)s - 1) AS n
    ON CONFLICT (member_id) DO UPDATE SET fences = true, company = excluded.company
    """,
)

MOST_GROWTH = 2.0  # from the smallest to the largest
REDIS = Path("/usr/bin/redis-server")
DAYS = dt.timedelta(days=14)

_ROWS = """id, event_id, step_id, venue_id, vague, starts_at, ends_at, community_id, organizer_id, series_id, interests,
    capacity, going, came"""
_AWAY = postgis.away("location")
KNN = text(f"SELECT {_ROWS}, {_AWAY} AS away_m FROM listing ORDER BY {_AWAY} LIMIT {NEAREST}")
KNN_IDS = text(f"SELECT id, {_AWAY} AS away_m FROM listing ORDER BY {_AWAY} LIMIT {NEAREST}")
# Of the plain query: one index over all rows, as who asks for neighbours and nothing else would make it.
_INDEX = "CREATE INDEX bench_listing ON listing USING gist (location)"


class Question(NamedTuple):
    """Somebody who asks at her home."""

    member_id: str
    at: Position


Ask = Callable[[Question], int]


class Took(NamedTuple):
    """How long each answer of a kind took, in milliseconds."""

    ms: list[float]

    @property
    def p50(self) -> float:
        """The median."""
        return figures.percentile(self.ms, 0.5)

    @property
    def p99(self) -> float:
        """The slowest but one in a hundred."""
        return figures.percentile(self.ms, 0.99)


class Measured(NamedTuple):
    """What was measured in a world: each answer by its kind, and how positions were taken in."""

    took: dict[str, Took]
    taken: positions.Figures


def main(argv: list[str]) -> int:
    """Runs the benchmark; returns 1 when what is wanted of it is missed."""
    options = _parse(argv)
    figures.say_machine()
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    found: dict[int, Measured] = {}
    with stage.running() as scene:
        for number in options.cities:
            found[number] = measure(scene, Cities(number), now, options.questions)
    return _tell(found, options.json)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster bench match",
        description="What is near a person, among a million venues and gatherings, beside plain neighbours.",
        epilog="example:\n  muster bench match --cities 2,20 --json match.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help=f"of each kind (default {QUESTIONS})")
    parser.add_argument(
        "--cities",
        type=lambda given: tuple(int(part) for part in given.split(",")),
        default=SIZES,
        help="sizes, as cities of 5,000 things and 5,000 members each (default 2,20,200)",
    )
    return parser.parse_args(argv)


def measure(scene: Stage, size: Cities, now: dt.datetime, questions: int) -> Measured:
    """Asks everybody the same, in turns, in a world of this size."""
    figures.say(f"{size.things:,} venues and gatherings, {size.members:,} members:")
    name = f"bench_match_{size.cities}"
    conninfo = scene.make_database(name)
    superuser = scene.cluster.conninfo(name, superuser=True)
    cities.build(superuser, size, now)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(_INDEX)
        asked = _questions(connection, questions + WARM)
        scene.settle_disk()
        engine = database.connect(conninfo)
        with contextlib.ExitStack() as stack:
            kinds: dict[str, Ask] = {
                "person": _person(engine, now),
                "knn": _plain(engine, KNN),
                "knn ids": _plain(engine, KNN_IDS),
            }
            if REDIS.exists():
                kinds["redis"] = _redis(stack.enter_context(_running_redis(scene.folder)), connection)
            took: dict[str, Took] = {kind: Took([]) for kind in kinds}
            for number, question in enumerate(asked):
                for kind, ask in kinds.items():
                    began = time.perf_counter()
                    assert ask(question) > 0
                    if number >= WARM:
                        took[kind].ms.append((time.perf_counter() - began) * 1000)
            took |= {kind: Took(ms) for kind, ms in audience.measure(connection, engine, now).items()}
        figures.say(f"  positions of {PHONES:,} phones ...")
        for statement in _PHONES:
            connection.execute(statement, {"now": now, "phones": PHONES})
        connection.execute("VACUUM (ANALYZE) position_use, sign_up")
        taken = positions.measure_positions(
            engine, config.load(environment={}), now=now, seconds=SECONDS, threads=THREADS, members=PHONES
        )
        engine.dispose()
    scene.cluster.drop_database(name)
    return Measured(took, taken)


def _questions(connection: psycopg.Connection[Any], most: int) -> list[Question]:
    rows = connection.execute(
        "SELECT n, ST_X(home::geometry), ST_Y(home::geometry) FROM bench_home"
        " WHERE n = ANY(SELECT floor(random() * (SELECT count(*) FROM bench_home))::int FROM generate_series(1, %s))",
        (most * 2,),
    ).fetchall()
    random.Random(7).shuffle(rows)
    return [Question(f"m-{n}", (lon, lat)) for n, lon, lat in rows[:most]]


def _person(engine: Engine, now: dt.datetime) -> Ask:
    """THE CALL THAT IS MEASURED: the 20 best for somebody at her home."""

    def ask(question: Question) -> int:
        wanted = Wanted(Asked(question.at, now, now + DAYS))
        with database.transaction(engine) as session:
            _, found = nearby.find(session, Member(id=question.member_id), wanted, now=now, page=paging.Page(BEST))
        return len(found)

    return ask


def _plain(engine: Engine, statement: Any) -> Ask:
    """The baseline: nothing but the nearest, by the same driver in the same kind of transaction."""

    def ask(question: Question) -> int:
        with database.transaction(engine) as session:
            return len(database.read_rows(session, statement, {"here": postgis.here(question.at)}))

    return ask


@contextlib.contextmanager
def _running_redis(folder: Path) -> Iterator["redis.Redis"]:
    port = ports.find_free()
    command = [str(REDIS), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = processes.start(command, folder / "redis.log")
    try:
        client = redis.Redis(port=port)
        processes.wait_ready(process, lambda: _answers(client), folder / "redis.log")
        yield client
        client.close()
    finally:
        processes.stop(process)


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _redis(client: "redis.Redis", connection: psycopg.Connection[Any]) -> Ask:
    """The same rows in Redis: the 200 nearest ids."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ST_X(location::geometry), ST_Y(location::geometry), id FROM listing")
        while rows := cursor.fetchmany(5_000):
            client.geoadd("listing", [part for row in rows for part in row])

    def ask(question: Question) -> int:
        lon, lat = question.at
        found = client.geosearch(
            "listing", longitude=lon, latitude=lat, radius=50, unit="km", count=NEAREST, sort="ASC", withdist=True
        )
        return len(found)

    return ask


def _tell(found: dict[int, Measured], path: str | None) -> int:
    rows = [
        [
            f"{Cities(number).things:,}",
            kind,
            took.p50,
            took.p99,
            took.p50 / one.took[PLAIN.get(kind, "knn")].p50,
        ]
        for number, one in found.items()
        for kind, took in one.took.items()
    ]
    figures.say()
    figures.say(figures.draw_table(["venues and gatherings", "what", "p50 ms", "p99 ms", "times plain"], rows))
    figures.say(
        figures.draw_table(
            [
                "venues and gatherings",
                "positions a second",
                "p50 ms of 500",
                "p99 ms",
                "MB before",
                "MB after",
            ],
            [
                [
                    f"{Cities(number).things:,}",
                    one.taken.positions_per_s,
                    one.taken.batch_p50_ms,
                    one.taken.batch_p99_ms,
                    one.taken.memory_before_mb,
                    one.taken.memory_after_mb,
                ]
                for number, one in found.items()
            ],
        )
    )
    smallest, largest = found[min(found)].took, found[max(found)].took
    taken = found[max(found)].taken
    ratio = largest["person"].p50 / largest["knn"].p50
    growth = {kind: largest[kind].p50 / smallest[kind].p50 for kind in ("person", "event")}
    figures.say(f"\na person's 20 best: {ratio:.2f} times the plain query (wanted: at most {TARGET_RATIO:g})")
    for kind, grown in growth.items():
        figures.say(f"{kind}, from the smallest to the largest: {grown:.2f} times (wanted: less than {MOST_GROWTH:g})")
    figures.say(f"a gathering's 500 best: p99 {largest['event'].p99:.0f} ms (wanted: at most {TARGET_EVENT_MS:g})")
    figures.say(f"positions: {taken.positions_per_s:,.0f} a second (wanted: {TARGET_POSITIONS:,.0f})")
    figures.write_json(
        path,
        "match",
        {
            "person_p50_ms": largest["person"].p50,
            "person_p99_ms": largest["person"].p99,
            "event_p99_ms": largest["event"].p99,
            "positions_per_s": taken.positions_per_s,
        },
        {
            "knn_p50_ms": largest["knn"].p50,
            **({"redis_p50_ms": largest["redis"].p50} if "redis" in largest else {}),
        },
        {"person_p50": ratio},
        {"knn_ids_p50_ms": largest["knn ids"].p50, "growth": growth["person"], "growth_event": growth["event"]},
    )
    met = (
        ratio <= TARGET_RATIO
        and max(growth.values()) < MOST_GROWTH
        and largest["event"].p99 <= TARGET_EVENT_MS
        and taken.positions_per_s >= TARGET_POSITIONS
    )
    return 0 if met else 1
