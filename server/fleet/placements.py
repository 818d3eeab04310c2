"""Says where an agent stood, also for the past: placements are split, shortened and replaced, and never overlap.

What readings were judged by at their time stays: a placement told for the past takes over the `rssi_floor` of the one
that it replaces, since what was fainter was never kept.
"""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from beacon_agent import wire
from geo import areas, postgis
from server import names, topics
from server.errors import Invalid
from server.fleet.model import Agent, Placement
from server.fleet.service import RSSI_FLOOR_DBM, AgentUnknown
from server.venues import service as venues

Time = tuple[dt.datetime | None, dt.datetime | None]  # since, until; None: ever


class FloorOnlyFromNowOn(Invalid):
    """What is heard too faintly can be told from now on alone: what was fainter in the past was never kept."""

    code = "floor_only_from_now_on"


class Wanted(NamedTuple):
    """Where an agent stands from since until before until (None: until its next known placement, or for ever)."""

    agent_id: str
    venue_id: str
    zone_id: str
    since: dt.datetime
    until: dt.datetime | None = None
    location: tuple[float, float] | None = None
    rssi_floor: int | None = None


class Piece(NamedTuple):
    """A part of a placement's time, and the placement whose it is now."""

    placement_id: int
    since: dt.datetime | None
    until: dt.datetime | None


class Replaced(NamedTuple):
    """A placement that was cut or changed, and its pieces, its own among them.

    venue_ids: where it stood and where they stand. middle: the piece that stands where the agent is said to have stood;
    elsewhere: in another zone than before.
    """

    placement_id: int
    pieces: tuple[Piece, ...]
    venue_ids: tuple[str, ...]
    middle: Piece
    elsewhere: bool


class Plan(NamedTuple):
    """What a wish does to an agent's placements, before anything is changed.

    until: where the new one ends. rssi_floor: its floor, None for that of what it replaces.
    """

    wanted: Wanted
    until: dt.datetime | None
    rssi_floor: int | None
    old: tuple[Placement, ...]

    @property
    def venue_ids(self) -> set[str]:
        """The venues whose rows it concerns."""
        return {self.wanted.venue_id, *(placement.venue_id for placement in self.old)}


def plan(session: Session, wanted: Wanted, *, now: dt.datetime) -> Plan:
    """Checks a wish, and keeps the agent's placements as they are until the transaction ends.

    Raises AgentUnknown, VenueUnknown, ZoneUnknown, VenueNotReady, FloorOnlyFromNowOn, Invalid.
    """
    agent_id, since = wanted.agent_id, wanted.since
    # A gateway's batch, which the fence may have to wait for, writes rows that refer to the agent: its key stays free.
    how = {"key_share": True}
    agent = session.get(Agent, agent_id, with_for_update=how, populate_existing=True) if names.is_id(agent_id) else None
    if agent is None:
        raise AgentUnknown("There is no agent %(agent)r.", agent=agent_id[: names.ID_MAX_LENGTH])
    venues.get_zone(session, venue_id=wanted.venue_id, zone_id=wanted.zone_id)
    venues.check_ready(venues.get(session, wanted.venue_id))
    if wanted.rssi_floor is not None:
        if since < now:
            raise FloorOnlyFromNowOn
        if not RSSI_FLOOR_DBM[0] <= wanted.rssi_floor <= RSSI_FLOOR_DBM[1]:
            raise Invalid(
                "rssi_floor lies between %(least)s and %(most)s dBm.", least=RSSI_FLOOR_DBM[0], most=RSSI_FLOOR_DBM[1]
            )
    if wanted.until is not None and wanted.until <= since:
        raise Invalid("A placement ends after it began.")
    try:
        location = None if wanted.location is None else areas.check_position(wanted.location)
    except areas.PlaceError as error:
        raise Invalid("The agent's location: %(why)s", why=error) from None
    known = session.scalars(
        select(Placement)
        .where(Placement.agent_id == agent_id, Placement.valid.op("&&")(Range(since, wanted.until)))
        .order_by(Placement.valid)
        .execution_options(populate_existing=True)
    ).all()
    until = wanted.until
    if until is None:
        until = min((p.valid.lower for p in known if p.valid.lower is not None and p.valid.lower > since), default=None)
    old = tuple(p for p in known if until is None or p.valid.lower is None or p.valid.lower < until)
    floor = wire.RSSI_DBM[0] if wanted.rssi_floor is None and since >= now else wanted.rssi_floor
    return Plan(wanted._replace(location=location), until, floor, old)


