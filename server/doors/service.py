"""Makes doors, closes them, and knows which door a code or a link belongs to."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from server import constraints, names, times, topics
from server.audit import service as audit
from server.doors import codes, refusals, rules
from server.doors.model import Door
from server.errors import Conflict, Invalid, NotFound
from server.events import service as events
from server.events.model import Event, Step
from server.presence.schema import local_time
from server.venues import service as venues
from server.venues.model import Venue

MOST_DOORS = 100  # open at once for one event or venue: a festival's gates; more is a script gone wild
VENUE_LINK = dt.timedelta(hours=12)  # a link of a venue ends after a shift, unless its maker says otherwise
MOST_LINK = dt.timedelta(days=400)  # a tablet on a counter
KINDS = ("poster", "screen", "volunteer")
_TRIES = 5  # two of a million posters have one code by chance once in a thousand


class NoSuchDoor(NotFound):
    """There is no such door."""

    code = "no_such_door"


class TooManyDoors(Conflict):
    """There are a hundred doors already; close one first."""

    code = "too_many_doors"


class Made(NamedTuple):
    """A new door. token: of its link, shown this once; None for a poster."""

    door: Door
    token: str | None


class Seen(NamedTuple):
    """A door and what is behind it. closes_at: when by itself."""

    door: Door
    event_name: str | None
    venue_name: str
    time_zone: str
    closes_at: dt.datetime | None

    @property
    def what(self) -> str:
        """What somebody is let in to."""
        return self.event_name or self.venue_name


def make(
    session: Session,
    *,
    kind: str,
    name: str,
    now: dt.datetime,
    made_by: str,
    event_id: str | None = None,
    venue_id: str | None = None,
    step_id: str | None = None,
    ends_at: dt.datetime | None = None,
) -> Made:
    """Makes a door to an event (or one step of it), or to a venue.

    Raises EventUnknown, StepUnknown, VenueUnknown, Recording, TooManyDoors, Invalid.
    """
    if (event_id is None) == (venue_id is None):
        raise Invalid("A door leads to one event or to one venue.")
    if event_id is not None:
        events.get(session, event_id)
        if step_id is not None:
            events.get_step(session, event_id=event_id, step_id=step_id)
    elif venue_id is not None:
        venue = venues.get(session, venue_id)
        if venue.replayed:
            raise refusals.Recording(place=venue.name)
        if step_id is not None:
            raise Invalid("A step is part of an event.")
        if kind == "volunteer" and ends_at is None:
            ends_at = now + VENUE_LINK
    if ends_at is not None and not now < ends_at <= now + MOST_LINK:
        raise Invalid("A door closes some time within the next %(days)s days.", days=MOST_LINK.days)
    if len(open_doors(session, event_id=event_id, venue_id=venue_id)) >= MOST_DOORS:
        raise TooManyDoors
    token = None if kind == "poster" else codes.new_token()
    door = Door(
        kind=kind,
        event_id=event_id,
        venue_id=venue_id,
        step_id=step_id,
        name=names.check_name(name, "door"),
        secret=codes.new_secret() if kind == "screen" else None,
        token_hash=None if token is None else codes.hash_token(token),
        made_by=made_by,
        created_at=now,
        ends_at=ends_at,
    )
    _add(session, door)
    audit.note(session, "door.made", of=of(door), now=now, by=made_by, door_id=door.id, kind=kind)
    _tell(session, door)
    return Made(door, token)


def revoke(session: Session, *, door_id: int, now: dt.datetime, by: str) -> Door:
    """Closes a door at once; twice is as once. Raises NoSuchDoor."""
    door = get(session, door_id)
    if door.revoked_at is None:
        door.revoked_at = now
        session.flush()
        audit.note(session, "door.revoked", of=of(door), now=now, by=by, door_id=door.id)
        _tell(session, door)
    return door


def get(session: Session, door_id: int) -> Door:
    """The door of this number; raises NoSuchDoor."""
    door = session.get(Door, door_id)
    if door is None:
        raise NoSuchDoor
    return door


def open_doors(session: Session, *, event_id: str | None = None, venue_id: str | None = None) -> list[Door]:
    """The doors of an event or a venue that nobody has closed, the oldest first."""
    wanted = select(Door).where(Door.revoked_at.is_(None)).order_by(Door.id)
    of = Door.event_id == event_id if event_id is not None else Door.venue_id == venue_id
    return list(session.scalars(wanted.where(of)))


def by_token(session: Session, token: str) -> Door:
    """The door of a link, closed or not; raises DoorUnknown."""
    door = session.scalar(select(Door).where(Door.token_hash == codes.hash_token(token)))
    if door is None:
        raise refusals.DoorUnknown
    return door


def by_code(session: Session, typed: str, now: dt.datetime) -> Seen:
    """The poster that has this code, or the screen that shows it; raises CodeUnknown, CodeChanged."""
    code = codes.read(typed)
    if code is None:
        raise refusals.CodeUnknown
    poster = session.execute(_SEEN.where(Door.code == code)).one_or_none()
    if poster is not None:
        return _seen(*poster)
    at_s = now.timestamp()
    changed = False
    for door_id, secret in session.execute(_SCREENS, {"now": now}):
        age = codes.age(secret, code, at_s)
        if age is not None and age < codes.ACCEPTED:
            return see(session, get(session, door_id))
        changed = changed or age is not None
    raise refusals.CodeChanged if changed else refusals.CodeUnknown


def by_ticket(session: Session, ticket: str, now: dt.datetime) -> Seen:
    """The screen whose code somebody scanned a moment ago; raises CodeUnknown, CodeChanged."""
    number = codes.door_of(ticket)
    door = None if number is None else session.get(Door, number)
    if door is None or door.secret is None:
        raise refusals.CodeUnknown
    if not codes.is_ticket(door.secret, ticket, now.timestamp()):
        raise refusals.CodeChanged
    return see(session, door)


def open_screen(session: Session, token: str, now: dt.datetime) -> Seen:
    """The screen of a link that is open now; raises DoorUnknown, DoorRevoked, DoorOver."""
    door = by_token(session, token)
    if door.kind != "screen":
        raise refusals.DoorUnknown
    seen = see(session, door)
    if (shut := closed(seen, now)) is not None:
        raise shut
    return seen


def see(session: Session, door: Door) -> Seen:
    """A door and what is behind it."""
    return _seen(*session.execute(_SEEN.where(Door.id == door.id)).one())


def _seen(
    door: Door, event_name: str | None, venue_name: str, time_zone: str, event_ends_at: dt.datetime | None
) -> Seen:
    closes_at = rules.closes_at(door.kind, door.ends_at, event_ends_at)
    return Seen(door, event_name, venue_name, time_zone, closes_at)


def closed(seen: Seen, at: dt.datetime) -> refusals.NotLetIn | None:
    """Why a door is closed at a time, None while it is open."""
    if seen.door.revoked_at is not None and at >= seen.door.revoked_at:
        return refusals.DoorRevoked()
    if seen.closes_at is not None and at >= seen.closes_at:
        return refusals.DoorOver(time=local_time(seen.closes_at, seen.time_zone))
    return None


def screen_code(door: Door, now: dt.datetime) -> tuple[str, dt.datetime]:
    """What a screen shows now, and until when."""
    assert door.secret is not None
    turn = codes.turn_of(now.timestamp())
    return codes.of_turn(door.secret, turn), times.from_ms((turn + 1) * codes.TURN_S * 1000)


_SCREENS = text("""
    SELECT door.id, door.secret FROM door
    WHERE door.kind = 'screen' AND door.revoked_at IS NULL AND (door.ends_at IS NULL OR door.ends_at > :now)
    ORDER BY door.id
