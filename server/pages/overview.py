"""What an operator sees of her server: which Pis listen, whether its parts are well, and how many there are of what.

Numbers alone: whoever runs a server has no business with who is where.
"""

import datetime as dt

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from config.settings import Settings
from server import times
from server.badges.model import Badge
from server.events import service as events
from server.fleet import service as fleet
from server.fleet.model import GatewayHealth
from server.pages.facts import Fact
from server.people.model import Member
from server.presence import service as presence
from server.presence.listening import AgentKind
from server.texts import Texts
from server.venues import service as venues

# As long as `muster doctor` waits: a gateway that missed three of its writes is not having a slow moment.
MISSED_WRITES = 3


def places(session: Session, settings: Settings, now: dt.datetime, say: Texts) -> list[Fact]:
    """Each venue of today with its Pis: {"name", "href", "time_zone", "pis", "listening"}."""
    heard = {placement.venue_id for placement in fleet.newest_places(session).values()}
    return [
        _place(session, venue.id, settings, now, say)
        for venue in venues.list_all(session)
        if not venue.replayed and (venue.source is None or venue.id in heard)  # not a whole town of an import
    ]


def _place(session: Session, venue_id: str, settings: Settings, now: dt.datetime, say: Texts) -> Fact:
    seen = presence.picture(session, venue_id=venue_id, now=now, presence=settings.presence)
    facts, picture = seen.record.facts, seen.picture
    zones = {zone.id: say.name(zone.name, facts.simulated) for zone in facts.zones}
    pis = [
        {
            "id": agent_id,
            "zone": zones.get(agent.zone_id, agent.zone_id),
            "state": agent.kind.value,
            "since": None if agent.since_ms is None else times.from_ms(agent.since_ms),
            "unheard": [missed.beacon_agent_id for missed in picture.unheard.get(agent_id, ())],
        }
        for agent_id, agent in sorted(picture.agents.items())
    ]
    return {
        "name": say.name(facts.name, facts.simulated),
        "href": f"/venues/{venue_id}/live",
        "time_zone": facts.time_zone,
        "pis": pis,
        "listening": sum(pi["state"] == AgentKind.LISTENING for pi in pis),
    }


def parts(session: Session, settings: Settings, now: dt.datetime, broker_connected: bool) -> list[Fact]:
    """The parts that this server can see: {"part", "well", "silent_s" (of the gateway, None if it never ran)}."""
    newest = session.scalar(select(func.max(GatewayHealth.at)))
    silent_s = None if newest is None else max(0, round((now - newest).total_seconds()))
    working = silent_s is not None and silent_s <= MISSED_WRITES * settings.gateway.health_s
    return [
        {"part": "database", "well": True, "silent_s": None},  # or this page could not be made
        {"part": "broker", "well": broker_connected, "silent_s": None},
        {"part": "gateway", "well": working, "silent_s": silent_s},
    ]


def numbers(session: Session, now: dt.datetime) -> Fact:
    """How many there are of what."""
    return {
        "members": _count(session, select(func.count()).select_from(Member).where(~Member.guest)),
        "guests": _count(session, select(func.count()).select_from(Member).where(Member.guest)),
        "badges": _count(session, select(func.count()).select_from(Badge)),
        "running": len({step.event_id for step in events.steps_open_at(session, at=now)}),
    }


def _count(session: Session, query: Select[int]) -> int:
    return session.scalar(query) or 0
