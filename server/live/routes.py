"""The live streams: one connection each, a snapshot first, then what changes."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.sse import EventSourceResponse
from pydantic import Field
from starlette.responses import Response

from server.errors import Invalid
from server.fields import Outgoing
from server.live import stream, tonight
from server.live.hub import Hub
from server.live.viewer import MAX_TOPICS, Wanted
from server.people import access
from server.requests import Id, InSettings, InTransaction, Now, texts_for

router = APIRouter(prefix="/api", tags=["live"])

_EVENT = {
    "type": "object",
    "description": "One event; its data is JSON with the topics by their names, and the time.",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["snapshot", "delta"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An event `snapshot`, then events `delta` with what changed, and comments as heartbeats.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    }
}


class EventNamed(Outgoing):
    """An event by its id and name."""

    id: str
    name: str


class CardOut(Outgoing):
    """The card of tonight, with what to show. code: in, asked, said_no, hearing, due, not_heard, silent, no_badge,
    not_open_yet, elsewhere, undone, or why a door refused her. due_at: while her badge is heard, when she will be in.
    by_position: her phone's position may check her in.
    """

    code: str
    title: str
    sentence: str
    due_at: str | None
    event: EventNamed
    step: str
    venue: str
    check_in: int | None
    ask: int | None
    by_position: bool


class NothingWanted(Invalid):
    """Say what to watch: ?topic=venue/<id>, ?topic=event/<id>, ?topic=member/<your id>, several of them if need be."""

    code = "nothing_wanted"


async def hub(request: Request) -> Hub:
    """The app's hub: `app.state.hub`."""
    found = request.app.state.hub
    assert isinstance(found, Hub)
    return found


Topic = Annotated[str, Field(max_length=100)]  # more than a kind and an id have
InHub = Annotated[Hub, Depends(hub)]


async def _open(request: Request, hub: Hub, wanted: Wanted) -> EventSourceResponse:
    wanted = wanted._replace(language=texts_for(request).language)
    return stream.respond(hub, await hub.join(access.token_of(request), wanted))


@router.get("/venues/{venue_id}/live", response_class=Response, responses=_ANSWER)
async def watch_venue(venue_id: Id, request: Request, hub: InHub) -> Response:
    """Who is where in a venue, as numbers; for its shop owner, operators, and organizers of an event running there."""
    return await _open(request, hub, Wanted((f"venue/{venue_id}",)))


@router.get("/events/{event_id}/live", response_class=Response, responses=_ANSWER)
async def watch_event(event_id: Id, request: Request, hub: InHub) -> Response:
    """Who has come to an event, and the venues of its steps while they are open; for its organizer and operators."""
    return await _open(request, hub, Wanted((f"event/{event_id}",), venues_of=event_id))


@router.get("/me/live", response_class=Response, responses=_ANSWER)
async def watch_oneself(viewer: access.Viewer, request: Request, hub: InHub) -> Response:
    """One's own check-ins, and why one was not checked in."""
    return await _open(request, hub, Wanted((f"member/{viewer.id}",)))


@router.get("/live", response_class=Response, responses=_ANSWER)
async def watch_several(
    request: Request, hub: InHub, topic: Annotated[list[Topic], Query(default_factory=list, max_length=MAX_TOPICS)]
) -> Response:
    """Several topics in one connection, since a browser opens only six to one server."""
    if not topic:
        raise NothingWanted
    return await _open(request, hub, Wanted(tuple(dict.fromkeys(topic))))


@router.get("/me/tonight")
def get_tonight(
    viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> CardOut | None:
    """Where you stand with what you are going to, from an hour before it starts; null while nothing is near."""
    found = tonight.now_for(session, member_id=viewer.id, now=now, presence=settings.presence, say=say)
    return None if found is None else CardOut.model_validate(found)
