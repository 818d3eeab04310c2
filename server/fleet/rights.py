"""Who looks after an agent: operators, and who keeps the venue where it stands."""

from collections.abc import Iterable

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


def hidden_from(session: Session, viewer: Member, placements: Iterable[Placement]) -> set[str]:
    """The venues of these placements that are homes she does not keep: where a Pi stands tells where they are."""
    asked = {placement.venue_id for placement in placements}
    return venues.homes_of_others(session, member_id=viewer.id, venue_ids=asked)
