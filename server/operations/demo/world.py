"""The process `muster world`: steps the simulated people and their radio, and is the parent of the simulated Pis.

It listens to PostgreSQL's channel `muster_demo` for what people want of it, and writes into `demo_state` where "You"
are, which Pis run and which venues have their Internet, whenever that changes.
"""

import contextlib
import dataclasses
import datetime as dt
import functools
import json
import math
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from server import database
from server.badges import service as badges
from server.demo import service as demo
from server.errors import MusterError
from server.events.model import Step
from server.fleet import service as fleet
from server.operations.demo import line, neighbourhood, people, pis, radio, residents, seed
from server.operations.demo.residents import RESIDENTS, Intent

# Five a second: a step is 26 cm of walking, and adverts reach the agents at most 0.2 s late.
STEP_S = 0.2
# The machine slept or was stopped for longer than this: people do not hurry to catch up.
LONGEST_STEP_S = 1.0
# So long a venue stays without the Internet when nobody gives it back: long enough to see all of it.
CUT_S = 120.0
# How often what the server may know is written, when it changed.
KEEP_S = 0.5
# How often it is looked whether the evening is over and the next one can be planned.
EVENING_S = 60.0
# After an evening people go home for a while before the next one is announced.
REST = dt.timedelta(minutes=10)
# How often a lost database is tried again.
RECONNECT_S = 1.0


class World:
    """The simulated neighbourhood with its Pis; times are monotonic seconds unless they are datetimes."""

    def __init__(
        self,
        crowd: people.Crowd,
        fleet_of_pis: dict[str, pis.Pi],
        badge_ids: dict[str, int],
        evening_id: str,
        seed: int,
        lines: Mapping[str, line.Line] | None = None,
    ) -> None:
        """badge_ids: by member. evening_id: the step that people come for. seed: of the air's chance.

        lines: to the broker, by venue.
        """
        self.crowd = crowd
        self.pis = fleet_of_pis
        self._lines = lines or {}
        self._mend_at_s: dict[str, float] = {}
        self.evening_id = evening_id
        self._badge_ids = badge_ids
        self._air = radio.Air(seed)
        self._said: dict[str, dict[str, Any]] = {}

    def step(self, now_s: float, elapsed_s: float) -> None:
        """Moves people on, carries their adverts to the Pis and looks after the Pis' agents."""
        for venue_id in [key for key, at_s in self._mend_at_s.items() if now_s >= at_s]:
            self._connect(venue_id, True, now_s)
        for pi in self.pis.values():
            if news := pi.look_after(now_s):
                print(news, flush=True)
        self.crowd.step(now_s, min(elapsed_s, LONGEST_STEP_S))
        for person in self.crowd.adverts(now_s):
            at = person.badge_at
            assert at is not None
            data = residents.frame_of(person.identity)
            space = neighbourhood.space_at(*at)
            for pi_id, pi in self.pis.items():
                place = neighbourhood.PIS[pi_id]
                rssi = self._air.carry(
                    (person.id, pi_id),
                    power_dbm=residents.POWER_DBM,
                    distance_m=neighbourhood.distance_m(at, place.at),
                    walls_db=walls_db(space, place.zone),
                    now_s=now_s,
                )
                if rssi is not None:
                    pi.hear(data, rssi)
        for pi in self.pis.values():
            pi.flush()

    def obey(self, wish: dict[str, Any], now_s: float) -> None:
        """Does what somebody wants.

        {"you": {"member", "lon", "lat"}}, {"badge": {"member", "left"}}, {"agent": {"id", "running"}},
        {"venue": {"id", "online"}} or {"crowd": {}}. A wish for somebody or something that is not here, or of another
        shape, is passed over.
        """
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            if "you" in wish:
                you = wish["you"]
                self.crowd.hold(you["member"], neighbourhood.to_metres(float(you["lon"]), float(you["lat"])))
            if "badge" in wish:
                self.crowd.leave_badge(wish["badge"]["member"], bool(wish["badge"]["left"]))
            if "crowd" in wish:
                self.crowd.call_crowd(now_s)
            if "venue" in wish:
                self._connect(wish["venue"]["id"], bool(wish["venue"]["online"]), now_s)
            if "agent" in wish:
                pi = self.pis[wish["agent"]["id"]]
                if wish["agent"]["running"]:
                    pi.revive()
                else:
                    pi.kill()

    def _connect(self, venue_id: str, online: bool, now_s: float) -> None:
        line_ = self._lines[venue_id]
        if online:
            line_.mend()
            self._mend_at_s.pop(venue_id, None)
        else:
            line_.cut()
            self._mend_at_s[venue_id] = now_s + CUT_S

    def news(self) -> dict[str, dict[str, Any]]:
        """What changed, since the last call, of what the server may know."""
        states: dict[str, dict[str, Any]] = {}
        for resident in RESIDENTS:
            if resident.id in self._badge_ids and resident.intent is not Intent.CROWD:
                # Nobody asks for those whom nobody can sign in as; who is away waits at the end of the street.
                person = self.crowd.people[resident.id]
                at = person.at if resident.demo_order is not None else None
                lon, lat = neighbourhood.to_lon_lat(*(at or neighbourhood.ENDS_M[0]))
                states[demo.PERSON + resident.id] = {
                    "badge": self._badge_ids[resident.id],
                    "lon": lon,
                    "lat": lat,
                    "left": person.left_at is not None,
                }
        for venue_id, line_ in self._lines.items():
            states[demo.VENUE + venue_id] = {"online": line_.whole}
        states[demo.CROWD] = {"here": self.crowd.crowd_here() > 0}
        for venue in neighbourhood.VENUES:
            for place in venue.pis:
                if place.id in self.pis:
                    running = self.pis[place.id].wanted
                    states[demo.AGENT + place.id] = {"venue": venue.id, "running": running}
        changed = {name: state for name, state in states.items() if self._said.get(name) != state}
        self._said = states
        return changed

    def say_again(self) -> None:
        """Makes the next `news` whole: what was said last did not arrive."""
        self._said = {}

    def stop(self) -> None:
        """Ends all agents."""
        for pi in self.pis.values():
            pi.stop()
        deadline = time.monotonic() + pis.STOP_S
        for pi in self.pis.values():
            pi.wait(deadline - time.monotonic())
        for line_ in self._lines.values():
            line_.close()


