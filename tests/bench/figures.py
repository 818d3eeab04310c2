"""What every benchmark says at its end: a table for people, JSON for comparing, and the machine it ran on."""

import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.operations import mosquitto, postgres


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of the values do not exceed; NaN for none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def rounded(value: float, digits: int = 3) -> float:
    """The value with so many significant digits, as a table and JSON need no more."""
    if not math.isfinite(value) or value == 0:
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def draw_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown, so that it can go into docs/performance.md as it is; numbers are set to the right."""
    cells = [[_show(cell) for cell in row] for row in rows]
    widths = [max(len(head), 3, *(len(row[place]) for row in cells)) for place, head in enumerate(heads)]
    right = [
        all(row[place] == "" or isinstance(row[place], int | float) for row in rows) for place in range(len(heads))
    ]

    def line(parts: Sequence[str]) -> str:
        aligned = [
            part.rjust(width) if flag else part.ljust(width)
            for part, width, flag in zip(parts, widths, right, strict=True)
        ]
        return f"| {' | '.join(aligned)} |"

    rule = "|".join("-" * (width + 1) + (":" if flag else "-") for width, flag in zip(widths, right, strict=True))
    return "\n".join([line(heads), f"|{rule}|", *(line(row) for row in cells)])


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "cpu": _first(r"model name\s*:\s*(.+)", "/proc/cpuinfo") or platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 0,
        "ram_gb": round(int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo") or 0) / 2**20, 1),
        "python": platform.python_version(),
        "postgresql": _version([str(postgres.find_binaries() / "postgres"), "--version"]),
        "mosquitto": _version([str(mosquitto.find_binary()), "-h"]),
    }


def write_json(
    path: str | None,
    bench: str,
    metrics: Mapping[str, Any],
    baseline: Mapping[str, Any] | None = None,
    ratio: Mapping[str, float] | None = None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Writes the figures as JSON, if a path was given. more: information beside what is compared."""
    if path is None:
        return
    found: dict[str, Any] = {
        "bench": bench,
        "metrics": metrics,
        "baseline": baseline or {},
        "ratio": ratio or {},
        "machine": machine(),
    }
    if more:
        found["more"] = more
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n")


def say(text: str = "") -> None:
    """Prints at once, also into a pipe: these runs take minutes, and who waits wants to see where they are."""
    print(text, flush=True)


def say_machine() -> None:
    """Prints the machine in one line."""
    say(", ".join(f"{name} {value}" for name, value in machine().items()))


def _show(cell: object) -> str:
    if isinstance(cell, float):
        short = rounded(cell)
        return f"{short:,.0f}" if abs(short) >= 100 else f"{short:g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _first(pattern: str, path: str) -> str | None:
    try:
        found = re.search(pattern, Path(path).read_text())
    except OSError:
        return None
    return found[1].strip() if found else None


def _version(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found[0] if found else "unknown"
