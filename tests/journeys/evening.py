"""An evening of forty for the journey of the door: who comes how, and a Pi that hears their badges."""

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import settings as config
from server import database
from server.badges import service as badges
from server.events import service as events
from server.events import signups
from server.fleet import service as fleet
from server.operations.demo import pis
from server.people import service as people
from server.venues import service as venues
from tests.journeys.parts import Parts

IBEACON = bytes.fromhex("4c000215")
UUID = bytes.fromhex("daf246cef20111e4b116123b93f75cba")
POWER = (-59).to_bytes(1, "big", signed=True)
BEAT_S = 0.4
DWELL_S, WALK_IN_S = 2.0, 4.0
SIGNED_UP, WITH_BADGE, WALK_INS_WITH_BADGE = 28, 14, 3


@dataclass(frozen=True, slots=True)
class Evening:
    """What is there before anybody comes. badges: whose each identity is."""

    key: bytes
    badges: dict[str, bytes]
    links: dict[str, str]


def prepare(conninfo: str) -> Evening:
    """A shop with a Pi and an event of Cleo's for today; of the forty, 28 signed up and 17 carry a badge."""
    now = dt.datetime.now(dt.UTC)
    engine = database.connect(conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            people.create(session, id="cleo", name="Cléo Martin")
            people.create(session, id="ben", name="Ben Okafor")
            venues.create(
                session,
                id="shop",
                name="Left Bank Books",
                time_zone="Europe/Paris",
                owner_id="ben",
                contact="ben@example.org",
                location=(2.34, 48.85),
            )
            key = fleet.enrol(session, agent_id="shop-door")
            fleet.place(session, agent_id="shop-door", venue_id="shop", zone_id="shop-everywhere", since=now)
            step = events.NewStep(
                "Readings",
                "shop",
                opens_at=now - dt.timedelta(minutes=5),
                starts_at=now + dt.timedelta(minutes=10),
                ends_at=now + dt.timedelta(hours=2),
                dwell_signed_up_s=DWELL_S,
                dwell_walk_in_s=WALK_IN_S,
            )
            events.create(session, id="night", name="Night of short stories", organizer_id="cleo", steps=[step])
            carried: dict[str, bytes] = {}
            links = {"cleo": people.make_link(session, member_id="cleo", now=now)}
            for number in range(SIGNED_UP + WALK_INS_WITH_BADGE):
                member = people.create(session, id=f"m{number}", name=f"Member {number:02d} Ångström")
                links[member.id] = people.make_link(session, member_id=member.id, now=now)
                if number < SIGNED_UP:
                    signups.sign_up(session, event_id="night", member_id=member.id, now=now)
                if number < WITH_BADGE or number >= SIGNED_UP:
                    identity = UUID + number.to_bytes(4, "big")
                    badge_id = badges.register(session, identity=identity, since=now, label=f"M-{number:04d}")
                    badges.pair(session, badge_id=badge_id, member_id=member.id, since=now)
                    carried[member.id] = identity
    finally:
        engine.dispose()
    return Evening(key, carried, links)


class Room:
    """Whose badges are on the air; from any thread."""

    def __init__(self, carried: dict[str, bytes]) -> None:
        """carried: badge identities by member."""
        self._carried = carried
        self._there: set[str] = set()

    def enter(self, *member_ids: str) -> None:
        """They walk in."""
        self._there |= set(member_ids)

    def leave(self, *member_ids: str) -> None:
        """They walk out."""
        self._there -= set(member_ids)

    def adverts(self) -> list[bytes]:
        """One advert of each badge that is there."""
        return [IBEACON + self._carried[member_id] + POWER for member_id in sorted(self._there)]


@contextmanager
def listening(running: Parts, evening: Evening, folder: Path) -> Iterator[Room]:
    """The shop's Pi: a real agent whose radio hears whoever is in the room."""
    broker = config.load(environment=running.environment).broker
    pi = pis.make("shop-door", evening.key, folder=folder, broker=broker, environment={})
    room, stopping = Room(evening.badges), threading.Event()

    def beat() -> None:
        clock_s = 0.0
        while not stopping.wait(BEAT_S):
            clock_s += BEAT_S
            pi.look_after(clock_s)
            for data in room.adverts():
                pi.hear(data, -60)
            pi.flush()
        pi.stop()

    beating = threading.Thread(target=beat, name="radio")
    beating.start()
    try:
        yield room
    finally:
        stopping.set()
        beating.join()
        pi.wait(pis.STOP_S)
