"""What a gathering was: the report for its hosts, and the picture for everybody who came."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from server import texts
from server.checkins import rights
from server.communities import service as communities
from server.errors import Refused
from server.events import service as events
from server.events.states import Phase, State
from server.people import access
from server.people.model import Member
from server.recaps import picture, reading, schema
from server.requests import Id, InSettings, InTransaction, Now
from server.sharing import drawing, fonts
from server.sharing.poster import Words
from server.sharing.studio import Drawn, key_of
from server.turnout import service as turnout

router = APIRouter(prefix="/api", tags=["recaps"])
pictures = APIRouter(include_in_schema=False)

Language = Annotated[Literal["en", "zh"], Query(description="of what stands on it; its name stays as it is")]


class CameOnly(Refused):
    """This is for who came, and who hosts."""

    code = "came_only"


@router.get("/events/{event_id}/report")
def get_report(
    event_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> schema.ReportOut:
    """How many came, stayed and did not come, each figure with what proves it and how far off it may be."""
    rights.check_sees(session, member=viewer, event_id=event_id)
    return schema.show(reading.read(session, event_id=event_id, now=now, presence=settings.presence), say)


@pictures.api_route("/events/{event_id}/group.png", methods=["GET", "HEAD"])
def get_group_picture(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    lang: Language = "en",
) -> Response:
    """The picture of those who came, for each of them and the hosts; 1080 x 1440."""
    check_was_there(session, viewer, event_id)
    fonts.check_there()
    say = texts.of(lang)
    recap = reading.read(session, event_id=event_id, now=now, presence=settings.presence)
    if recap.phase is not Phase.OVER or recap.event.state != State.PUBLISHED:
        raise picture.NotOverYet
    community_id = recap.event.community_id
    of = None if community_id is None else communities.get(session, community_id)
    community = "" if of is None else say.name(of.name, of.simulated)
    told = picture.tell(recap, say, now, community=community)
    address = f"{settings.server.url}/g/{event_id}"
    key = key_of("group", told, event_id, address)
    headers = {"ETag": f'"{key}"', "Cache-Control": "private, max-age=300", "Vary": "Cookie"}
    if f'"{key}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    draw = partial(_draw, told, event_id, address)
    return Drawn(request.app.state.studio, key, draw, headers)


def check_was_there(session: Session, viewer: Member, event_id: str) -> None:
    """Raises EventUnknown, CameOnly unless she hosts an event, or came to it."""
    if access.hosts(session, viewer, events.get_seen(session, event_id, viewer)):
        return
    if not turnout.came(session, event_ids=[event_id], member_id=viewer.id):
        raise CameOnly


def _draw(told: Words, event_id: str, address: str) -> bytes:
    return drawing.draw(picture.compose(told, event_id, address, drawing.measure))
