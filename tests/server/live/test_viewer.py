"""A viewer that is slow or idle."""

import asyncio
from typing import Any

from server import requests
from server.live import stream
from server.live.viewer import QUEUE_EVENTS, Viewer, Wanted


def make_viewer() -> Viewer:
    return Viewer("token", Wanted(()), {}, requests.utc_now)


class NoHub:
    """Stands for the hub, which only has to be left."""

    def __init__(self) -> None:
        self.left: list[Viewer] = []

    def leave(self, viewer: Viewer) -> None:
        self.left.append(viewer)


def test_a_viewer_that_does_not_read_is_ended_cleanly() -> None:
    async def read() -> list[object]:
        viewer = make_viewer()
        for number in range(QUEUE_EVENTS):
            viewer.push(b"%d" % number)
        before = viewer.ended
        viewer.push(b"one too many")
        viewer.push(b"after the end")
        return [before, viewer.ended, await viewer.next()]

    assert asyncio.run(read()) == [False, True, None]


def test_an_idle_stream_sends_comments_and_leaves_when_it_ends() -> None:
    hub: Any = NoHub()

    async def read() -> list[bytes]:
        viewer, found = make_viewer(), []
        async for event in stream.events(hub, viewer, heartbeat_s=0.01):
            found.append(event)
            if len(found) == 2:
                viewer.push(b"news")
            if len(found) == 3:
                viewer.end()
        assert hub.left == [viewer]
        return found

    assert asyncio.run(read()) == [stream.HEARTBEAT, stream.HEARTBEAT, b"news"]


def test_heartbeats_come_at_least_every_fifteen_seconds() -> None:
    assert stream.HEARTBEAT_S <= 15
    assert stream.HEARTBEAT.startswith(b":")
    assert stream.HEARTBEAT.endswith(b"\n\n")
