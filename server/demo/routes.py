"""The demonstration's controls: the neighbourhood, moving "You", killing and reviving a simulated Pi."""

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
    """Only organizers of an event that is on, and operators, may pull the plug of a Pi."""

    code = "organizers_only"


def check_demo(_viewer: access.Viewer, settings: InSettings) -> None:
    """Raises NoDemo unless this is a demonstration; who is not signed in is refused first."""
    if not settings.server.demo:
        raise NoDemo


router = APIRouter(prefix="/api/demo", tags=["demo"], dependencies=[Depends(check_demo)])


@router.get("")
def get_world(viewer: access.Viewer, session: InTransaction, now: Now) -> schema.WorldOut:
    """The simulated neighbourhood: where you are, the Pis, the streets."""
    return schema.show(demo.describe(session, member_id=viewer.id), may_switch=_may_switch(session, viewer, now))


@router.post("/you", status_code=204)
def move_you(place: schema.Place, viewer: access.Viewer, session: InTransaction) -> None:
    """Puts your simulated person down at a place, at once; she stays there."""
    demo.move(session, member_id=viewer.id, lon=place.lon, lat=place.lat)


@router.post("/agents/{agent_id}", status_code=204)
def switch_pi(agent_id: Id, wanted: schema.Switch, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Kills a simulated Pi or revives it; for operators and for organizers of an event that is on."""
    if not _may_switch(session, viewer, now):
        raise OrganizersOnly
    demo.switch(session, agent_id=agent_id, running=wanted.running)


def _may_switch(session: Session, viewer: Member, now: dt.datetime) -> bool:
    if viewer.operator:
        return True
    hosted = events.organized_by(session, member_id=viewer.id)
    return any(event.simulated and events.is_running(session, event_id=event.id, at=now) for event in hosted)
