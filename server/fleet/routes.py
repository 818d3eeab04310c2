"""Agents: enrolling them, and reading where they stand."""

import datetime as dt

from fastapi import APIRouter
from sqlalchemy.orm import Session

from geo import datums
from server.fleet import rights, schema
from server.fleet import service as fleet
from server.fleet.model import Placement
from server.people import access
from server.requests import Id, InPage, InTransaction, Now
from server.venues import service as venues

router = APIRouter(prefix="/api/agents", tags=["fleet"])


@router.get("")
def list_agents(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.AgentOut]:
    """The agents that stand in your venues; for operators all."""
    places = fleet.newest_places(session)
    if viewer.operator:
        found = fleet.list_all(session, page)
    else:
        mine = [venue.id for venue in venues.owned_by(session, member_id=viewer.id)]
        found = fleet.list_at(session, venue_ids=mine, page=page)
    hidden = rights.hidden_from(session, viewer, places.values())
    return [schema.show(agent, [places[agent.id]] if agent.id in places else [], hidden) for agent in found]


@router.post("", status_code=201)
def enrol_agent(
    wanted: schema.NewAgent, _operator: access.Operator, session: InTransaction, now: Now
) -> schema.Enrolled:
    """Enrols an agent and shows its key, this once; for operators."""
    key = fleet.enrol(session, agent_id=wanted.id)
    if wanted.placement is not None:
        _place(session, wanted.id, wanted.placement, now)
    return schema.Enrolled(id=wanted.id, key=key.hex())


@router.get("/{agent_id}")
def get_agent(agent_id: Id, viewer: access.Viewer, session: InTransaction) -> schema.AgentOut:
    """An agent with all its places; for operators and the shop owner of where it stands."""
    agent, placements = rights.check_keeps(session, viewer=viewer, agent_id=agent_id)
    return schema.show(agent, placements, rights.hidden_from(session, viewer, placements))


def _place(session: Session, agent_id: str, wanted: schema.NewPlacement, now: dt.datetime) -> Placement:
    return fleet.place(
        session,
        agent_id=agent_id,
        venue_id=wanted.venue,
        zone_id=wanted.zone,
        since=now,
        location=None if wanted.location is None else datums.to_wgs84(wanted.location, wanted.datum),
        rssi_floor=wanted.rssi_floor,
    )
