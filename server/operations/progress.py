"""Tells on the terminal what is being started, what is ready and what went wrong."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from server.operations.supervise import Crash


def console(**options: Any) -> Console:
    """A terminal that prints texts as they are: no `:CD:` of a fingerprint as a picture, no colours of its own.

    `options` are those of `rich.console.Console`.
    """
    return Console(highlight=False, emoji=False, soft_wrap=True, **options)


class Progress:
    """What a person sees of a start: a line that moves where there is a terminal, and a line for each step done."""

    def __init__(self) -> None:
        """Writes to standard output, plainly where that is no terminal."""
        self.console = console()
        self._errors = console(stderr=True)
        self._began = time.monotonic()
        self._under_way: list[str] = []
        self._status: Status | None = None

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Shows that something is under way, and how long it took; several may be at once."""
        began = time.monotonic()
        self._under_way.append(what)
        self._move()
        try:
            yield
        except BaseException:
            self._under_way.remove(what)
            self._move()
            raise
        self._under_way.remove(what)
        self._move()
        self.say(f"[green]✓[/] {what} [dim]{time.monotonic() - began:.1f} s[/]")

    def say(self, line: str) -> None:
        """Prints a line of rich's markup."""
        self.console.print(line)

    def fail(self, reason: str, lines: Sequence[str] = ()) -> None:
        """Prints why it cannot go on, after the end of a log if there is one."""
        self.show_lines(lines)
        self._errors.print(f"[bold red]muster:[/] {escape(reason)}")

    def greet(self, url: str, names: list[str]) -> None:
        """Says where muster is to be found, first of all, and as whom."""
        self.say(f"\nmuster is running: [bold]{url}[/]  [dim](in {time.monotonic() - self._began:.1f} s)[/]")
        if names:
            self.say(f"sign in as: {escape(', '.join(names))}")

    def say_how_to_stop(self, logs: Path) -> None:
        """The last line of a start."""
        self.say(f"[dim]logs: {escape(str(logs))} · Ctrl-C stops everything[/]")

    def show_crash(self, crash: Crash) -> None:
        """Shows what ended, how, with its last lines."""
        self.show_lines(crash.last_lines)
        self.say(
            f"[bold red]{crash.name} {escape(crash.how)}[/], starting it again in {crash.again_in_s:g} s"
            f" [dim]({escape(str(crash.log))})[/]"
        )

    def show_lines(self, lines: Sequence[str]) -> None:
        """Shows the end of a log."""
        for line in lines:
            self.say(f"[dim]  | {escape(line)}[/]")

    def _move(self) -> None:
        if not self.console.is_terminal:
            return
        if self._under_way and self._status is None:
            self._status = self.console.status("")
            self._status.start()
        if self._status is not None:
            if self._under_way:
                self._status.update(f"{', '.join(self._under_way)} ...")
            else:
                self._status.stop()
                self._status = None
