"""Makes a settled proposal a gathering: the one place where an event comes of it."""

import datetime as dt
from typing import NamedTuple, cast

from sqlalchemy.orm import Session

from geo import postgis
from server import topics
from server.communities import service as communities
from server.events import service as events
from server.events import signups, spots
from server.events.details import Details, Kind
from server.events.spots import Spot
from server.people import access
from server.people import service as people
from server.proposals.model import Proposal, ProposalOption
from server.venues import service as venues
from server.venues import welcome

OPENS_BEFORE = dt.timedelta(hours=1)


class Place(NamedTuple):
    """A venue, and the zone of it."""

    venue_id: str
    zone_id: str | None


def publish(
    session: Session,
    proposal: Proposal,
    option: ProposalOption,
    *,
    organizer_id: str,
    coming: tuple[str, ...],
    now: dt.datetime,
) -> str:
    """Makes the event of an option, signs up who can, and returns its id; in the caller's transaction.

    coming: in the order in which they committed; whom there is no room for waits there. It opens no sooner than now:
    what was heard there before concerns nobody's check-in. Raises what events raise.
    """
    of = None if proposal.community_id is None else communities.get(session, proposal.community_id)
    simulated = of is not None and of.simulated
    place = _place_of(session, option, organizer_id, simulated)
    step = events.NewStep(
        name=proposal.title,
        venue_id=place.venue_id,
        zone_id=place.zone_id,
        opens_at=min(option.starts_at, max(now, option.starts_at - OPENS_BEFORE)),
        starts_at=option.starts_at,
        ends_at=option.ends_at,
        capacity=proposal.most,
    )
    # Random, so that no name of a gathering can be taken in the moment in which it is settled.
    event_id = people.new_id("gathering")
    with topics.together(session):
        events.create(
            session,
            id=event_id,
            name=proposal.title,
            organizer_id=organizer_id,
            community_id=proposal.community_id,
            steps=[step],
            about=Details(kind=cast("Kind", proposal.kind), about=proposal.about),
            simulated=simulated,
        )
        for member_id in coming:
            signups.sign_up(session, event_id=event_id, member_id=member_id, now=now)
    return event_id


def _place_of(session: Session, option: ProposalOption, organizer_id: str, simulated: bool) -> Place:
    """Where it takes place, for events.

    An organizer sees who is at her event's venue. So a venue is hers to use only if she keeps it, or is welcome to
    gather there; of another's she gets a spot of the same name and pin, which hears nobody.
    """
    organizer = people.get(session, organizer_id)
    name, location = option.place, postgis.to_position(option.location)
    if option.venue_id is not None:
        venue = venues.get(session, option.venue_id)
        if access.keeps(session, organizer, venue) or welcome.said_yes(session, organizer, venue):
            return Place(venue.id, option.zone_id)
        name, location = venue.name, venues.location_of(venue)
    spot = Spot(name, location, option.time_zone)
    return Place(spots.make(session, spot, by=organizer, simulated=simulated).id, None)
