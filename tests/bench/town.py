"""The simulated town: venues of eight zones with an agent each, badges with members, a running event a venue."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Self

import psycopg
from psycopg import sql

from beacon_agent import wire

UUID = bytes.fromhex("6d757374657200004265e1000000face")  # of no real badge
POWER_DBM = -59
FLOOR_DBM = -95  # shops share walls; everything that this town sends is above
OPERATOR = "operator"
_BEGINNING = "[2000-01-01,)"


@dataclasses.dataclass(frozen=True, slots=True)
class Town:
    """How big it is. Everything else of it follows from these numbers, in every process alike."""

    venues: int = 500
    present: int = 100  # badges in a venue at any time
    spare: int = 20  # badges of a venue that are elsewhere: who leaves waits until all of them came back before
    zones: int = 8  # a zone has one agent
    seed: int = 1

    @property
    def badges(self) -> int:
        """All of them, those elsewhere too."""
        return self.venues * (self.present + self.spare)

    @property
    def agents(self) -> int:
        """One in each zone of each venue."""
        return self.venues * self.zones

    def to_json(self) -> dict[str, int]:
        """For the generator's command line."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, int]) -> Self:
        """The same town again."""
        return cls(**fields)

    def venue_of(self, badge: int) -> int:
        """The venue that a badge comes to. badge: from 0."""
        return badge // (self.present + self.spare)


def venue_id(venue: int) -> str:
    """The id of a venue. venue: from 0."""
    return f"venue-{venue:04}"


def zone_id(venue: int, zone: int) -> str:
    """The id of a zone, which is that of its agent as well."""
    return f"{venue_id(venue)}-z{zone}"


def badge_id(badge: int) -> int:
    """A badge's key in the database."""
    return badge + 1


def member_id(badge: int) -> str:
    """Who wears it."""
    return f"member-{badge:06}"


def identity(badge: int) -> bytes:
    """What it shows on the air."""
    return UUID + badge.to_bytes(4, "big")


def key(town: Town, agent: str) -> bytes:
    """What an agent signs with."""
    return hashlib.sha256(f"{town.seed}/{agent}".encode()).digest()


def topic(venue: int, zone: int) -> bytes:
    """Where an agent reports."""
    return wire.report_topic(wire.shard_of(venue_id(venue)), zone_id(venue, zone)).encode()


def build(conninfo: str, town: Town, now: dt.datetime) -> None:
    """Makes the town in an empty database, by COPY: seconds for 100,000 badges. Its events run around `now`."""
    zones = [(venue, zone) for venue in range(town.venues) for zone in range(town.zones)]
    badges = range(town.badges)
    day = dt.timedelta(days=1)
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        _copy(cursor, "member (id, name, operator)", _members(badges))
        _copy(
            cursor,
            "venue (id, name, time_zone, owner_id, contact)",
            ((venue_id(venue), f"Venue {venue}", "UTC", OPERATOR, "the town hall") for venue in range(town.venues)),
        )
        _copy(cursor, "zone (id, venue_id, name)", ((zone_id(v, z), venue_id(v), f"zone {z}") for v, z in zones))
        _copy(cursor, "agent (id, key)", ((zone_id(v, z), key(town, zone_id(v, z))) for v, z in zones))
        _copy(
            cursor,
            "placement (agent_id, venue_id, zone_id, rssi_floor, valid)",
            ((zone_id(v, z), venue_id(v), zone_id(v, z), FLOOR_DBM, _BEGINNING) for v, z in zones),
        )
        _copy(cursor, "badge (id, label)", ((badge_id(badge), f"badge {badge}") for badge in badges))
        _copy(
            cursor,
            "identity (identity, badge_id, valid)",
            ((identity(badge), badge_id(badge), _BEGINNING) for badge in badges),
        )
        _copy(
            cursor,
            "pairing (badge_id, member_id, valid)",
            ((badge_id(badge), member_id(badge), _BEGINNING) for badge in badges),
        )
        venues = range(town.venues)
        _copy(cursor, "event (id, name, organizer_id)", ((f"event-{v}", f"Event {v}", OPERATOR) for v in venues))
        _copy(
            cursor,
            "step (id, event_id, position, name, venue_id, opens_at, starts_at, ends_at, dwell_signed_up_s,"
            " dwell_walk_in_s)",
            (
                (f"step-{v}", f"event-{v}", 0, "step", venue_id(v), now - day, now - day, now + day, 15, 90)
                for v in venues
            ),
        )
        # Every second one has signed up; the others walk in and are expected to stay longer.
        _copy(
            cursor,
            "sign_up (event_id, member_id)",
            ((f"event-{town.venue_of(badge)}", member_id(badge)) for badge in badges if badge % 2 == 0),
        )
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM (FREEZE, ANALYZE)")


def _members(badges: Iterable[int]) -> Iterator[tuple[str, str, bool]]:
    yield OPERATOR, "Operator", True
    for badge in badges:
        yield member_id(badge), f"Member {badge}", False


def _copy(cursor: psycopg.Cursor[Any], target: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.SQL(target))) as copy:
        for row in rows:
            copy.write_row(row)