def carry_out(session: Session, planned: Plan) -> list[Replaced]:
    """Changes the placements; returns those that were cut or stand elsewhere now. Twice is as once."""
    wanted = planned.wanted
    gaps = list(_gaps(planned))
    replaced = [found for old in planned.old if (found := _replace(session, planned, old)) is not None]
    floor = wire.RSSI_DBM[0] if planned.rssi_floor is None else planned.rssi_floor
    session.add_all([_place(wanted, gap, floor) for gap in gaps])
    session.flush()
    if replaced or gaps:
        agent = session.get_one(Agent, wanted.agent_id)
        agent.config_rev += 1
        session.flush()
        changed = {wanted.venue_id, *(venue_id for found in replaced for venue_id in found.venue_ids)}
        topics.bump(session, [topics.FACTS, *(f"venue/{venue_id}" for venue_id in changed)])
    return replaced


def _replace(session: Session, planned: Plan, old: Placement) -> Replaced | None:
    wanted, (since, until) = planned.wanted, (old.valid.lower, old.valid.upper)
    floor = old.rssi_floor if planned.rssi_floor is None else planned.rssi_floor
    before = (old.venue_id, old.zone_id, old.rssi_floor, postgis.to_position(old.location))
    if before == (wanted.venue_id, wanted.zone_id, floor, wanted.location):
        return None
    elsewhere = before[:2] != (wanted.venue_id, wanted.zone_id)
    venue_ids = tuple(dict.fromkeys((old.venue_id, wanted.venue_id)))
    left: Time | None = (since, wanted.since) if since is None or since < wanted.since else None
    right: Time | None = None
    if planned.until is not None and (until is None or until > planned.until):
        right = (planned.until, until)
    middle: Time = (wanted.since if left else since, planned.until if right else until)
    if left is None and right is None:
        old.venue_id, old.zone_id, old.rssi_floor = wanted.venue_id, wanted.zone_id, floor
        old.location = postgis.from_position(wanted.location)
        session.flush()
        whole = Piece(old.id, *middle)
        return Replaced(old.id, (whole,), venue_ids, whole, elsewhere)
    kept, *others = [part for part in (left, right) if part is not None]
    old.valid = Range(*kept)
    session.flush()
    made = _place(wanted, middle, floor)
    rest = [
        Placement(
            agent_id=old.agent_id,
            venue_id=old.venue_id,
            zone_id=old.zone_id,
            location=old.location,
            rssi_floor=old.rssi_floor,
            valid=Range(*other),
        )
        for other in others
    ]
    session.add_all([made, *rest])
    session.flush()
    moved = Piece(made.id, *middle)
    stayed = [Piece(placement.id, *time) for placement, time in [(old, kept), *zip(rest, others, strict=True)]]
    return Replaced(old.id, (*stayed, moved), venue_ids, moved, elsewhere)


def _place(wanted: Wanted, time: Time, floor: int) -> Placement:
    return Placement(
        agent_id=wanted.agent_id,
        venue_id=wanted.venue_id,
        zone_id=wanted.zone_id,
        location=postgis.from_position(wanted.location),
        rssi_floor=floor,
        valid=Range(*time),
    )


def _gaps(planned: Plan) -> Iterator[Time]:
    """The parts of the new placement's time in which the agent stood nowhere."""
    reached = planned.wanted.since
    for lower, upper in ((placement.valid.lower, placement.valid.upper) for placement in planned.old):
        if lower is not None and lower > reached:
            yield reached, lower
        if upper is None:
            return
        reached = upper
    if planned.until is None or reached < planned.until:
        yield reached, planned.until