@functools.cache
def walls_db(space: str, zone: str) -> float:
    """What the walls between somebody in a space and a Pi in a zone take: the front for each way over the street."""
    return math.fsum(
        radio.OUTER_WALL_DB if neighbourhood.STREET in gate.between else radio.INNER_WALL_DB
        for gate in neighbourhood.gates_between(space, zone)
    )


class Wishes:
    """What people want of the world, as notifications of PostgreSQL; lives on when the database is away for a while."""

    def __init__(self, conninfo: str) -> None:
        """Connects at the first `wait`."""
        self._conninfo = conninfo
        self._connection: psycopg.Connection[Any] | None = None
        self._retry_s = 0.0

    def wait(self, timeout_s: float) -> Iterator[dict[str, Any]]:
        """Waits this long and yields what comes meanwhile."""
        until_s = time.monotonic() + timeout_s
        if self._connection is not None or time.monotonic() >= self._retry_s:
            try:
                for notice in self._connected().notifies(timeout=max(0.0, timeout_s)):
                    with contextlib.suppress(ValueError):  # somebody else's notification
                        yield json.loads(notice.payload)
            except (psycopg.Error, OSError):
                self.close()
                self._retry_s = time.monotonic() + RECONNECT_S
        time.sleep(max(0.0, until_s - time.monotonic()))

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, connect_timeout=2)
            self._connection.execute(f"LISTEN {demo.CHANNEL}")
        return self._connection


