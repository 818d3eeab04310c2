"""`muster bench api`: a check-in beside a bare FastAPI route that does one `SELECT 1`, and a read.

Both are served by uvicorn in a process of their own, with SQLAlchemy's pool and a session for each request, at the
same PostgreSQL. One program asks them in turn, a few dozen times each, over one connection each: whatever else the
machine does meets all of them. Every check-in is another member's, so that each is a new row.
"""

import argparse
import contextlib
import datetime as dt
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from server import database
from server.doors import service as doors
from server.events import service as events
from server.operations import accounts, ports
from server.people import access
from server.people import service as people
from server.venues import service as venues
from tests import processes
from tests.bench import figures, stage
from tests.bench.stage import Stage

EVENT, VENUE, ORGANIZER = "bench-night", "bench-hall", "bench-organizer"
ROUND = 40  # requests of a kind before the next kind's turn
WARM_ROUNDS = 3  # not measured: pools fill, plans are made, code is loaded
TARGET_RATIO = 7
TIMEOUT_S = 60


class Asked(NamedTuple):
    """A request: what is asked for, and of whose browser."""

    method: str
    path: str
    token: str
    body: bytes | None = None


Ask = Callable[[int, str], Asked]


def check_in(code: str) -> Ask:
    """THE REQUEST THAT IS MEASURED: one more member, signed in, comes in by the code of a poster."""

    def ask(number: int, token: str) -> Asked:
        body = {"nonce": f"bench-check-in-{number:08}", "code": code}
        return Asked("POST", "/api/check-ins", token, json.dumps(body).encode())

    return ask


def read(_number: int, token: str) -> Asked:
    """A read: an event with its steps."""
    return Asked("GET", f"/api/events/{EVENT}", token)


def select_1(_number: int, token: str) -> Asked:
    """The baseline's only route."""
    return Asked("GET", "/", token)


