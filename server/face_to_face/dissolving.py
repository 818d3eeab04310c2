"""Lets a circle go: the one place where that is done here."""

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from server.communities.model import Community
from server.events.model import Event


def dissolve(session: Session, *, community_id: str) -> None:
    """Removes a community with all that is its own; what it organized stays its people's."""
    session.execute(update(Event).where(Event.community_id == community_id).values(community_gone=True))
    session.execute(delete(Community).where(Community.id == community_id))
    session.expire_all()
