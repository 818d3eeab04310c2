"""Runs the gateway and looks 200 times a second where its threads are: a profile that costs a few percent.

SIGUSR1 makes it forget what it saw, such as a warm-up.
"""

import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import orjson

INTERVAL_S = 0.005


class Sampler:
    """Counts what functions are on the stacks of all threads."""

    def __init__(self) -> None:
        """Looks at nothing yet."""
        self.samples = 0
        self.own: Counter[tuple[str, str]] = Counter()  # (thread, function) at the top of a stack
        self.whole: Counter[tuple[str, str]] = Counter()  # anywhere on a stack, once each
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Looks no longer."""
        self._stop.set()
        self._thread.join()

    def forget(self) -> None:
        """Begins anew, such as after a warm-up."""
        self.samples = 0
        self.own.clear()
        self.whole.clear()

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self.look()

    def look(self) -> None:
        """One sample of all threads but the sampler's own."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        self.samples += 1
        for ident, frame in sys._current_frames().items():
            if ident == self._thread.ident:
                continue
            name = names.get(ident, "?")
            self.own[name, _describe(frame)] += 1
            seen: set[str] = set()
            walk: FrameType | None = frame
            while walk is not None:
                seen.add(_describe(walk))
                walk = walk.f_back
            for function in seen:
                self.whole[name, function] += 1

    def write(self, path: Path) -> None:
        """Writes the counts as JSON."""
        path.write_bytes(
            orjson.dumps(
                {
                    "samples": self.samples,
                    "own": [[*key, count] for key, count in self.own.most_common(200)],
                    "whole": [[*key, count] for key, count in self.whole.most_common(400)],
                }
            )
        )


def _describe(frame: FrameType) -> str:
    code = frame.f_code
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.name}:{code.co_qualname}"


def main(argv: list[str]) -> int:
    """Runs the gateway under the sampler. argv: where the counts go, then the gateway's own arguments."""
    from gateway import main as gateway

    sampler = Sampler()
    signal.signal(signal.SIGUSR1, lambda *_: sampler.forget())
    sampler.start()
    started_s = time.monotonic()
    try:
        return gateway.main(argv[1:])
    finally:
        sampler.stop()
        sampler.write(Path(argv[0]))
        print(f"{sampler.samples} samples in {time.monotonic() - started_s:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
