"""A file that is sent while it is read: constant memory, one snapshot, and nothing held when its reader is gone."""

import asyncio
import json
import tracemalloc
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from server import database
from server.events import service as events
from server.exports import check_ins, download, naming
from server.people import service as people
from tests.server.exports.conftest import come
from tests.server.places import NOW

SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}, "method": "GET", "headers": []}


def _file(engine: Engine, form: download.Form = "csv") -> download.File:
    with database.transaction(engine) as session:
        event, cleo = events.get(session, "supper"), people.get(session, "cleo")
    return check_ins.of_event(engine, event=event, viewer=cleo, now=NOW, form=form)


def _take(file: download.File, at_piece: Callable[[int], bool] = lambda _: False) -> int:
    """Takes the file and returns how many bytes came; at_piece says after which of them the reader goes away."""

    async def run() -> int:
        gone = asyncio.Event()
        size = pieces = 0

        async def receive() -> dict[str, object]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            nonlocal size, pieces
            body = message.get("body", b"")
            assert isinstance(body, bytes)
            size += len(body)
            pieces += bool(body)
            if at_piece(pieces):
                gone.set()
                await asyncio.sleep(3600)  # a socket that takes no more

        await file(SCOPE, receive, send)  # type: ignore[arg-type]
        return size

    return asyncio.run(run())


def _snapshots(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(
            connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
                )
            ).scalar_one()
        )


def _peak_bytes(engine: Engine) -> tuple[int, int]:
    tracemalloc.start()
    try:
        size = _take(_file(engine))
        return size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_rows_take_no_more_memory(committed: Engine) -> None:
    come(committed, [f"Guest {number}" for number in range(1_000)])
    _take(_file(committed))  # what is imported and compiled once
    small_size, small = _peak_bytes(committed)
    come(committed, [f"Guest {number}" for number in range(9_000)])
    size, peak = _peak_bytes(committed)
    assert size > 9 * small_size
    # Two pieces of 500 rows and their text are 2 MB; all 10,000 rows are 15.
    assert peak < small + 1_000_000
    assert peak < 5_000_000


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_reader_who_is_gone_frees_what_was_held(committed: Engine, form: download.Form) -> None:
    come(committed, [f"Guest {number}" for number in range(2_000)])
    for _ in range(download.AT_ONCE + 1):  # each would wait for the one before, were anything left over
        _take(_file(committed, form), at_piece=lambda piece: piece == 1)
    assert _snapshots(committed) == 0
    assert _take(_file(committed, form)) > 0


def test_more_at_once_than_there_are_turns_are_asked_to_wait(committed: Engine) -> None:
    running = [_file(committed) for _ in range(download.AT_ONCE)]
    assert _snapshots(committed) == download.AT_ONCE
    with pytest.raises(download.ExportsBusy):
        _file(committed)
    for file in running:
        _take(file)
    assert _snapshots(committed) == 0
    _take(_file(committed))


def test_a_file_is_of_one_moment(committed: Engine) -> None:
    come(committed, ["Li Wei"])
    file = _file(committed, "json")
    come(committed, ["Late Comer"])
    taken: list[bytes] = []

    async def run() -> None:
        async def send(message: dict[str, object]) -> None:
            body = message.get("body", b"")
            assert isinstance(body, bytes)
            taken.append(body)

        async def receive() -> dict[str, object]:
            await asyncio.Event().wait()
            raise AssertionError

        await file(SCOPE, receive, send)  # type: ignore[arg-type]

    asyncio.run(run())
    assert [row["name"] for row in json.loads(b"".join(taken))["check_ins"]] == ["Li Wei"]


def test_a_reader_who_never_takes_it_is_left_after_a_while(committed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LONGEST_S", 0.05)
    come(committed, ["Li Wei"])

    async def run() -> None:
        async def never(*_: object) -> dict[str, object]:
            await asyncio.Event().wait()
            raise AssertionError

        await _file(committed)(SCOPE, never, never)  # type: ignore[arg-type]

    asyncio.run(run())
    assert _snapshots(committed) == 0


def test_what_is_wrong_before_the_first_byte_holds_nothing(committed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_session: Session, **_: object) -> object:
        raise RuntimeError("no")

    monkeypatch.setattr(naming, "of_event", broken)
    for _ in range(download.AT_ONCE + 1):
        with pytest.raises(RuntimeError):
            _file(committed)
    assert _snapshots(committed) == 0
