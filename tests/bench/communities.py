"""`muster bench communities`: what lists, pages and pictures of communities cost, and how that grows.

1. pages and lists of a small world (tests/bench/village.py) and of one ten times as large, asked in turns, beside the
   health page and a plain list; with how many statements each took;
2. who met at an evening, judged anew;
3. the ranking of posts beside a sort by time;
4. share pictures beside a blank picture of the same size, and a hundred who ask for one at once.
"""

import argparse
import contextlib
import datetime as dt
import io
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from PIL import Image
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import Session

from config import settings as config
from server import database, texts
from server.met import judging
from server.people import service as people
from server.posts import ranking
from server.posts.ranking import Coming, Posted
from server.sharing import drawing, poster
from server.sharing.gathering import Gathering, Part, Place
from tests.bench import figures, stage, village
from tests.bench.api import Asked, Asker
from tests.bench.stage import Stage
from tests.bench.village import Village

FACTOR = 10
TURNS = 15  # of each request; medians of fewer jump about
WARM_TURNS = 1
MOST_MS, FEWEST_TURNS = 4_000, 3  # what takes so long is asked no more often
POSTS = (100, 1_000, 10_000)
CROWD = 100  # phones that unfurl a link at once
# What may grow with its content grows with it, and no faster; noise of a small number is left to it.
MOST_GROWTH = 15
MOST_MORE_STATEMENTS = 2
PLAIN = ("healthz", "a plain list")
PAGES = {
    "healthz": "/healthz",
    "a plain list": "/api/interests",
    "home": "/",
    "tonight": "/tonight",
    "events": "/api/events",
    "communities": "/communities",
    "communities near": "/communities?lon=13.4&lat=52.5",
    "a house": f"/communities/{village.HOUSE}",
    "its topics": f"/communities/{village.HOUSE}/topics",
    "a topic": f"/topics/{village.TOPIC}",
    "its calendar": f"/communities/{village.HOUSE}/calendar.ics",
    "its fans": f"/communities/{village.HOUSE}/fans",
    "a report": f"/events/{village.EVENING}/report",
    "inbox": "/inbox",
}

Growth = dict[str, tuple[tuple[float, int], tuple[float, int]]]  # what -> (p50 ms, statements), small and large


def main(argv: list[str]) -> int:
    """Runs the benchmark; returns 1 when something grows faster than what it shows."""
    options = _parse(argv)
    figures.say_machine()
    now = dt.datetime.now(dt.UTC)
    with stage.running() as scene:
        grown, crowd = _measure_lists(scene, options, now)
    ranked = measure_ranking(options.posts, now)
    drawn = _measure_pictures(now)
    return _tell(grown, crowd, ranked, drawn, options.json)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster bench communities",
        description="What lists, pages and pictures of communities cost, and how that grows.",
        epilog="example:\n  muster bench communities --only 'a topic' --json communities.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of each request (default {TURNS})")
    parser.add_argument("--only", metavar="PAGE", choices=PAGES, help="one page beside the plain ones")
    parser.add_argument("--posts", type=_read_sizes, default=POSTS, help="how many are ranked (default 100,1000,10000)")
    return parser.parse_args(argv)


def _read_sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _measure_lists(scene: Stage, options: argparse.Namespace, now: dt.datetime) -> tuple[Growth, dict[str, float]]:
    sizes = (Village(), Village().times(FACTOR))
    wanted = {name: path for name, path in PAGES.items() if options.only in (None, name) or name in PLAIN}
    with contextlib.ExitStack() as stack:
        askers: list[dict[str, Asker]] = []
        conninfos = []
        for number, size in enumerate(sizes):
            conninfo = scene.make_database(f"bench_village_{number}")
            village.build(conninfo, size, now)
            token = sign_in(conninfo, now)
            server = stack.enter_context(scene.server(conninfo, "tests.bench.counted"))
            askers.append({name: Asker(server.url, asking(path), [token]) for name, path in wanted.items()})
            conninfos.append(conninfo)
        scene.settle_disk()
        for turn in range(WARM_TURNS + options.turns):
            for name in wanted:
                for each in askers:
                    if sum(each[name].took_ms) < MOST_MS or len(each[name].took_ms) < FEWEST_TURNS:
                        each[name].go(1, measured=turn >= WARM_TURNS)
        crowd = _crowd(askers[0]["healthz"].url) if options.only is None else {}
        for each in askers:
            for asker in each.values():
                asker.close()
        small, large = ({name: _of(asker) for name, asker in each.items()} for each in askers)
        grown = {name: (small[name], large[name]) for name in wanted}
        if options.only is None:
            first, second = (judge(conninfo) for conninfo in conninfos)
            grown["who met, judged"] = (first, second)
    return grown, crowd


