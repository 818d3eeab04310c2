"""Enrols agents, places them, tells what they are to report, and takes what they say of themselves."""

import dataclasses
import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import Range, distinct_on
from sqlalchemy.orm import Session

from beacon_agent import wire
from geo import areas, postgis
from server import constraints, names, paging, topics
from server.errors import Conflict, Invalid, NotFound
from server.fleet.model import Agent, Placement
from server.venues import service as venues

KEY_BYTES = 32  # the length of SHA-256, beyond which a key of HMAC gains nothing
PARTS = {"admin", "gateway", "server"}  # logins at the broker, which an agent's login of the same name would replace
RSSI_FLOOR_DBM = (-128, 20)  # what a radio can say at all


class AgentUnknown(NotFound):
    """There is no such agent."""

    code = "agent_unknown"


class AgentExists(Conflict):
    """There is an agent of this id already."""

    code = "agent_exists"


class PlacedOtherwise(Conflict):
    """The agent stood somewhere else at that time."""

    code = "placed_otherwise"


def enrol(session: Session, *, agent_id: str, key: bytes | None = None) -> bytes:
    """Makes an agent known and returns its key, the one secret of its Pi; raises AgentExists, Invalid.

    key: 32 bytes, fresh random ones unless given.
    """
    names.check_id(agent_id, "agent")
    if agent_id in PARTS:
        raise Invalid(
            "%(agent)s is the name of a part of muster at the broker, and can't be an agent's.", agent=agent_id
        )
    key = secrets.token_bytes(KEY_BYTES) if key is None else key
    if len(key) != KEY_BYTES:
        raise Invalid("The key of an agent has %(bytes)s bytes.", bytes=KEY_BYTES)
    agent = Agent(id=agent_id, key=key, config_rev=1)
    constraints.add_new(session, agent, AgentExists("There is an agent %(agent)s already.", agent=agent_id))
    topics.bump(session, [topics.FACTS])
    return key


