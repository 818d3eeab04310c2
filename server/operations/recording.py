"""Puts into the database what a recording needs before agents can replay it, and reads what came of it."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from server import database, names, times
from server.badges import service as badges
from server.badges.model import Identity
from server.fleet import admission
from server.fleet import service as fleet
from server.fleet.logins import AgentLogin
from server.fleet.model import RefusedReport
from server.presence.model import Stay, Visit
from server.venues import service as venues
from server.venues.service import VenueUnknown

# Before every recording there can be: its badges and agents are known throughout, however many are replayed and in
# whatever order.
BEGINNING = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class CannotReplay(RuntimeError):
    """The recording cannot be replayed there: the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What `muster-agent describe` says of a recording."""

    scanners: list[str]
    badges: list[bytes]
    beacons: dict[bytes, str]  # of the scanners themselves -> the scanner that heard it most
    from_ms: int
    to_ms: int
    rows: int


@dataclass(frozen=True, slots=True)
class Scanner:
    """A scanner of a recording and the agent that plays it."""

    name: str
    agent_id: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What the database holds of a venue."""

    badges: int
    visits: int
    stays: int
    refused: dict[str, int]  # reports by reason


def read_facts(described: dict[str, Any]) -> Facts:
    """Reads the JSON of `muster-agent describe`."""
    heard: list[bytes] = []
    beacons: dict[bytes, str] = {}
    for entry in described["identities"]:
        identity = bytes.fromhex(entry["identity"])
        if entry["heartbeat"]:
            beacons[identity] = max(entry["scanners"], key=entry["scanners"].__getitem__)
        else:
            heard.append(identity)
    return Facts(described["scanners"], heard, beacons, described["from_ms"], described["to_ms"], described["rows"])


def name_agents(venue_id: str, scanners: Iterable[str]) -> dict[str, str]:
    """The id of the agent of each scanner: `<venue>-<scanner>` in lower case.

    Raises CannotReplay when two scanners would have the same.
    """
    by_id: defaultdict[str, list[str]] = defaultdict(list)
    for scanner in scanners:
        plain = re.sub(r"[^a-z0-9]+", "-", scanner.lower()).strip("-") or "scanner"
        by_id[names.append(venue_id, plain)].append(scanner)
    for agent_id, alike in by_id.items():
        if len(alike) > 1:
            raise CannotReplay(f"the scanners {' and '.join(alike)} would both be the agent {agent_id}: rename one")
    return {scanners[0]: agent_id for agent_id, scanners in by_id.items()}


def prepare(engine: Engine, facts: Facts, venue_id: str, begins_ms: int) -> list[Scanner]:
    """Makes the venue with a zone and an agent for each scanner, and registers the badges; what is there stays.

    begins_ms: when its first row is replayed as, which a shift moves. Raises CannotReplay, and what the services raise.
    """
    agent_ids = name_agents(venue_id, facts.scanners)
    with database.transaction(engine) as session:
        _make_venue(session, venue_id, agent_ids)
        scanners = [
            Scanner(name, agent_id, _enrol(session, agent_id, venue_id)) for name, agent_id in agent_ids.items()
        ]
        for identity in _unknown(session, [*facts.badges, *facts.beacons], times.from_ms(begins_ms)):
            _register(session, identity, agent_ids.get(facts.beacons.get(identity, "")))
    return scanners


def logins_of(engine: Engine, scanners: Iterable[Scanner]) -> list[AgentLogin]:
    """What the broker must know of the agents."""
    with database.transaction(engine) as session:
        return admission.logins_of(session, {scanner.agent_id for scanner in scanners})


def read_result(engine: Engine, venue_id: str, scanners: Iterable[Scanner]) -> Result:
    """What the database holds of the venue now."""
    agent_ids = [scanner.agent_id for scanner in scanners]
    with database.transaction(engine) as session:
        visits = session.execute(
            select(func.count(), func.count(Visit.badge_id.distinct())).where(Visit.venue_id == venue_id)
        ).one()
        stays = session.scalars(select(func.count()).select_from(Stay).where(Stay.venue_id == venue_id)).one()
        refused = session.execute(
            select(RefusedReport.reason, func.count())
            .where(RefusedReport.agent_id.in_(agent_ids))
            .group_by(RefusedReport.reason)
        )
        return Result(visits[1], visits[0], stays, {row[0]: row[1] for row in refused})


def _make_venue(session: Session, venue_id: str, agent_ids: dict[str, str]) -> None:
    zones = [venues.NewZone(agent_id, scanner) for scanner, agent_id in agent_ids.items()]
    try:
        venue = venues.get(session, venue_id)
    except VenueUnknown:
        venues.create(session, id=venue_id, name=venue_id, time_zone="UTC", zones=zones, replayed=True)
        return
    if not venue.replayed:
        raise CannotReplay(
            f"{venue_id} is a venue of today: recordings go into venues of their own, choose another --venue"
        )
    there = {zone.id for zone in venues.zones_of(session, venue_id=venue_id)}
    missing = [zone.name for zone in zones if zone.id not in there]
    if missing:
        raise CannotReplay(
            f"{venue_id} was made by another recording, without {', '.join(missing)}: choose another --venue"
        )


def _enrol(session: Session, agent_id: str, venue_id: str) -> bytes:
    try:
        key = fleet.get(session, agent_id).key
    except fleet.AgentUnknown:
        key = fleet.enrol(session, agent_id=agent_id)
    place = fleet.placement_at(session, agent_id=agent_id, at=BEGINNING)
    if place is None:
        if fleet.placements_of(session, agent_id=agent_id):
            raise CannotReplay(f"{agent_id} is an agent of today: choose another --venue")
        fleet.place(session, agent_id=agent_id, venue_id=venue_id, zone_id=agent_id, since=BEGINNING)
    elif place.venue_id != venue_id:
        raise CannotReplay(f"{agent_id} is an agent of the venue {place.venue_id}: choose another --venue")
    return key


def _unknown(session: Session, identities: Iterable[bytes], at: dt.datetime) -> list[bytes]:
    """Those that are neither a badge's nor an agent's at a time."""
    wanted = list(identities)
    known = set(
        session.scalars(select(Identity.identity).where(Identity.identity.in_(wanted), Identity.valid.contains(at)))
    )
    return [identity for identity in wanted if identity not in known]


def _register(session: Session, identity: bytes, agent_id: str | None) -> None:
    """Registers a badge, or the beacon of this agent."""
    text = f"{int.from_bytes(identity[16:18])}/{int.from_bytes(identity[18:])}"
    try:
        if agent_id is None:
            badges.register(session, identity=identity, label=text, since=BEGINNING)
        else:
            badges.register_beacon(session, identity=identity, agent_id=agent_id, since=BEGINNING)
    except badges.IdentityTaken:
        raise CannotReplay(
            f"{text} (major/minor) was registered after this recording was made, so its past is nobody's:"
            " replay it with --shift-to-now"
        ) from None
