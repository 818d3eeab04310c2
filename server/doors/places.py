"""What lies behind a door: the steps of an event, who is inside, and what is known of a member there."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.checkins.entry import Standing
from server.doors import refusals
from server.doors.rules import Window
from server.events.states import State


class Room(NamedTuple):
    """A step of an event, where it is, and how many it takes."""

    step_id: str
    name: str
    opens_at: dt.datetime
    starts_at: dt.datetime
    ends_at: dt.datetime
    capacity: int | None
    venue_id: str
    venue_name: str
    time_zone: str
    replayed: bool

    @property
    def window(self) -> Window:
        """As the rules see it."""
        return Window(self.step_id, self.name, self.opens_at, self.ends_at)


class Behind(NamedTuple):
    """An event as its doors see it."""

    event_id: str
    name: str
    state: State
    approval: bool
    organizer_id: str
    organizer_name: str
    rooms: tuple[Room, ...]


class Known(NamedTuple):
    """What is known of a member at an event, and at one step of it.

    last: where she came in or went out last (direction, check-in, step). Of the step, standing: her check-in;
    undone_at: when one of hers was last taken back; answer: what the host said of her last, since then.
    """

    signed_up: bool
    last: tuple[str, int, str, dt.datetime] | None
    standing: Standing | None
    undone_at: dt.datetime | None
    answer: str | None


_BEHIND = text("""
    SELECT event.name AS event_name, event.state, event.approval OR event.list_only AS approval, event.organizer_id,
           organizer.name AS organizer_name,
           step.id, step.name, step.opens_at, step.starts_at, step.ends_at, step.capacity, step.venue_id,
           venue.name AS venue_name, venue.time_zone, venue.replayed
    FROM event JOIN member AS organizer ON organizer.id = event.organizer_id
    JOIN step ON step.event_id = event.id JOIN venue ON venue.id = step.venue_id
    WHERE event.id = :event ORDER BY step.position
""")

# Whoever was checked in by a badge came in at that moment, too; entering one room leaves the other.
_MOVES = """
    WITH move AS (
        SELECT coalesce(checkin.member_id, 'erased ' || coalesce(checkin.stranger, checkin.id)) AS who,
               checkin.id AS checkin_id, checkin.step_id, checkin.at, 0 AS number, 'in' AS direction
        FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = :event AND checkin.undone_at IS NULL
          AND (CAST(:member AS text) IS NULL OR checkin.member_id = :member)
        UNION ALL
        SELECT coalesce(checkin.member_id, 'erased ' || coalesce(checkin.stranger, checkin.id)), checkin.id,
               checkin.step_id, passage.at, passage.id, passage.direction
        FROM passage JOIN checkin ON checkin.id = passage.checkin_id JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = :event AND checkin.undone_at IS NULL
          AND (CAST(:member AS text) IS NULL OR checkin.member_id = :member))
"""
_COUNT = """
    SELECT latest.step_id, count(*) FROM (
        SELECT DISTINCT ON (who) step_id, direction FROM move ORDER BY who, at DESC, number DESC) AS latest
    WHERE latest.direction = 'in' GROUP BY latest.step_id
"""
_HERS = """
    SELECT CASE WHEN CAST(:step AS text) IS NULL
                THEN EXISTS (SELECT FROM going WHERE event_id = :event AND member_id = :member)
                ELSE EXISTS (SELECT FROM going_to WHERE step_id = :step AND member_id = :member) END AS signed_up,
           last.direction, last.checkin_id, last.step_id, last.at,
           standing.id AS standing_id, standing.at AS standing_at, standing.evidence,
           (SELECT max(undone_at) FROM checkin WHERE member_id = :member AND step_id = :step) AS undone_at,
           (SELECT answer FROM ask WHERE step_id = :step AND member_id = :member AND answer IS NOT NULL
            AND answered_at > coalesce((SELECT max(undone_at) FROM checkin
                                        WHERE member_id = :member AND step_id = :step), '-infinity')
            ORDER BY answered_at DESC, id DESC LIMIT 1) AS answer
    FROM (SELECT 1) AS one LEFT JOIN (SELECT * FROM move ORDER BY at DESC, number DESC LIMIT 1) AS last ON true
    LEFT JOIN checkin AS standing
        ON standing.member_id = :member AND standing.step_id = :step AND standing.undone_at IS NULL
"""
_INSIDE, _KNOWN = text(_MOVES + _COUNT), text(_MOVES + _HERS)
_LOCK = text("SELECT id FROM step WHERE id = :step FOR NO KEY UPDATE")


def behind(session: Session, event_id: str) -> Behind:
    """An event as its doors see it; raises NothingHere when it has no steps."""
    rows = session.execute(_BEHIND, {"event": event_id}).all()
    if not rows:
        raise refusals.NothingHere
    first = rows[0]
    return Behind(
        event_id,
        first.event_name,
        State(first.state),
        first.approval,
        first.organizer_id,
        first.organizer_name,
        tuple(
            Room(
                row.id,
                row.name,
                row.opens_at,
                row.starts_at,
                row.ends_at,
                row.capacity,
                row.venue_id,
                row.venue_name,
                row.time_zone,
                row.replayed,
            )
            for row in rows
        ),
    )


def known(session: Session, *, event_id: str, member_id: str | None, step_id: str | None = None) -> Known:
    """What is known of a member at an event, all at one moment; of nobody, nothing."""
    if member_id is None:
        return Known(False, None, None, None, None)
    row = session.execute(_KNOWN, {"event": event_id, "member": member_id, "step": step_id}).one()
    last = None if row.direction is None else (row.direction, row.checkin_id, row.step_id, row.at)
    standing = None if row.standing_id is None else Standing(row.standing_id, row.standing_at, row.evidence)
    return Known(row.signed_up, last, standing, row.undone_at, row.answer)


def inside(session: Session, event_id: str) -> dict[str, int]:
    """How many are in each step's room: of everybody the last that they did counts."""
    return dict(session.execute(_INSIDE, {"event": event_id, "member": None}).all())


def take_turns(session: Session, step_id: str) -> None:
    """Lets one door at a time decide about the last place of a step, until the transaction ends."""
    session.execute(_LOCK, {"step": step_id})
