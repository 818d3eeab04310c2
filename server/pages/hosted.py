"""What somebody hosts and keeps, for pages that let her choose among it."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.communities.model import Community
from server.events import service as events
from server.events.model import Event
from server.pages import facts
from server.pages.facts import Fact
from server.people import roles
from server.people.model import Member, Role
from server.texts import Texts
from server.venues import service as venues
from server.venues.model import Venue

MOST = 200  # of a kind: more than anybody looks through


def hosted(session: Session, member: Member, say: Texts) -> list[Fact]:
    """Her events (the newest first), venues and communities: {"what", "id", "name"}; all of them for an operator."""

    def mine(kind: roles.Kind) -> set[str]:
        return roles.held_by(session, member_id=member.id, kind=kind)

    wanted_events = select(Event).order_by(Event.created_at.desc(), Event.id).limit(MOST)
    wanted_venues = select(Venue).order_by(Venue.name, Venue.id).limit(MOST)
    wanted_communities = select(Community).order_by(Community.name, Community.id).limit(MOST)
    if not member.operator:
        wanted_events = wanted_events.where(or_(Event.organizer_id == member.id, Event.id.in_(mine("event"))))
        wanted_venues = wanted_venues.where(or_(Venue.owner_id == member.id, Venue.id.in_(mine("venue"))))
        wanted_communities = wanted_communities.where(Community.id.in_(mine("community")))
    return [
        *(_fact("event", one.id, say.name(one.name, one.simulated)) for one in session.scalars(wanted_events)),
        *(_fact("venue", one.id, say.name(one.name, one.simulated)) for one in session.scalars(wanted_venues)),
        *(_fact("community", one.id, one.name) for one in session.scalars(wanted_communities)),
    ]


def zone_of(session: Session, member: Member, event_id: str | None, venue_id: str | None) -> str:
    """By whose clock times are told: the place's, or else hers."""
    if event_id is not None:
        steps = events.steps_of(session, event_id=event_id)
        venue_id = steps[0].venue_id if steps else None
    if venue_id is not None:
        return venues.get(session, venue_id).time_zone
    return facts.clock_of(member)


def part(session: Session, role: Role, say: Texts) -> Fact:
    """What she helps to run, and where that is looked after: {"kind", "id", "name", "href"}."""
    found: Fact = {"kind": role.kind, "id": role.of_id}
    if role.kind == "community":
        community = communities.get(session, role.of_id)
        return found | {
            "name": say.name(community.name, community.simulated),
            "href": f"/communities/{role.of_id}/crew",
        }
    get = venues.get if role.kind == "venue" else events.get
    thing = get(session, role.of_id)
    return found | {"name": say.name(thing.name, thing.simulated), "href": f"/{role.kind}s/{role.of_id}/live"}


def _fact(what: str, id: str, name: str) -> Fact:
    return {"what": what, "id": id, "name": name}
