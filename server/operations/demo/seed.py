"""Puts the demonstration neighbourhood into the database and its agents' logins into the broker."""

import dataclasses
import datetime as dt
import os
import zoneinfo
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from config.settings import Settings
from server import database
from server.badges import service as badges
from server.communities import service as communities
from server.demo import service as demo
from server.events import service as events
from server.events import signups
from server.events.model import Step
from server.fleet import admission, logins
from server.fleet import service as fleet
from server.operations.demo import neighbourhood, residents, tales, telling
from server.operations.demo.residents import GUEST, RESIDENTS, YOU, Intent, Resident
from server.people import service as people
from server.venues import service as venues

COMMUNITY = tales.READERS
COMMUNITY_NAME = next(one.name for one in tales.COMMUNITIES if one.id == COMMUNITY)
LASTS = dt.timedelta(hours=2)  # from the beginning of the stories to the end of all
# So long everybody has had a badge, and the Pis have hung where they hang: longer ago than anything that is remembered.
LIVED = dt.timedelta(days=150)
OPENED_BEFORE = dt.timedelta(minutes=1)
# Shorter than the default of 15 s, since nobody passes through a small room by chance who signed up for what is on in
# it: whoever drags "You" there sees the check-in after some 13 seconds.
SMALL_ROOM_DWELL_S = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Gathering:
    """One event of an evening. "You" host them all, and so may watch all venues."""

    kind: str  # how its ids begin
    name: str
    step: str
    venue_id: str
    begins_after: dt.timedelta
    capacity: int  # chairs, or who can stand around the press
    dwell_signed_up_s: float | None
    signed_up: frozenset[str]


def _who(*others: Resident, intent: Intent) -> frozenset[str]:
    return frozenset(
        resident.id for resident in RESIDENTS if resident.intent is intent or resident in (*others, YOU, GUEST)
    )


# Long enough before the stories to look around, short enough that people are already coming.
STORIES = Gathering(
    "short-stories",
    "Night of short stories",
    "Readings",
    neighbourhood.BOOKS.id,
    dt.timedelta(minutes=20),
    45,
    None,
    frozenset(resident.id for resident in RESIDENTS if resident.signed_up),
)
TABLE = Gathering(
    "language-table",
    "Language table",
    "At the café",
    neighbourhood.CAFE.id,
    dt.timedelta(minutes=5),
    14,
    SMALL_ROOM_DWELL_S,
    _who(residents.CAFE_OWNER, intent=Intent.TABLE),
)
PRESS = Gathering(
    "cover-press",
    "Print your own cover",
    "At the press",
    neighbourhood.WORKSHOP.id,
    dt.timedelta(minutes=5),
    8,
    SMALL_ROOM_DWELL_S,
    _who(residents.PRINTER, intent=Intent.PRESS),
)
EVENING = (STORIES, TABLE, PRESS)
# What a Pi hears fainter than this comes from another room or the street: within ten seconds every place of a zone is
# heard louder by its own Pi, little is that comes through a wall, and nothing that comes through the shop front.
RSSI_FLOOR_DBM = -77
OWNERS = {
    neighbourhood.BOOKS.id: residents.BOOKSELLER.id,
    neighbourhood.CAFE.id: residents.CAFE_OWNER.id,
    neighbourhood.WORKSHOP.id: residents.PRINTER.id,
}


CONTACTS = {
    neighbourhood.BOOKS.id: "hello@books.example, 12 Quay Street",
    neighbourhood.CAFE.id: "hello@cafe.example, 14 Quay Street",
    neighbourhood.WORKSHOP.id: "hello@press.example, 3 Mill Lane",
}
OFFERS = {neighbourhood.CAFE.id: "10th visit on the house"}


def seed(engine: Engine, settings: Settings, now: dt.datetime) -> list[str]:
    """Makes the neighbourhood unless it is there, and an evening that is about to begin unless one is on.

    Returns the names that a visitor can sign in as, with a word at her own. Raises what the services raise and
    LoginsError.
    """
    with database.transaction(engine) as session:
        newcomers = _make_people(session)
        if not any(venue.id == neighbourhood.BOOKS.id for venue in venues.list_all(session)):
            _make_venues(session, now)
        _make_badges(session, newcomers, now)
        demo.keep(
            session,
            {
                demo.NEIGHBOURHOOD: {
                    "bounds": neighbourhood.bounds(),
                    "streets": neighbourhood.draw_streets(),
                }
            },
        )
        plan_evening(session, settings, now)
        telling.tell(session, settings, now, local_time_zone())
        names = [
            f"{member.name} (that is you)" if member.id == residents.YOU.id else member.name
            for member in people.demo_members(session)
        ]
        wanted = admission.logins_of(session, neighbourhood.PIS.keys())
    broker = settings.broker
    with logins.administer(broker.host, broker.port, broker.admin_user, broker.admin_password) as administration:
        administration.add_agents(wanted)
    return names


