"""Reads what the simulated world says of itself, and tells it what people want of it.

Truth about the world is in its process; it writes what others may know into `demo_state`. Wishes go to it as
notifications of PostgreSQL, sent when the transaction commits: a world that does not run misses them, as it should.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.demo.model import DemoState
from server.errors import Invalid, NotFound, Unavailable

CHANNEL = "muster_demo"
NEIGHBOURHOOD = "neighbourhood"
PERSON = "person/"
AGENT = "agent/"
VENUE = "venue/"
CROWD = "crowd"


class NobodySimulated(NotFound):
    """You have no simulated badge in this neighbourhood, so there is nobody to move."""

    code = "nobody_simulated"


class NotSimulated(NotFound):
    """There is no simulated Pi of that name."""

    code = "not_simulated"


class NoSuchLine(NotFound):
    """There is no simulated venue of that name."""

    code = "venue_not_simulated"


class OutsideNeighbourhood(Invalid):
    """That place is outside the neighbourhood: choose one on the map."""

    code = "outside_neighbourhood"


class NoWorld(Unavailable):
    """The simulated world has not begun yet; please try again in a moment."""

    code = "no_world"


@dataclass(frozen=True, slots=True)
class You:
    """The member's own simulated person and where she is, in degrees. left: she forgot her badge in the café."""

    member_id: str
    badge_id: int
    lon: float
    lat: float
    left: bool = False


@dataclass(frozen=True, slots=True)
class Pi:
    """A simulated Pi."""

    agent_id: str
    venue_id: str
    running: bool


@dataclass(frozen=True, slots=True)
class World:
    """What the simulated world says of itself; bounds are west, south, east, north in degrees.

    online: of each venue, whether its Pis reach the Internet. crowd: whether one is here.
    """

    you: You | None
    pis: list[Pi]
    bounds: tuple[float, float, float, float]
    streets: dict[str, Any]
    people_simulated: int
    online: dict[str, bool]
    crowd: bool


def describe(session: Session, *, member_id: str) -> World:
    """The world as this member sees it; raises NoWorld while there is none."""
    neighbourhood = _neighbourhood(session)
    rows = session.execute(select(DemoState.name, DemoState.value).where(DemoState.name != NEIGHBOURHOOD))
    states: dict[str, dict[str, Any]] = {row.name: row.value for row in rows}
    if not states:
        raise NoWorld
    own = states.get(PERSON + member_id)
    pis = [
        Pi(name.removeprefix(AGENT), value["venue"], value["running"])
        for name, value in sorted(states.items())
        if name.startswith(AGENT)
    ]
    return World(
        You(member_id, own["badge"], own["lon"], own["lat"], own.get("left", False)) if own else None,
        pis,
        tuple(neighbourhood["bounds"]),
        neighbourhood["streets"],
        sum(name.startswith(PERSON) for name in states),
        {name.removeprefix(VENUE): value["online"] for name, value in sorted(states.items()) if name.startswith(VENUE)},
        bool(states.get(CROWD, {}).get("here", False)),
    )


def move(session: Session, *, member_id: str, lon: float, lat: float) -> None:
    """Puts the member's simulated person down at a place (degrees), when the transaction commits.

    Raises NobodySimulated, OutsideNeighbourhood, NoWorld.
    """
    west, south, east, north = _neighbourhood(session)["bounds"]
    if session.get(DemoState, PERSON + member_id) is None:
        raise NobodySimulated
    if not (math.isfinite(lon) and math.isfinite(lat) and west <= lon <= east and south <= lat <= north):
        raise OutsideNeighbourhood
    _notify(session, {"you": {"member": member_id, "lon": lon, "lat": lat}})


def leave_badge(session: Session, *, member_id: str, left: bool) -> None:
    """The member's simulated person forgets her badge in the café, or picks it up; raises NobodySimulated."""
    if session.get(DemoState, PERSON + member_id) is None:
        raise NobodySimulated
    _notify(session, {"badge": {"member": member_id, "left": left}})


def call_crowd(session: Session) -> None:
    """Lets a crowd come to the bookshop, when the transaction commits; one that is there stays; raises NoWorld."""
    _neighbourhood(session)
    _notify(session, {"crowd": {}})


def connect(session: Session, *, venue_id: str, online: bool) -> None:
    """Cuts a simulated venue's Internet or gives it back, when the transaction commits; raises NoSuchLine."""
    if session.get(DemoState, VENUE + venue_id) is None:
        raise NoSuchLine
    _notify(session, {"venue": {"id": venue_id, "online": online}})


def venue_of(session: Session, *, agent_id: str) -> str:
    """The venue of a simulated Pi; raises NotSimulated."""
    state = session.get(DemoState, AGENT + agent_id)
    if state is None:
        raise NotSimulated
    venue: str = state.value["venue"]
    return venue


def switch(session: Session, *, agent_id: str, running: bool) -> None:
    """Kills a simulated Pi or revives it, when the transaction commits; raises NotSimulated."""
    venue_of(session, agent_id=agent_id)
    _notify(session, {"agent": {"id": agent_id, "running": running}})


def keep(session: Session, states: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes what the world says of these things; what it says of others stays."""
    if states:
        statement = insert(DemoState).values([{"name": name, "value": dict(states[name])} for name in sorted(states)])
        session.execute(
            statement.on_conflict_do_update(index_elements=[DemoState.name], set_={"value": statement.excluded.value})
        )


def forget(session: Session) -> None:
    """Removes everything that a world before said of its people and Pis."""
    session.execute(delete(DemoState).where(DemoState.name != NEIGHBOURHOOD))


def _neighbourhood(session: Session) -> dict[str, Any]:
    state = session.get(DemoState, NEIGHBOURHOOD)
    if state is None:
        raise NoWorld
    return state.value


def _notify(session: Session, wish: Mapping[str, Any]) -> None:
    session.execute(select(func.pg_notify(CHANNEL, json.dumps(wish))))