""")

# An event's place is that of the door's step, or of its first one.
_PLACE = (
    select(Step.venue_id)
    .where(Step.event_id == Door.event_id)
    .order_by((Step.id == Door.step_id).desc().nulls_last(), Step.position)
    .limit(1)
    .scalar_subquery()
)
_ENDS = select(func.max(Step.ends_at)).where(Step.event_id == Door.event_id).scalar_subquery()
_SEEN = (
    select(Door, Event.name, Venue.name, Venue.time_zone, _ENDS)
    .outerjoin(Event, Event.id == Door.event_id)
    .join(Venue, Venue.id == func.coalesce(Door.venue_id, _PLACE))
)


def _add(session: Session, door: Door) -> None:
    if door.kind != "poster":
        session.add(door)
        session.flush()
        return
    taken = Conflict("Every code is taken at the moment; please try again.")
    for left in reversed(range(_TRIES)):
        door.code = codes.new_code()
        try:
            with constraints.explain(session, {"uq_door_code": taken}):
                session.add(door)
        except Conflict:
            if not left:
                raise
        else:
            return


def of(door: Door) -> str:
    """What a door leads to, as notes name it: `event/<id>` or `venue/<id>`."""
    return f"event/{door.event_id}" if door.event_id is not None else f"venue/{door.venue_id}"


def _tell(session: Session, door: Door) -> None:
    if door.event_id is not None:
        topics.bump(session, [f"event/{door.event_id}"])