@dataclass
class Asker:
    """One kind of request over one connection, and how long each took."""

    url: str
    ask: Ask
    tokens: list[str]
    took_ms: list[float] = field(default_factory=list)
    asked: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # of the last answer
    _connection: http.client.HTTPConnection | None = None

    def go(self, count: int, measured: bool) -> None:
        """Asks so often; raises RuntimeError when an answer is not a success."""
        self.close()  # a server lets go of a connection that was silent during the others' turn
        self._open()
        for _ in range(count):
            wanted = self.ask(self.asked, self.tokens[self.asked % len(self.tokens)])
            self.asked += 1
            began_s = time.perf_counter()
            status, said = self._send(wanted)
            took_ms = (time.perf_counter() - began_s) * 1000
            if not 200 <= status < 300:
                raise RuntimeError(f"{wanted.method} {wanted.path} answered {status}: {said[:300]!r}")
            if measured:
                self.took_ms.append(took_ms)

    def _open(self) -> None:
        parts = urlsplit(self.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        self._connection.connect()

    def _send(self, wanted: Asked) -> tuple[int, bytes]:
        assert self._connection is not None
        headers = {"Cookie": f"{access.COOKIE}={wanted.token}"} if wanted.token else {}
        if wanted.body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(wanted.method, wanted.path, wanted.body, headers)
        answer = self._connection.getresponse()
        self.headers = dict(answer.getheaders())
        return answer.status, answer.read()

    def close(self) -> None:
        """Lets the connection go."""
        if self._connection is not None:
            self._connection.close()


def build(conninfo: str, members: int) -> tuple[list[str], str]:
    """An event that is on, and so many members who are signed in; returns their tokens and the code of its poster."""
    now = dt.datetime.now(dt.UTC)
    hour = dt.timedelta(hours=1)
    engine = database.connect(conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            people.create(session, id=ORGANIZER, name="Cleo")
            venues.create(
                session,
                id=VENUE,
                name="Hall",
                time_zone="Europe/Berlin",
                owner_id=ORGANIZER,
                contact="hall@example.org",
            )
            step = events.NewStep("Talk", VENUE, now - hour, now + hour)
            events.create(session, id=EVENT, name="Night", organizer_id=ORGANIZER, steps=[step])
            made = doors.make(session, kind="poster", name="Hall", now=now, made_by=ORGANIZER, event_id=EVENT)
            assert made.door.code is not None
            tokens = []
            for number in range(members):
                member = people.create(session, id=f"bench-{number}", name=f"Guest {number}")
                tokens.append(people.sign_in(session, member_id=member.id, now=now))
            return tokens, made.door.code
    finally:
        engine.dispose()


@contextlib.contextmanager
def bare_server(scene: Stage, conninfo: str) -> Iterator[str]:
    """The baseline (tests/bench/bare.py) in a process of its own; gives its address."""
    port = ports.find_free()
    command = accounts.with_parent([sys.executable, "-m", "tests.bench.bare", str(port)])
    environment = scene.environment("server", conninfo)
    url = f"http://127.0.0.1:{port}"
    with processes.running(command, scene.folder / "bare.log", lambda: _answers(url), environment=environment):
        yield url


def _answers(url: str) -> bool:
    asker = Asker(url, select_1, [""])
    try:
        asker.go(1, False)
    except (OSError, http.client.HTTPException, RuntimeError):
        return False
    finally:
        asker.close()
    return True


def main(argv: list[str]) -> int:
    """Runs the benchmark; returns 1 when a check-in costs more than is wanted."""
    options = _parse(argv)
    figures.say_machine()
    with stage.running() as scene:
        return _measure(scene, options)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster bench api",
        description="A check-in beside a bare FastAPI route that does one SELECT 1.",
        epilog="example:\n  muster bench api --rounds 25 --json api.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--rounds", type=int, default=25, help=f"of {ROUND} requests of each kind (default 25)")
    return parser.parse_args(argv)


def _measure(scene: Stage, options: argparse.Namespace) -> int:
    conninfo = scene.make_database("bench_api")
    tokens, code = build(conninfo, ROUND * (WARM_ROUNDS + options.rounds))
    scene.settle_disk()
    with scene.server(conninfo) as server, bare_server(scene, conninfo) as bare_url:
        askers = {
            "select1": Asker(bare_url, select_1, [""]),
            "checkin": Asker(server.url, check_in(code), tokens),
            "read": Asker(server.url, read, tokens),
        }
        for number in range(WARM_ROUNDS + options.rounds):
            for asker in askers.values():
                asker.go(ROUND, measured=number >= WARM_ROUNDS)
        for asker in askers.values():
            asker.close()
    return _tell({name: asker.took_ms for name, asker in askers.items()}, options.json)


def _tell(took_ms: dict[str, list[float]], path: str | None) -> int:
    """Prints the table, writes the figures; 1 when the ratio is not as wanted."""
    p50 = {name: figures.percentile(found, 0.5) for name, found in took_ms.items()}
    p99 = {name: figures.percentile(found, 0.99) for name, found in took_ms.items()}
    names = {"select1": "SELECT 1, bare FastAPI", "checkin": "a check-in", "read": "a read (an event)"}
    rows = [
        [names[name], len(found), p50[name], figures.percentile(found, 0.9), p99[name], max(found)]
        for name, found in took_ms.items()
    ]
    figures.say(figures.draw_table(["request", "times", "p50 ms", "p90 ms", "p99 ms", "max ms"], rows))
    ratio = p50["checkin"] / p50["select1"]
    figures.say(f"\na check-in takes {ratio:.2f} times as long as SELECT 1; wanted: at most {TARGET_RATIO}")
    metrics = {"checkin_p50_ms": p50["checkin"], "checkin_p99_ms": p99["checkin"], "read_p99_ms": p99["read"]}
    figures.write_json(path, "api", metrics, {"select1_p50_ms": p50["select1"]}, {"checkin_p50": ratio})
    return int(ratio > TARGET_RATIO)