def plan_evening(session: Session, settings: Settings, now: dt.datetime, rest: dt.timedelta = dt.timedelta(0)) -> Step:
    """The step of the night of short stories that is on or about to begin; made, with sign-ups, if the last is over.

    An evening that has ended stays as it was: the next one is a new event with an id of its own.
    rest: so long after its end the last evening is still the answer.
    """
    there = _find_evening(session, now - rest)
    if there is not None:
        return there
    for gathering in EVENING:
        _announce(session, settings, gathering, now)
    made = _find_evening(session, now)
    assert made is not None
    return made


def local_time_zone() -> str:
    """The machine's own time zone as IANA name, so that the neighbourhood's evening is the visitor's; else UTC."""
    link = Path("/etc/localtime")
    named = os.environ.get("TZ", "").removeprefix(":")
    if not named and link.is_symlink():
        named = str(link.resolve()).rpartition("zoneinfo/")[2]
    return named if named in zoneinfo.available_timezones() else "UTC"


def _find_evening(session: Session, after: dt.datetime) -> Step | None:
    for event in events.list_all(session):
        if event.simulated and event.id.startswith(STORIES.kind):
            step = events.steps_of(session, event_id=event.id)[0]
            if step.ends_at > after:
                return step
    return None


def _announce(session: Session, settings: Settings, gathering: Gathering, now: dt.datetime) -> None:
    event_id = f"{gathering.kind}-{now:%Y%m%d-%H%M}"
    step = events.NewStep(
        gathering.step,
        gathering.venue_id,
        starts_at=now + gathering.begins_after,
        ends_at=now + STORIES.begins_after + LASTS,
        opens_at=now - OPENED_BEFORE,
        dwell_signed_up_s=gathering.dwell_signed_up_s,
        capacity=gathering.capacity,
    )
    events.create(
        session,
        id=event_id,
        name=gathering.name,
        organizer_id=YOU.id,
        community_id=COMMUNITY,
        simulated=True,
        rule=settings.checkin,
        steps=[step],
    )
    for member_id in sorted(gathering.signed_up):
        signups.sign_up(session, event_id=event_id, member_id=member_id, now=now)


def _make_people(session: Session) -> list[Resident]:
    """Makes those who are not there yet, and returns them."""
    known = {member.id for member in people.list_all(session)}
    if not any(community.id == COMMUNITY for community in communities.list_all(session)):
        communities.create(session, id=COMMUNITY, name=COMMUNITY_NAME)
    newcomers = [resident for resident in RESIDENTS if resident.id not in known]
    for resident in newcomers:
        people.create(
            session,
            id=resident.id,
            name=resident.name,
            about=resident.about,
            operator=resident.operator,
            simulated=True,
            demo_order=resident.demo_order,
        )
        if resident.badge and resident.intent is not Intent.CROWD:
            communities.join(session, community_id=COMMUNITY, member_id=resident.id)
    return newcomers


def _make_venues(session: Session, now: dt.datetime) -> None:
    for venue in neighbourhood.VENUES:
        outline = venue.outline
        venues.create(
            session,
            id=venue.id,
            name=venue.name,
            time_zone=local_time_zone(),
            owner_id=OWNERS[venue.id],
            contact=CONTACTS[venue.id],
            offer=OFFERS.get(venue.id, ""),
            location=neighbourhood.to_lon_lat((outline.west + outline.east) / 2, (outline.south + outline.north) / 2),
            zones=[venues.NewZone(zone.id, zone.name, 0, neighbourhood.polygon(zone)) for zone in venue.zones],
            simulated=True,
        )
        for pi in venue.pis:
            fleet.enrol(session, agent_id=pi.id)
            fleet.place(
                session,
                agent_id=pi.id,
                venue_id=venue.id,
                zone_id=pi.zone,
                since=now - LIVED,
                location=neighbourhood.to_lon_lat(*pi.at),
                rssi_floor=RSSI_FLOOR_DBM,
            )


def _make_badges(session: Session, newcomers: Iterable[Resident], now: dt.datetime) -> None:
    for resident in newcomers:
        if resident.badge:
            identity = residents.identity_of(resident)
            label = f"M-{int.from_bytes(identity[-2:]):03d}"  # as on a sticker: its minor
            badge_id = badges.register(session, identity=identity, label=label, since=now - LIVED)
            badges.pair(session, badge_id=badge_id, member_id=resident.id, since=now - LIVED)
