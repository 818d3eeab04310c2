"""What the gateway counts, kept where /metrics and the doctor find it: a row in the database, written now and then."""

import threading
from collections import Counter
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session


class Health:
    """Counters by name, some of them by reason; safe to raise from any thread."""

    def __init__(self) -> None:
        """Starts at zero."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def count(self, name: str, amount: int = 1) -> None:
        """Raises a counter such as `reports`."""
        with self._lock:
            self._counts[name] += amount

    def refuse(self, reason: str) -> None:
        """Counts something refused under its reason."""
        with self._lock:
            self._refused[str(reason)] += 1  # a plain text: JSON writers refuse enums as keys

    def counters(self) -> dict[str, Any]:
        """All counters; `refused` is a table by reason."""
        with self._lock:
            return {**self._counts, "refused": dict(self._refused)}


def write(session: Session, gateway: str, counters: dict[str, Any], now: datetime) -> None:
    """Keeps the counters as this gateway's row."""
    session.execute(
        text("""
            INSERT INTO gateway_health (gateway, counters, at) VALUES (:gateway, CAST(:counters AS jsonb), :now)
            ON CONFLICT (gateway) DO UPDATE SET counters = excluded.counters, at = excluded.at
        """),
        {"gateway": gateway, "counters": orjson.dumps(counters).decode(), "now": now},
    )
