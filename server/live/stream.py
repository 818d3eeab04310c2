"""Sends a viewer's events as a server-sent event stream, with heartbeats, until she or the server ends it."""

import asyncio
from collections.abc import AsyncIterator

from fastapi.sse import EventSourceResponse

from server.live.hub import Hub
from server.live.viewer import Viewer

# The promise is a comment every 15 s; proxies cut lines that are silent for 30, and a page says so after 40.
HEARTBEAT_S = 10.0
HEARTBEAT = b": listening\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def events(hub: Hub, viewer: Viewer, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[bytes]:
    """The viewer's events as they come, a comment after heartbeat_s without one; the viewer leaves at its end."""
    try:
        while True:
            try:
                async with asyncio.timeout(heartbeat_s):
                    event = await viewer.next()
            except TimeoutError:
                yield HEARTBEAT
                continue
            if event is None:
                return
            yield event
    finally:
        hub.leave(viewer)


def respond(hub: Hub, viewer: Viewer) -> EventSourceResponse:
    """The response that streams to this viewer; nothing keeps it, nothing buffers it."""
    return EventSourceResponse(events(hub, viewer), headers=HEADERS)
