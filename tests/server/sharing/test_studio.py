"""Drawing few pictures at a time, each once."""

import asyncio
import threading

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session

from server.events import service as events
from server.sharing import studio
from server.sharing.studio import DrawingBusy, Studio
from tests.server.conftest import As
from tests.server.places import HOUR, NOW


class Slow:
    """Draws when it is let."""

    def __init__(self, says: bytes = b"picture") -> None:
        self.says, self.times = says, 0
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> bytes:
        self.times += 1
        self.begun.set()
        assert self.go.wait(20)
        return self.says


def test_many_who_ask_at_once_get_one_picture_drawn_once() -> None:
    async def run() -> None:
        made, slow = Studio(), Slow()
        asked = [asyncio.create_task(made.get("a", slow)) for _ in range(50)]
        await asyncio.to_thread(slow.begun.wait, 20)
        slow.go.set()
        assert await asyncio.gather(*asked) == [b"picture"] * 50
        assert await made.get("a", slow) == b"picture"
        assert slow.times == 1

    asyncio.run(run())


def test_no_more_wait_than_are_drawn_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "WAITING", 3)

    async def run() -> None:
        made, slow = Studio(), Slow()
        asked = [asyncio.create_task(made.get(str(number), slow)) for number in range(3)]
        await asyncio.to_thread(slow.begun.wait, 20)
        with pytest.raises(DrawingBusy):
            await made.get("one more", slow)
        slow.go.set()
        await asyncio.gather(*asked)
        assert await made.get("one more", slow) == b"picture"

    asyncio.run(run())


def test_what_fails_is_told_and_tried_anew() -> None:
    def fail() -> bytes:
        raise OSError("no ink")

    async def run() -> None:
        made = Studio()
        with pytest.raises(OSError, match="no ink"):
            await made.get("a", fail)
        assert await made.get("a", lambda: b"picture") == b"picture"

    asyncio.run(run())


def test_who_goes_away_takes_it_from_nobody() -> None:
    async def run() -> None:
        made, slow = Studio(), Slow()
        first = asyncio.create_task(made.get("a", slow))
        await asyncio.to_thread(slow.begun.wait, 20)
        second = asyncio.create_task(made.get("a", slow))
        first.cancel()
        slow.go.set()
        assert await second == b"picture"
        assert slow.times == 1

    asyncio.run(run())


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "KEPT_BYTES", 10)

    async def run() -> None:
        made, slow = Studio(), Slow(b"123456")
        slow.go.set()
        for key in ("a", "b", "b", "a"):
            await made.get(key, slow)
        assert slow.times == 3  # b was kept, a had gone for it

    asyncio.run(run())


def test_a_server_that_draws_enough_says_when_to_come_again(
    as_: As, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [events.NewStep("Supper", "cafe", NOW, NOW + HOUR)]
    events.create(session, id="supper", name="Supper", organizer_id="cleo", steps=steps)
    stranger = as_(None)
    monkeypatch.setattr(studio, "WAITING", 0)
    answer = stranger.get("/g/supper/picture.png")
    assert (answer.status_code, answer.json()["code"]) == (429, "drawing_busy")
    assert answer.headers["retry-after"] == str(studio.AGAIN_S)


def test_an_app_has_one_studio(app: FastAPI) -> None:
    assert isinstance(app.state.studio, Studio)
