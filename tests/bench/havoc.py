"""What goes wrong and when, from a seed; and the processes that are killed with SIGKILL and started again."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests import processes
from tests.bench import usage
from tests.bench.proxy import Proxy

KINDS = ("agent", "broker", "gateway", "postgres", "link")
DOWN_S = (0.1, 1.5)  # how long a killed process stays away
SILENT_S = (0.5, 3.0)  # how long the link passes nothing on


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that goes wrong. kind: of KINDS."""

    at_s: float
    kind: str
    down_s: float
    dice: float  # 0 to 1: which of several agents, which kind of a broken link


def plan(seed: int, every_s: float, lasting_s: float) -> list[Blow]:
    """Blows at random moments, on average every every_s, for lasting_s; each kind as often as the others, within one.

    lasting_s: at least as long as it takes that each kind comes once.
    """
    dice = random.Random(seed)
    found: list[Blow] = []
    at_s, kinds = 0.0, _endless(dice)
    while True:
        at_s += every_s * dice.uniform(0.3, 1.7)
        if at_s > lasting_s:
            return found
        kind = next(kinds)
        down_s = dice.uniform(*(SILENT_S if kind == "link" else DOWN_S))
        found.append(Blow(round(at_s, 3), kind, round(down_s, 3), dice.random()))


def _endless(dice: random.Random) -> Iterator[str]:
    while True:
        yield from dice.sample(KINDS, len(KINDS))


@dataclass
class Part:
    """A process that is started again whenever it is gone."""

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    ends: bool = False  # it ends by itself, with 0, when its work is done
    process: "subprocess.Popen[bytes] | None" = None
    back_at_s: float = 0.0
    crashes: int = 0

    @property
    def done(self) -> bool:
        """Whether it has ended as it should."""
        return self.ends and self.process is not None and self.process.poll() == 0

    def runs(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def kill(self, now_s: float, down_s: float) -> bool:
        """SIGKILL for it and its children; False when there was nothing to kill."""
        if not self.runs():
            return False
        assert self.process is not None
        kill_family(self.process)
        self.back_at_s = now_s + down_s
        self.process = None
        return True

    def keep(self, now_s: float) -> None:
        """Starts it when it is due; one that ended by itself, when it should not have, is counted."""
        if self.process is not None and self.process.poll() is not None and not self.done:
            self.crashes += 1
            self.process, self.back_at_s = None, now_s + 1.0
        if self.process is None and now_s >= self.back_at_s:
            self.process = self.start()

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            processes.stop(self.process)


@dataclass
class Havoc:
    """All parts of a run, and what happened to them."""

    gateway: Part
    broker: Part
    postgres: Part
    agents: list[Part]
    link: Proxy
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def parts(self) -> list[Part]:
        """All processes, in the order in which they need each other."""
        return [self.postgres, self.broker, self.gateway, *self.agents]

    def run(self, blows: list[Blow], timeout_s: float) -> None:
        """Strikes as planned, keeps everything alive, and returns when all agents have ended with everything settled.

        The plan begins with the first report, since agents that have not begun have nothing to lose.
        Raises AssertionError when they have not ended after timeout_s.
        """
        self._begin(timeout_s)
        started_s = time.monotonic()
        waiting, speak_at_s = list(blows), 0.0
        while not all(agent.done for agent in self.agents):
            now_s = time.monotonic() - started_s
            if now_s > timeout_s:
                raise AssertionError(f"not settled after {timeout_s:g} s: {self.describe()}")
            if speak_at_s and now_s >= speak_at_s:
                self.link.speak()
                speak_at_s = 0.0
            while waiting and waiting[0].at_s <= now_s:
                blow = waiting.pop(0)
                if blow.kind == "link":
                    speak_at_s = self._break_link(blow, now_s) or speak_at_s
                else:
                    self._strike(blow, now_s)
            for part in self.parts:
                part.keep(now_s)
            time.sleep(0.02)
        self.link.speak()

    def _begin(self, timeout_s: float) -> None:
        for part in self.parts:
            part.keep(0.0)
        processes.wait_until(lambda: self.link.reports, "the first report is sent", timeout_s)

    def _strike(self, blow: Blow, now_s: float) -> None:
        if blow.kind == "agent":
            alive = [agent for agent in self.agents if agent.runs()]
            target = alive[int(blow.dice * len(alive))] if alive else None
        else:
            target = {"gateway": self.gateway, "broker": self.broker, "postgres": self.postgres}[blow.kind]
        if target is not None and target.kill(now_s, blow.down_s):
            self.kills[blow.kind] += 1

    def _break_link(self, blow: Blow, now_s: float) -> float:
        """Cuts all connections, or passes nothing on for a while and then cuts every second time."""
        self.kills["link"] += 1
        if blow.dice < 0.4:
            self.link.cut()
            return 0.0
        self.link.fall_silent()
        if blow.dice < 0.7:
            self.link.cut()
        return now_s + blow.down_s

    def describe(self) -> str:
        """What runs, what ended, what crashed."""
        return ", ".join(
            f"{part.name} {'done' if part.done else 'runs' if part.runs() else 'away'}"
            + (f" ({part.crashes} crashes)" if part.crashes else "")
            for part in self.parts
        )


def kill_family(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL for a process and its children, which are gone when this returns.

    It is stopped first, so that it makes no further ones; PostgreSQL's are groups of their own, and it does not start
    again before all are gone.
    """
    process.send_signal(signal.SIGSTOP)
    children = usage.children_of(process.pid)
    process.kill()
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    processes.wait_until(lambda: not any(lives(child) for child in children), "the children are gone")


def lives(pid: int) -> bool:
    """Whether there is such a process and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