def build(engine: Engine, settings: Settings, now: dt.datetime, now_s: float, chance: int) -> World:
    """Makes the world from what was seeded: who carries which badge, each Pi's key, when the evening begins.

    chance: the seed of all that is random. Raises what the services raise when nothing was seeded.
    """
    with database.transaction(engine) as session:
        step = seed.plan_evening(session, settings, now)
        badge_ids = {
            resident.id: held[0].badge_id
            for resident in RESIDENTS
            if resident.badge and (held := badges.held_by(session, member_id=resident.id, at=now))
        }
        keys = {pi_id: fleet.get(session, pi_id).key for pi_id in neighbourhood.PIS}
        demo.forget(session)
    folder = Path(settings.up.folder).resolve()
    lines = {venue.id: line.Line(settings.broker.host, settings.broker.port) for venue in neighbourhood.VENUES}
    fleet_of_pis = {
        pi.id: pis.make(
            pi.id,
            keys[pi.id],
            folder=folder,
            broker=dataclasses.replace(settings.broker, host="127.0.0.1", port=lines[venue.id].port),
        )
        for venue in neighbourhood.VENUES
        for pi in venue.pis
    }
    crowd = people.Crowd(RESIDENTS, _evening(step, now, now_s), chance, now_s)
    return World(crowd, fleet_of_pis, badge_ids, step.id, chance, lines)


def run(settings: Settings) -> int:
    """Runs the world until SIGTERM or SIGINT; returns the exit code, 1 with one line when it cannot begin."""
    told = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal told
        told = True

    # Explicitly, since both may have been inherited as ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    engine = database.connect(settings.database.conninfo, pool=1)
    wishes = Wishes(settings.database.conninfo)
    last_s = time.monotonic()
    try:
        # A new chance at each start: two evenings that are the same would look like a film.
        world = build(engine, settings, dt.datetime.now(dt.UTC), last_s, time.time_ns())
    except (SQLAlchemyError, psycopg.Error, MusterError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        print(f"the neighbourhood cannot begin ({reason}): is the database up and seeded (muster db seed)?", flush=True)
        engine.dispose()
        return 1
    print(f"the neighbourhood is awake: {len(world.crowd.people)} people, {len(world.pis)} Pis", flush=True)
    keep_s = evening_s = last_s
    try:
        while not told:
            now_s = time.monotonic()
            world.step(now_s, now_s - last_s)
            last_s = now_s
            if now_s >= keep_s:
                _keep(engine, world)
                keep_s = now_s + KEEP_S
            if now_s >= evening_s + EVENING_S:
                _plan_next(engine, settings, world, now_s)
                evening_s = now_s
            for wish in wishes.wait(now_s + STEP_S - time.monotonic()):
                world.obey(wish, time.monotonic())
    finally:
        world.stop()
        wishes.close()
        engine.dispose()
    return 0


def _evening(step: Step, now: dt.datetime, now_s: float) -> people.Evening:
    return people.Evening(now_s + (step.starts_at - now).total_seconds(), now_s + (step.ends_at - now).total_seconds())


def _keep(engine: Engine, world: World) -> None:
    news = world.news()
    if news:
        try:
            with database.transaction(engine) as session:
                demo.keep(session, news)
        except SQLAlchemyError:
            world.say_again()


def _plan_next(engine: Engine, settings: Settings, world: World, now_s: float) -> None:
    """Announces the next evening when the last one has been over for a while."""
    now = dt.datetime.now(dt.UTC)
    try:
        with database.transaction(engine) as session:
            step = seed.plan_evening(session, settings, now, REST)
    except SQLAlchemyError as error:
        print(f"the next evening cannot be planned yet: {type(error).__name__}", flush=True)
        return
    if step.id != world.evening_id:
        world.evening_id = step.id
        world.crowd.plan_evening(_evening(step, now, now_s), now_s)
