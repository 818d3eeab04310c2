"""A street for the journey of the stamp rally: six shops with a Pi each, and badges that are carried past them."""

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import settings as config
from server import database
from server.badges import service as badges
from server.fleet import service as fleet
from server.operations.demo import pis, radio
from server.people import service as people
from server.venues import service as venues
from tests.journeys.parts import Parts

IBEACON = bytes.fromhex("4c000215")
UUID = bytes.fromhex("daf246cef20111e4b116123b93f75cba")
POWER_DBM = -59
POWER = POWER_DBM.to_bytes(1, "big", signed=True)
BEAT_S = 0.4
SEED = 8

# What each keeps, and where along the street: the café is the bookshop's neighbour, wall to wall.
SHOPS = {
    "books": ("Left Bank Books", "cleo", 0.0),
    "cafe": ("Kettle & Crumb", "karl", 8.0),
    "bakery": ("Morning Bakery", "bea", 120.0),
    "press": ("Hand Press", "pia", 260.0),
    "flowers": ("Wild Flowers", "finn", 400.0),
    "records": ("Spin Records", "rosa", 560.0),
}
KEEPERS = {
    "cleo": "Cléo Martin",
    "karl": "Karl Weiss",
    "bea": "Bea Novak",
    "pia": "Pia Lund",
    "finn": "Finn Daly",
    "rosa": "Rosa Diaz",
}
WALKERS = {"mia": "Mia 🌻", "ben": "Ben Okafor", **{f"w{number}": f"Walker {number}" for number in range(8)}}
FROM_PI_M = 2.0  # a counter, with the Pi behind it
FLOOR_DBM = -77  # what comes through a wall is fainter
LATITUDE, LONGITUDE, METRE = 48.85, 2.34, 1 / 73_000  # of longitude there, in degrees


@dataclass(frozen=True, slots=True)
class Street:
    """What is there before anybody comes. keys: of the Pis; badges: whose each identity is; tokens: of browsers."""

    keys: dict[str, bytes]
    badges: dict[str, bytes]
    tokens: dict[str, str]


def prepare(conninfo: str) -> Street:
    """Six shops of six keepers, a Pi in each, and ten people with badges."""
    now = dt.datetime.now(dt.UTC)
    keys, carried, tokens = {}, {}, {}
    engine = database.connect(conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            for member_id, name in {**KEEPERS, **WALKERS}.items():
                people.create(session, id=member_id, name=name)
                tokens[member_id] = people.sign_in(session, member_id=member_id, now=now)
            for venue_id, (name, keeper, metres) in SHOPS.items():
                venues.create(
                    session,
                    id=venue_id,
                    name=name,
                    time_zone="Europe/Paris",
                    owner_id=keeper,
                    contact=f"{keeper}@example.org",
                    location=(LONGITUDE + metres * METRE, LATITUDE),
                )
                keys[venue_id] = fleet.enrol(session, agent_id=f"{venue_id}-pi")
                fleet.place(
                    session,
                    agent_id=f"{venue_id}-pi",
                    venue_id=venue_id,
                    zone_id=f"{venue_id}-everywhere",
                    since=now,
                    rssi_floor=FLOOR_DBM,
                )
            for number, member_id in enumerate(WALKERS):
                carried[member_id] = UUID + number.to_bytes(4, "big")
                badge_id = badges.register(session, identity=carried[member_id], since=now, label=f"R-{number:04d}")
                badges.pair(session, badge_id=badge_id, member_id=member_id, since=now)
    finally:
        engine.dispose()
    return Street(keys, carried, tokens)


class Walk:
    """Who is at which shop; from any thread."""

    def __init__(self, carried: Mapping[str, bytes]) -> None:
        """carried: badge identities by member."""
        self._adverts = {member_id: IBEACON + identity + POWER for member_id, identity in carried.items()}
        self._at: dict[str, str] = {}
        self._passing: dict[str, str] = {}
        self._lock = threading.Lock()
        self._air = radio.Air(SEED)

    def go(self, where: Mapping[str, str]) -> None:
        """They are at these shops now, everybody else at home."""
        with self._lock:
            self._at = dict(where)

    def pass_by(self, member_id: str, venue_id: str) -> None:
        """She comes past a shop, for one beat."""
        with self._lock:
            self._passing[member_id] = venue_id

    def beat(self, listeners: Mapping[str, pis.Pi], clock_s: float) -> None:
        """Each badge that is out sends once; every Pi hears it as far as walls and distance let it."""
        with self._lock:
            there = {**self._at, **self._passing}
            self._passing.clear()
        for member_id, venue_id in there.items():
            for heard_at, pi in listeners.items():
                apart_m = abs(SHOPS[venue_id][2] - SHOPS[heard_at][2])
                rssi = self._air.carry(
                    (member_id, heard_at),
                    power_dbm=POWER_DBM,
                    distance_m=apart_m or FROM_PI_M,
                    walls_db=radio.OUTER_WALL_DB if apart_m else 0.0,
                    now_s=clock_s,
                )
                if rssi is not None:
                    pi.hear(self._adverts[member_id], rssi)


@contextmanager
def listening(running: Parts, street: Street, folder: Path) -> Iterator[Walk]:
    """The shops' Pis: real agents, whose radios hear what a model of the air lets through."""
    broker = config.load(environment=running.environment).broker
    listeners = {
        venue_id: pis.make(f"{venue_id}-pi", key, folder=folder, broker=broker, environment={})
        for venue_id, key in street.keys.items()
    }
    walk, stopping = Walk(street.badges), threading.Event()

    def beat() -> None:
        clock_s = 0.0
        while not stopping.wait(BEAT_S):
            clock_s += BEAT_S
            for pi in listeners.values():
                pi.look_after(clock_s)
            walk.beat(listeners, clock_s)
            for pi in listeners.values():
                pi.flush()
        for pi in listeners.values():
            pi.stop()

    beating = threading.Thread(target=beat, name="radio")
    beating.start()
    try:
        yield walk
    finally:
        stopping.set()
        beating.join()
        for pi in listeners.values():
            pi.wait(pis.STOP_S)
