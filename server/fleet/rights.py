"""Who looks after an agent: operators, and who keeps the venue where it stands."""

from sqlalchemy.orm import Session

from server.fleet import service as fleet
from server.fleet.model import Agent, Placement
from server.people import access
from server.people.model import Member
from server.venues import service as venues


def check_keeps(session: Session, *, viewer: Member, agent_id: str) -> tuple[Agent, list[Placement]]:
    """An agent and its places, the latest first; raises AgentUnknown, NotYourVenue."""
    agent = fleet.get(session, agent_id)
    placements = fleet.placements_of(session, agent_id=agent_id)
    venue = venues.get(session, placements[0].venue_id) if placements else None
    access.check_keeps(session, viewer, [venue])
    return agent, placements
