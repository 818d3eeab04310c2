"""Tells which logins the broker must have for the agents that are enrolled."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from beacon_agent import wire
from server.fleet import service as fleet
from server.fleet.logins import AgentLogin


def logins_of(session: Session, agent_ids: Collection[str] | None = None) -> list[AgentLogin]:
    """The logins of these agents, or of all; give them to `Logins.add_agents` after the transaction has committed."""
    places = fleet.newest_places(session)
    return [
        AgentLogin(
            agent.id,
            wire.broker_password(agent.key),
            wire.shard_name(wire.shard_of(places[agent.id].venue_id)) if agent.id in places else None,
        )
        for agent in fleet.list_all(session)
        if agent_ids is None or agent.id in agent_ids
    ]
