"""The demonstration's controls: the neighbourhood, moving "You", and what can go wrong in it or happen to it."""

import datetime as dt

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from server.demo import schema
from server.demo import service as demo
from server.errors import NotFound, Refused
from server.events import service as events
from server.people import access
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now


class NoDemo(NotFound):
    """This server shows no demonstration: nobody here is simulated."""

    code = "no_demo"


class OrganizersOnly(Refused):
    """Only organizers of an event that is on, and operators, may change what others see of the neighbourhood."""

    code = "organizers_only"


async def check_demo(_viewer: access.Viewer, settings: InSettings) -> None:
    """Raises NoDemo unless this is a demonstration; who is not signed in is refused first."""
    if not settings.server.demo:
        raise NoDemo


router = APIRouter(prefix="/api/demo", tags=["demo"], dependencies=[Depends(check_demo)])


@router.get("")
def get_world(viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say) -> schema.WorldOut:
    """The simulated neighbourhood: where you are, the Pis, the streets."""
    world = demo.describe(session, member_id=viewer.id)
    return schema.show(world, may_switch=_may_switch(session, viewer, now), say=say)


@router.post("/you", status_code=204)
def move_you(place: schema.Place, viewer: access.Viewer, session: InTransaction) -> None:
    """Puts your simulated person down at a place, at once; she stays there."""
    demo.move(session, member_id=viewer.id, lon=place.lon, lat=place.lat)


@router.post("/agents/{agent_id}", status_code=204)
def switch_pi(agent_id: Id, wanted: schema.Switch, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Kills a simulated Pi or revives it; for operators and for organizers of an event that is on."""
    _check_may_switch(session, viewer, now)
    demo.switch(session, agent_id=agent_id, running=wanted.running)


@router.post("/you/badge", status_code=204)
def leave_badge(wanted: schema.Left, viewer: access.Viewer, session: InTransaction) -> None:
    """Forgets your badge on a table in the café, where it goes on being heard without you; or picks it up again."""
    demo.leave_badge(session, member_id=viewer.id, left=wanted.left)


@router.post("/crowd", status_code=204)
def call_crowd(viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Lets two dozen guests walk into the bookshop within half a minute; they leave after some minutes.

    For operators and for organizers of an event that is on. While a crowd is there, nothing more happens.
    """
    _check_may_switch(session, viewer, now)
    demo.call_crowd(session)


@router.post("/venues/{venue_id}", status_code=204)
def connect_venue(venue_id: Id, wanted: schema.Online, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Cuts a simulated venue's Internet, for two minutes at most, or gives it back; its Pis listen on meanwhile.

    For operators and for organizers of an event that is on.
    """
    _check_may_switch(session, viewer, now)
    demo.connect(session, venue_id=venue_id, online=wanted.online)


def _check_may_switch(session: Session, viewer: Member, now: dt.datetime) -> None:
    if not _may_switch(session, viewer, now):
        raise OrganizersOnly


def _may_switch(session: Session, viewer: Member, now: dt.datetime) -> bool:
    if viewer.operator:
        return True
    hosted = events.organized_by(session, member_id=viewer.id)
    return any(event.simulated and events.is_running(session, event_id=event.id, at=now) for event in hosted)
