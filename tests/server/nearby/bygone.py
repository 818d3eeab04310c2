"""What people came to, written as rows: many at once, at any time."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.areas import Position
from tests.server.places import HOUR, NOW

LONG_AGO = NOW - dt.timedelta(days=400)


class Evening(NamedTuple):
    """A gathering of a step of two hours; community, organizer as in its event."""

    id: str
    venue: str
    starts_at: dt.datetime
    community: str | None = None
    organizer: str = "cleo"


def make_people(session: Session, ids: Iterable[str]) -> None:
    """Members."""
    session.execute(
        text("INSERT INTO member (id, name) SELECT id, id FROM unnest(CAST(:ids AS text[])) AS id"), {"ids": list(ids)}
    )


def make_places(session: Session, places: dict[str, Position]) -> None:
    """Venues that were there all the time."""
    rows = [{"id": one, "lon": lon, "lat": lat, "at": LONG_AGO} for one, (lon, lat) in places.items()]
    session.execute(
        text(
            "INSERT INTO venue (id, name, time_zone, location, created_at)"
            " VALUES (:id, :id, 'UTC', ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography, :at)"
        ),
        rows,
    )


def make_circles(session: Session, members: Mapping[str, Sequence[str]]) -> None:
    """Circles with their members, since always."""
    session.execute(text("INSERT INTO community (id, name) VALUES (:id, :id)"), [{"id": circle} for circle in members])
    rows = [{"id": circle, "member": one, "at": LONG_AGO} for circle, those in members.items() for one in those]
    if rows:
        session.execute(
            text("INSERT INTO community_member (community_id, member_id, joined_at) VALUES (:id, :member, :at)"), rows
        )


def make_evenings(session: Session, evenings: Sequence[Evening], created_at: dt.datetime = LONG_AGO) -> None:
    """Gatherings open to all, announced then."""
    rows = [
        {
            **one._asdict(),
            "created_at": created_at,
            "opens_at": one.starts_at - HOUR,
            "ends_at": one.starts_at + 2 * HOUR,
        }
        for one in evenings
    ]
    session.execute(
        text(
            "INSERT INTO event (id, name, community_id, organizer_id, open_to_all, created_at)"
            " VALUES (:id, :id, :community, :organizer, true, :created_at)"
        ),
        rows,
    )
    session.execute(
        text(
            "INSERT INTO step (id, event_id, position, name, venue_id, opens_at, starts_at, ends_at,"
            " dwell_signed_up_s, dwell_walk_in_s)"
            " VALUES (:id || '-1', :id, 1, 'Evening', :venue, :opens_at, :starts_at, :ends_at, 0, 0)"
        ),
        rows,
    )


def come_to(session: Session, comings: Iterable[tuple[str, Evening]], decided_at: dt.datetime | None = None) -> None:
    """Members come to evenings; with decided_at they signed up then."""
    rows = [
        {"member": member, "event": one.id, "at": one.starts_at + HOUR / 6, "signed": decided_at is not None}
        for member, one in comings
    ]
    if decided_at is not None:
        session.execute(
            text("INSERT INTO sign_up (event_id, member_id, at) VALUES (:event, :member, :decided)"),
            [{**row, "decided": decided_at} for row in rows],
        )
    session.execute(
        text(
            "INSERT INTO checkin (step_id, member_id, at, recorded_at, evidence, signed_up)"
            " VALUES (:event || '-1', :member, :at, :at, 'beacon', :signed)"
        ),
        rows,
    )


def visit(session: Session, visits: Iterable[tuple[str, str, dt.datetime]]) -> None:
    """Members are at venues on days, which they have remembered."""
    session.execute(
        text(
            "INSERT INTO checkin (venue_id, day, member_id, at, recorded_at, evidence, signed_up)"
            " VALUES (:venue, CAST(:at AS timestamptz)::date, :member, :at, :at, 'beacon', false)"
        ),
        [{"member": member, "venue": venue, "at": at} for member, venue, at in visits],
    )