def sign_in(conninfo: str, now: dt.datetime) -> str:
    """A token of the village's host."""
    engine = database.connect(conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            return people.sign_in(session, member_id=village.HOST, now=now)
    finally:
        engine.dispose()


def asking(path: str) -> Callable[[int, str], Asked]:
    """The same request again and again."""
    return lambda _number, token: Asked("GET", path, token)


def _of(asker: Asker) -> tuple[float, int]:
    return figures.percentile(asker.took_ms, 0.5), int(asker.headers["x-statements"])


def judge(conninfo: str) -> tuple[float, int]:
    """Who met at the evening, from its stays; taken back, so that it is judged anew each time."""
    engine = database.connect(conninfo, pool=1)
    took_ms: list[float] = []
    statements = 0

    def one_more(*_: object) -> None:
        nonlocal statements
        statements += 1

    sqlalchemy_event.listen(engine, "before_cursor_execute", one_more)
    try:
        for _ in range(3):
            statements = 0
            with Session(engine) as session:
                began_s = time.perf_counter()
                judging.judge(session, event_id=village.EVENING)
                took_ms.append((time.perf_counter() - began_s) * 1000)
                session.rollback()
    finally:
        engine.dispose()
    return figures.percentile(took_ms, 0.5), statements


def _crowd(url: str) -> dict[str, float]:
    """A link is posted: so many ask for its picture at once. Times until all have it, and of who asks meanwhile."""
    path = "/g/next-00000/picture.png"
    alone = Asker(url, asking("/healthz"), [""])
    phones = [Asker(url, asking(path), [""]) for _ in range(CROWD)]
    with ThreadPoolExecutor(CROWD) as pool:
        began_s = time.perf_counter()
        waiting = [pool.submit(phone.go, 1, True) for phone in phones]
        while not all(one.done() for one in waiting):
            alone.go(1, True)
        for one in waiting:
            one.result()
        all_ms = (time.perf_counter() - began_s) * 1000
    again = phones[0]
    again.took_ms.clear()
    again.go(50, True)
    for each in (alone, *phones):
        each.close()
    return {
        "all_have_it_ms": all_ms,
        "healthz_meanwhile_p50_ms": figures.percentile(alone.took_ms, 0.5),
        "healthz_meanwhile_max_ms": max(alone.took_ms),
        "kept_p50_ms": figures.percentile(again.took_ms, 0.5),
    }


def stories(posts: int, now: dt.datetime) -> tuple[list[Posted], dict[str, list[Coming]]]:
    """Posts that lead to gatherings, five to each, and twenty people who came to each of them."""
    chance = random.Random(1)
    made = [
        Posted(one, f"m-{chance.randrange(posts)}", now - dt.timedelta(hours=chance.random() * 2000), f"e-{one // 5}")
        for one in range(posts)
    ]
    comings = {
        f"e-{event}": [
            Coming(f"m-{chance.randrange(posts)}", now - dt.timedelta(hours=chance.random() * 900), now, "qr", True)
            for _ in range(20)
        ]
        for event in range(-(-posts // 5))
    }
    return made, comings


def measure_ranking(sizes: tuple[int, ...], now: dt.datetime) -> dict[int, tuple[float, float]]:
    """Posts -> ms of ranking them, ms of sorting them by time."""
    rules = config.load().posts
    found = {}
    for size in sizes:
        made, comings = stories(size, now)
        ranked, plain = _in_turns(
            lambda made=made, comings=comings: ranking.rank(made, comings, rules=rules, now=now),  # type: ignore[misc]
            lambda made=made: sorted(made, key=lambda post: post.at),  # type: ignore[misc]
        )
        found[size] = (ranked[0], plain[0])
    return found


def _measure_pictures(now: dt.datetime) -> dict[str, tuple[float, float]]:
    """What -> ms and CPU ms of a picture."""
    say = texts.IN_ENGLISH
    seed = count()
    photo = io.BytesIO()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(photo, "WEBP")

    def draw(background: bytes | None) -> bytes:
        wanted = poster.compose(_gathering(next(seed), now), say, now, "https://muster.example/g/a", drawing.measure)
        return drawing.draw(wanted, background)

    def blank() -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (poster.WIDTH, poster.HEIGHT), "#faf7f2").save(out, "PNG", compress_level=6)
        return out.getvalue()

    names = ("a blank picture, encoded", "a share picture", "with a photo")
    return dict(zip(names, _in_turns(blank, lambda: draw(None), lambda: draw(photo.getvalue())), strict=True))


def _gathering(number: int, now: dt.datetime) -> Gathering:
    starts = now + dt.timedelta(days=1 + number)
    place = Place("The Old Press", "3 Mill Lane")
    part = Part("a", "Part", starts, starts + dt.timedelta(hours=2), "Europe/Berlin", place)
    name = f"An evening of short stories, number {number}"
    return Gathering(f"night-{number}", name, "Cleo", (part,), now, "House of stories")


def _in_turns(*tried: Callable[[], object]) -> list[tuple[float, float]]:
    """Median ms and CPU ms of each, asked in turns; the first turn is not measured."""
    took: list[list[tuple[float, float]]] = [[] for _ in tried]
    for _ in range(8):
        for number, one in enumerate(tried):
            began_s, cpu_s = time.perf_counter(), time.process_time()
            one()
            took[number].append(((time.perf_counter() - began_s) * 1000, (time.process_time() - cpu_s) * 1000))
    return [
        (figures.percentile([ms for ms, _ in each[1:]], 0.5), figures.percentile([ms for _, ms in each[1:]], 0.5))
        for each in took
    ]


def faults(grown: Growth) -> Iterator[str]:
    """What grows faster than what it shows, in words."""
    for name, ((small_ms, few), (large_ms, many)) in grown.items():
        if large_ms > MOST_GROWTH * small_ms:
            yield f"{name}: {small_ms:.1f} ms became {large_ms:.1f} ms"
        if many > few + MOST_MORE_STATEMENTS:
            yield f"{name}: {few} statements became {many}"


def _tell(
    grown: Growth,
    crowd: dict[str, float],
    ranked: dict[int, tuple[float, float]],
    drawn: dict[str, tuple[float, float]],
    path: str | None,
) -> int:
    plain_ms = grown["healthz"][0][0]
    heads = ["what", "p50 ms", "statements", "x 10: p50 ms", "statements", "grows", "beside healthz"]
    rows = [
        [name, small, few, large, many, large / small, small / plain_ms]
        for name, ((small, few), (large, many)) in grown.items()
    ]
    figures.say(figures.draw_table(heads, rows) + "\n")
    table = [[posts, ms, plain, ms / plain] for posts, (ms, plain) in ranked.items()]
    figures.say(figures.draw_table(["posts", "ranked ms", "by time ms", "ratio"], table) + "\n")
    blank_ms = next(iter(drawn.values()))[0]
    pictures = [[name, ms, cpu, 1000 / ms, ms / blank_ms] for name, (ms, cpu) in drawn.items()]
    figures.say(figures.draw_table(["picture", "p50 ms", "CPU ms", "per s", "ratio"], pictures) + "\n")
    for name, ms in crowd.items():
        figures.say(f"{CROWD} at once, {name}: {ms:.1f}")
    wrong = list(faults(grown))
    for one in wrong:
        figures.say(f"grows too fast: {one}")
    metrics = {name: {"p50_ms": small[0], "large_p50_ms": large[0]} for name, (small, large) in grown.items()}
    ratio = {name: large[0] / small[0] for name, (small, large) in grown.items()}
    ratio |= {f"ranking {posts}": ms / plain for posts, (ms, plain) in ranked.items()}
    ratio |= {name: ms / blank_ms for name, (ms, _) in drawn.items()}
    more = {"statements": {name: [small[1], large[1]] for name, (small, large) in grown.items()}, "crowd": crowd}
    figures.write_json(path, "communities", metrics, {"healthz_p50_ms": plain_ms}, ratio, more)
    return int(bool(wrong))
