"""The simulated Pis: each is a real `muster-agent` process that hears through its standard input."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from config.settings import Broker
from server.operations import accounts, agents

# After a crash: doubled each time, so that an agent that cannot start neither floods its log nor takes the machine.
BACKOFF_FIRST_S = 1.0
BACKOFF_MOST_S = 30.0
# Who ran this long had started well: the next crash is a new one.
BACKOFF_FORGET_S = 60.0
# An agent that is stopped sends what it has first; then it is killed.
STOP_S = 8.0
# A pipe takes a piece of this size wholly or not at all (POSIX: PIPE_BUF), so a slow agent never gets half a line.
PIECE_BYTES = 4096


class Pi:
    """One simulated Pi. Times are monotonic seconds."""

    def __init__(self, agent_id: str, command: list[str], environment: Mapping[str, str], home: Path) -> None:
        """Starts nothing yet. home: where it keeps its log, begun anew at every life."""
        self.agent_id = agent_id
        self.wanted = True
        self.crashes = 0
        self._command = command
        self._environment = dict(environment)
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._due_s = 0.0
        self._backoff_s = BACKOFF_FIRST_S
        self._lines: list[bytes] = []

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Of its process, None when it has none."""
        return self._process.pid if self._process is not None and self.running else None

    def look_after(self, now_s: float) -> str:
        """Starts it when it is due; a sentence when it has ended by itself since the last look, else empty."""
        news = ""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            self._forget_process()
            if self.wanted:
                if now_s - self._started_s > BACKOFF_FORGET_S:
                    self._backoff_s = BACKOFF_FIRST_S
                self.crashes += 1
                self._due_s = now_s + self._backoff_s
                log = self._home / "log"
                news = f"{self.agent_id} ended with {code}, starting again in {self._backoff_s:g} s; see {log}"
                self._backoff_s = min(2 * self._backoff_s, BACKOFF_MOST_S)
        if self.wanted and self._process is None and now_s >= self._due_s:
            self._start(now_s)
        return news

    def kill(self) -> None:
        """Pulls its plug: SIGKILL, and no new start until it is revived."""
        self.wanted = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget_process()

    def revive(self) -> None:
        """Plugs it in again: it is started at the next look."""
        if not self.wanted:
            self.wanted = True
            self._due_s = 0.0
            self._backoff_s = BACKOFF_FIRST_S

    def hear(self, data: bytes, rssi: int) -> None:
        """Puts one advert on its air; it is sent at the next `flush`. data: with company id. rssi: dBm."""
        if self._process is not None:
            self._lines.append(b'{"data":"%s","rssi":%d}\n' % (data.hex().encode(), rssi))

    def flush(self) -> int:
        """Sends what is on its air; returns how many adverts were lost because it does not read."""
        lines, self._lines = self._lines, []
        lost = 0
        while lines:
            size = count = 0
            while count < len(lines) and size + len(lines[count]) <= PIECE_BYTES:
                size += len(lines[count])
                count += 1
            if not self._write(b"".join(lines[:count])):
                lost += count
            del lines[:count]
        return lost

    def stop(self) -> None:
        """Asks it to end; `wait` for it."""
        self.wanted = False
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def wait(self, timeout_s: float) -> None:
        """Waits for its end, kills it after timeout_s."""
        if self._process is not None:
            try:
                self._process.wait(max(0.0, timeout_s))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._forget_process()

    def _start(self, now_s: float) -> None:
        with agents.begin_log(self._home) as log:
            self._process = subprocess.Popen(
                accounts.with_parent(self._command),
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._started_s = now_s
        # A first line of its own, so that a Pi that hears nobody says that it listens.
        self._write(json.dumps({"radio": "ok"}).encode() + b"\n")

    def _write(self, piece: bytes) -> bool:
        if self._process is None or self._process.stdin is None:
            return False
        try:
            os.write(self._process.stdin.fileno(), piece)
        except (BlockingIOError, BrokenPipeError):
            return False
        return True

    def _forget_process(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process = None
        self._lines.clear()


def make(agent_id: str, key: bytes, *, folder: Path, broker: Broker, environment: Mapping[str, str] = os.environ) -> Pi:
    """A Pi whose agent keeps its spool and log in `folder`/agents/<id>.

    environment: what of others' variables the agent inherits.
    """
    home = agents.make_home(folder, agent_id)
    known = agents.environment_of(agent_id, key, home, broker, environment)
    return Pi(agent_id, [agents.program(), "run", "--radio", "stdin"], known, home)
