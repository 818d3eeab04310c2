"""Who may have news sent: who hosts the event, or keeps the venue, a community's hosts; no names but theirs."""

from sqlalchemy.orm import Session

from server.communities import rights as community_rights
from server.communities import service as communities
from server.errors import MusterError
from server.events import service as events
from server.people import access
from server.people import service as people
from server.people.model import Member
from server.venues import service as venues
from server.webhooks.model import Webhook


def check(
    session: Session, *, viewer: Member, event_id: str | None, venue_id: str | None, community_id: str | None
) -> None:
    """Raises NotYourEvent, NotYourVenue, NotYourCommunity, and the Unknown of what is named."""
    if event_id is not None:
        access.check_hosts(session, viewer, events.get(session, event_id))
    if venue_id is not None:
        access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    if community_id is not None:
        community_rights.check_decides(session, viewer, communities.get(session, community_id))


def may(session: Session, *, viewer: Member, webhook: Webhook) -> bool:
    """Whether the viewer may look after a webhook."""
    try:
        check(
            session,
            viewer=viewer,
            event_id=webhook.event_id,
            venue_id=webhook.venue_id,
            community_id=webhook.community_id,
        )
    except MusterError:
        return False
    return True


def may_still(session: Session, *, webhook: Webhook) -> bool:
    """Whether who made it may still have it."""
    return may(session, viewer=people.get(session, webhook.made_by), webhook=webhook)
