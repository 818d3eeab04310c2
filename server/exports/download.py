"""Sends a file while it is read from the database: one snapshot, a piece at a time, and nothing held when it ends."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import anyio
from sqlalchemy import Engine, Row, TextClause, text
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server.errors import TooMany
from server.exports import csv_text

Form = Literal["csv", "json"]
Record = dict[str, csv_text.Cell]
# Turns some rows into records, in their order; asked piece by piece, so that names are looked up for many at once.
Tell = Callable[[Session, Sequence[Row[Any]]], Iterable[Record]]

# Each keeps a connection and a snapshot while somebody's line is slow: as many as leave the pool's reserve some.
AT_ONCE = 2
AGAIN_S = 10  # most files take less
PIECE_ROWS = 500  # about 64 kB of text: what a socket takes at once
# Whoever has not taken the file by then stops keeping old row versions alive.
LONGEST_S = 600
IDLE_S = 60  # a connection whose reader went to sleep is ended by PostgreSQL itself

MEDIA_TYPES: dict[Form, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
RESPONSES: dict[int | str, dict[str, Any]] = {
    429: {"description": "Others are being made; try again in a moment."},
}

_log = logging.getLogger(__name__)
_turns = threading.BoundedSemaphore(AT_ONCE)


class ExportsBusy(TooMany):
    """Other files are being made at the moment; please try again in a few seconds."""

    code = "exports_busy"


class File(StreamingResponse):
    """A download, made of what a query finds in one snapshot of its own; what it holds is freed however it ends."""

    def __init__(
        self,
        engine: Engine,
        *,
        name: str,
        form: Form,
        columns: Sequence[str],
        query: TextClause,
        values: dict[str, Any],
        tell: Callable[[Session], Tell],
        about: dict[str, Any],
        of: str,
    ) -> None:
        """Reads the first piece at once, so that what is wrong is told before anything goes out. Raises ExportsBusy.

        name: of the file, without its ending. columns: in their order. tell: makes what tells rows, once, within the
        snapshot. about: goes before the rows in JSON. of: what JSON calls the rows.
        """
        if not _turns.acquire(blocking=False):
            raise ExportsBusy(retry_after_s=AGAIN_S)
        self._held = ExitStack()
        self._held.callback(_turns.release)
        try:
            session = self._held.enter_context(_snapshot(engine))
            rows = session.execute(query, values, execution_options={"yield_per": PIECE_ROWS})
            self._held.callback(rows.close)
            pieces = _pieces(session, iter(rows.partitions(PIECE_ROWS)), tell(session))
            body = _as_csv(columns, pieces) if form == "csv" else _as_json(about, of, pieces)
            first = next(body)
        except BaseException:
            self._held.close()
            raise
        super().__init__(_chain(first, body), media_type=MEDIA_TYPES[form])
        self.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it, for LONGEST_S at most; a reader who is gone ends it."""
        try:
            async with asyncio.timeout(LONGEST_S):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            _log.warning("a file was not taken within %d s; it was broken off", LONGEST_S)
        finally:
            # A piece may just be read in a thread; this waits for that and then frees connection and turn.
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._held.close)


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Session]:
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(connection) as session:
            session.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_S * 1000}"))
            try:
                yield session
            finally:
                session.rollback()


def _pieces(session: Session, parts: Iterator[Sequence[Row[Any]]], tell: Tell) -> Iterator[list[Record]]:
    for part in parts:
        yield list(tell(session, part))


def _as_csv(columns: Sequence[str], pieces: Iterator[list[Record]]) -> Iterator[bytes]:
    first = next(pieces, [])
    yield (csv_text.MARK + csv_text.lines([columns, *_cells(columns, first)])).encode()
    for piece in pieces:
        yield csv_text.lines(_cells(columns, piece)).encode()


def _cells(columns: Sequence[str], piece: list[Record]) -> list[list[csv_text.Cell]]:
    return [[record[column] for column in columns] for record in piece]


def _as_json(about: dict[str, Any], of: str, pieces: Iterator[list[Record]]) -> Iterator[bytes]:
    opening = json.dumps(about, ensure_ascii=False)[:-1]
    yield f"{opening}{', ' if about else ''}{json.dumps(of)}: [".encode()
    between = "\n"
    for piece in pieces:
        for record in piece:
            yield f"{between}{json.dumps(record, ensure_ascii=False)}".encode()
            between = ",\n"
    yield b"\n]}\n"


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
