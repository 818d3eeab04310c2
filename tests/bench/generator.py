"""The load generator's process: prepares rounds of reports, and sends them when it is told to, one JSON line a command.

`Generator` is the benchmark's handle on it; the process itself ends when its standard input does.
"""

import argparse
import contextlib
import dataclasses
import gc
import itertools
import json
import mmap
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.operations import accounts
from tests.bench import crowd
from tests.bench.crowd import Crowd, Habits, Reporter, Round
from tests.bench.sender import Sender, Sent
from tests.bench.town import Town

GOODBYE_S = 3.0  # enough to disconnect
CHECKOUT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """Rounds that are ready to be sent."""

    rounds: int
    reports: int
    readings: int
    mb: float
    to_ms: int


class Generator:
    """The generator as a benchmark sees it. Every call waits for its answer."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """process: of this module."""
        self.process = process

    def _ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def prepare(self, name: str, rounds: int, from_ms: int, length_ms: int) -> Prepared:
        """Makes and signs rounds under a name. Time must go forward from call to call."""
        return Prepared(**self._ask(do="prepare", name=name, rounds=rounds, from_ms=from_ms, length_ms=length_ms))

    def send(self, name: str, *, first: int, most: int, send_s: float, settle_s: float) -> Sent:
        """See Sender.send."""
        options = {"first": first, "most": most, "send_s": send_s, "settle_s": settle_s}
        return Sent(**self._ask(do="send", name=name, options=options))

    def send_uncounted(self, name: str, counter: Path, *, window: int, send_s: float) -> Sent:
        """See Sender.send_uncounted. counter: a file that begins with the count, eight bytes, little-endian."""
        return Sent(
            **self._ask(do="uncounted", name=name, counter=str(counter), options={"window": window, "send_s": send_s})
        )

    def live(self, rounds: int, from_ms: int, length_ms: int, settle_s: float) -> tuple[Sent, list[dict[str, Any]]]:
        """Sends rounds in real time, each when its window closes.

        Returns what it came to, and of each round `to_ms`, `arrived` (badges) and `moved` (badge, zone).
        """
        options = {"settle_s": settle_s, "rounds": rounds, "from_ms": from_ms, "length_ms": length_ms}
        answer = self._ask(do="live", **options)
        return Sent(**answer["sent"]), answer["rounds"]


@contextlib.contextmanager
def running(town: Town, host: str, port: int, password: str, habits: Habits = Habits()) -> Iterator[Generator]:  # noqa: B008
    """A generator for a town, logged in as `bench`."""
    options = {"town": town.to_json(), "habits": dataclasses.asdict(habits)}
    command = [sys.executable, "-m", "tests.bench.generator", json.dumps(options), host, str(port), password]
    process = subprocess.Popen(
        accounts.with_parent(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    try:
        yield Generator(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:  # a run that was interrupted
            process.kill()
            process.wait()


class _Worker:
    """What the process holds."""

    def __init__(self, options: dict[str, Any], host: str, port: int, password: str) -> None:
        town = Town.from_json(options["town"])
        self._reporter = Reporter(Crowd(town, Habits(**options["habits"])))
        self._sender = Sender(host, port, "bench", password, town)
        self._prepared: dict[str, list[Round]] = {}

    def close(self) -> None:
        self._sender.close()

    def do(self, command: dict[str, Any]) -> Any:
        match command.pop("do"):
            case "prepare":
                return self._prepare(**command)
            case "send":
                return self._sender.send(self._prepared[command["name"]], **command["options"])
            case "uncounted":
                return self._send_uncounted(**command)
            case "live":
                return self._live(**command)
        raise ValueError("no such command")

    def _prepare(self, name: str, rounds: int, from_ms: int, length_ms: int) -> Prepared:
        made = list(self._reporter.rounds(rounds, from_ms, length_ms))
        gc.collect()
        gc.freeze()  # a million tuples that live on: looking at them again would only cost time
        self._prepared[name] = made
        size = sum(len(chunk.data) for found in made for chunk in found.chunks)
        reports, readings = sum(found.reports for found in made), sum(found.readings for found in made)
        return Prepared(len(made), reports, readings, round(size / 2**20, 1), made[-1].to_ms)

    def _send_uncounted(self, name: str, counter: str, options: dict[str, Any]) -> Sent:
        with Path(counter).open("rb") as file, mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ) as shared:
            return self._sender.send_uncounted(
                itertools.cycle(self._prepared[name]), lambda: int(struct.unpack("<q", shared[:8])[0]), **options
            )

    def _live(self, rounds: int, from_ms: int, length_ms: int, settle_s: float) -> dict[str, Any]:
        happened: list[dict[str, Any]] = []

        def notice() -> Iterator[crowd.Round]:
            for found in self._reporter.rounds(rounds, from_ms, length_ms):
                happened.append({"to_ms": found.to_ms, "arrived": found.arrived, "moved": found.moved})
                yield found

        send_s = (rounds + 2) * length_ms / 1000 + 10
        sent = self._sender.send(
            notice(), first=1 << 30, most=1 << 30, send_s=send_s, settle_s=settle_s, real_time=True
        )
        return {"sent": dataclasses.asdict(sent), "rounds": happened}


def main(argv: list[str] | None = None) -> int:
    """Takes commands until standard input ends."""
    parser = argparse.ArgumentParser(description="Generates the load of a benchmark (started by it).")
    for name in ("options", "host", "port", "password"):
        parser.add_argument(name)
    arguments = parser.parse_args(argv)
    worker = _Worker(json.loads(arguments.options), arguments.host, int(arguments.port), arguments.password)
    for line in sys.stdin:
        answer = worker.do(json.loads(line))
        said = answer if isinstance(answer, dict) else dataclasses.asdict(answer)
        print(json.dumps(said), flush=True)
    with contextlib.suppress(OSError):
        worker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