def get(session: Session, id: str) -> Agent:
    """The agent of this id; raises AgentUnknown."""
    agent = session.get(Agent, id) if names.is_id(id) else None
    if agent is None:
        raise AgentUnknown("There is no agent %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return agent


def list_all(session: Session, page: paging.Page = paging.EVERYTHING) -> list[Agent]:
    """All agents by id."""
    return page.read(session, select(Agent), paging.up(Agent.id))


def list_at(session: Session, *, venue_ids: Sequence[str], page: paging.Page = paging.EVERYTHING) -> list[Agent]:
    """The agents that stand in these venues, or stood there last, by id."""
    newest = _newest_placements().subquery()
    there = select(newest.c.agent_id).where(newest.c.venue_id.in_(venue_ids))
    return page.read(session, select(Agent).where(Agent.id.in_(there)), paging.up(Agent.id))


def place(
    session: Session,
    *,
    agent_id: str,
    venue_id: str,
    zone_id: str,
    since: dt.datetime,
    location: tuple[float, float] | None = None,
    rssi_floor: int = wire.RSSI_DBM[0],
) -> Placement:
    """Says where an agent stands from `since` on; its placement until then ends there.

    location: degrees, longitude first. rssi_floor: dBm, what is heard fainter makes no visit.
    Raises AgentUnknown, VenueUnknown, ZoneUnknown, VenueNotReady, PlacedOtherwise, Invalid.
    """
    agent = (
        session.get(Agent, agent_id, with_for_update=True, populate_existing=True) if names.is_id(agent_id) else None
    )
    if agent is None:
        raise AgentUnknown("There is no agent %(agent)r.", agent=agent_id[: names.ID_MAX_LENGTH])
    venues.get_zone(session, venue_id=venue_id, zone_id=zone_id)
    venues.check_ready(venues.get(session, venue_id))
    if not RSSI_FLOOR_DBM[0] <= rssi_floor <= RSSI_FLOOR_DBM[1]:
        raise Invalid(
            "rssi_floor lies between %(least)s and %(most)s dBm.", least=RSSI_FLOOR_DBM[0], most=RSSI_FLOOR_DBM[1]
        )
    try:
        position = None if location is None else areas.check_position(location)
    except areas.PlaceError as error:
        raise Invalid("The agent's location: %(why)s", why=error) from None
    left = placement_at(session, agent_id=agent_id, at=since)
    changed = {venue_id}
    if left is not None and left.valid.upper is None and left.valid.lower != since:
        left.valid = Range(left.valid.lower, since)
        changed.add(left.venue_id)
        session.flush()
    placed = Placement(
        agent_id=agent_id,
        venue_id=venue_id,
        zone_id=zone_id,
        location=postgis.from_position(position),
        rssi_floor=rssi_floor,
        valid=Range(since, None),
    )
    taken = PlacedOtherwise(
        "%(agent)s has a place from %(since)s UTC or later already.", agent=agent_id, since=f"{since:%Y-%m-%d %H:%M}"
    )
    with constraints.explain(session, {"placement_of_an_agent_never_overlaps": taken}):
        session.add(placed)
    agent.config_rev += 1
    topics.bump(session, [topics.FACTS, *(f"venue/{venue}" for venue in changed)])
    session.flush()
    return placed


def placement_at(session: Session, *, agent_id: str, at: dt.datetime) -> Placement | None:
    """Where an agent stood at a time, None for nowhere."""
    return session.scalar(
        select(Placement).where(Placement.agent_id == agent_id, Placement.valid.contains(at)).limit(1)
    )


def placed_at(session: Session, *, venue_id: str, at: dt.datetime) -> list[Placement]:
    """The agents that stood in a venue at a time, by their ids."""
    return list(
        session.scalars(
            select(Placement)
            .where(Placement.venue_id == venue_id, Placement.valid.contains(at))
            .order_by(Placement.agent_id)
        )
    )


def placements_of(session: Session, *, agent_id: str) -> list[Placement]:
    """Where an agent stood and stands, the latest first."""
    return list(
        session.scalars(
            select(Placement).where(Placement.agent_id == agent_id).order_by(func.lower(Placement.valid).desc())
        )
    )


def newest_places(session: Session) -> dict[str, Placement]:
    """Of every agent that was ever placed the place that holds now or last, by its id."""
    return {placement.agent_id: placement for placement in session.scalars(_newest_placements())}


def _newest_placements() -> Select[Placement]:
    newest_first = func.lower(Placement.valid).desc()
    return select(Placement).ext(distinct_on(Placement.agent_id)).order_by(Placement.agent_id, newest_first)


def location_of(placement: Placement) -> areas.Position | None:
    """Where an agent hangs, in degrees, longitude first."""
    return postgis.to_position(placement.location)


def take_status(
    session: Session, *, agent_id: str, status: wire.Status, now: dt.datetime, retained: bool = False
) -> bool:
    """Keeps what an agent said of itself; False when it was a will that another connection has outlived.

    now: the server's clock at receipt. retained: the broker had kept it, so that it says nothing about now and
    `status_at` stays. Raises AgentUnknown.
    """
    agent = (
        session.get(Agent, agent_id, with_for_update=True, populate_existing=True) if names.is_id(agent_id) else None
    )
    if agent is None:
        raise AgentUnknown
    last: dict[str, Any] = agent.status or {}
    known = last.get("boot") is not None
    if known and last["boot"] == status.boot and status.conn < last["conn"]:
        return False
    if known and last["boot"] != status.boot and not status.online and not retained:
        return False
    agent.status = dataclasses.asdict(status)
    if not retained:
        agent.status_at = now
    in_force = highest_rev(agent)
    if in_force > agent.config_rev:
        # The database is older than what it told its agents, as after a restore: what it tells next must be higher.
        agent.config_rev = in_force
        topics.bump(session, [topics.FACTS])
    session.flush()
    return True


def highest_rev(agent: Agent) -> int:
    """The highest rev of a config that the agent says it has taken or rejected; it takes only higher ones."""
    status: dict[str, Any] = agent.status or {}
    return max(status.get("rev") or 0, status.get("rejected_rev") or 0)


def config_of(
    session: Session,
    *,
    agent_id: str,
    patterns: Sequence[tuple[int, bytes]],
    window_s: float = 2.0,
) -> wire.Config | None:
    """What an agent is told; None for one that has no place, since it has no shard either.

    patterns: of all that is registered (badges.report_patterns). window_s: how long it gathers readings for one report.
    Raises AgentUnknown.
    """
    agent = get(session, agent_id)
    places = placements_of(session, agent_id=agent_id)
    return make_config(agent, places[0], patterns, window_s) if places else None


def make_config(
    agent: Agent, placement: Placement, patterns: Sequence[tuple[int, bytes]], window_s: float
) -> wire.Config:
    """What an agent that stands there is told."""
    return wire.Config(
        rev=agent.config_rev,
        shard=wire.shard_of(placement.venue_id),
        patterns=tuple(patterns),
        rssi_floor=placement.rssi_floor,
        window_s=window_s,
    )
