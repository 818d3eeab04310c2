"""Who wants to come in by what: reads what was shown and finds out whom it concerns, and where it leads."""

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import names
from server.doors import passes, places, refusals, rights, rules
from server.doors import service as doors
from server.doors.model import Door
from server.doors.rules import By, Evidence, Flag, Told
from server.events import places as addresses
from server.people.model import Member
from server.venues import service as venues


class Fix(NamedTuple):
    """One position of a phone, in degrees, and how far off it may be; taken_at by the phone's clock."""

    lon: float
    lat: float
    accuracy_m: float
    taken_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request at a door. asks: who is signed in on the asking phone; nonce: made anew for each tap.

    heard_at: her phone heard the venue's own beacon then, as server/phones found out; nobody else says so.
    One way in: code or ticket (with a name, of who is not known here), fix, or at a door with a link (door_token) or as
    a host: shown (a personal code), member_id or name. event_id, venue_id: where to, for a fix and for hosts.
    """

    nonce: str
    asks: Member | None = None
    direction: str = "in"
    told_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    code: str | None = None
    ticket: str | None = None
    fix: Fix | None = None
    heard_at: dt.datetime | None = None
    shown: str | None = None
    member_id: str | None = None
    name: str | None = None
    door_token: str | None = None
    event_id: str | None = None
    venue_id: str | None = None
    step_id: str | None = None
    language: str | None = None


class Arrival(NamedTuple):
    """Somebody at a door: to what, by what, when. member_id: None for who is not known yet and gave a name."""

    by: By
    evidence: Evidence
    door: Door | None
    event_id: str | None
    venue_id: str | None
    step_id: str | None
    member_id: str | None
    name: str | None
    told: Told
    flags: tuple[Flag, ...]

    @property
    def door_id(self) -> int | None:
        """The number of the door."""
        return None if self.door is None else self.door.id


_LISTENS = text("""
    SELECT true FROM placement WHERE venue_id = :venue AND valid @> CAST(:now AS timestamptz) LIMIT 1
""")
# Who has to do with an event: signed up, waits or asked, was checked in, asked at a door.
_OF_EVENT = text("""
    SELECT true FROM member WHERE id = :member AND (
        EXISTS (SELECT FROM sign_up WHERE event_id = :event AND member_id = member.id
                AND state IN ('asked', 'going', 'waiting'))
        OR EXISTS (SELECT FROM checkin JOIN step ON step.id = checkin.step_id
                   WHERE step.event_id = :event AND checkin.member_id = member.id)
        OR EXISTS (SELECT FROM ask JOIN step ON step.id = ask.step_id
                   WHERE step.event_id = :event AND ask.member_id = member.id))
""")


def read(session: Session, wanted: Wanted, now: dt.datetime, radius_m: float) -> Arrival:
    """Who asks for what; raises what is in the way of it already (refusals), Invalid, and what rights raise."""
    by_code = wanted.code is not None or wanted.ticket is not None
    by_hand = wanted.shown is not None or wanted.member_id is not None
    if wanted.heard_at is not None:
        return _by_hearing(wanted, wanted.heard_at, now)
    if wanted.door_token is not None:
        return _at_a_link(session, wanted, now)
    if by_hand or (wanted.name is not None and wanted.asks is not None and not by_code and wanted.fix is None):
        return _by_a_host(session, wanted, now)
    if by_code:
        return _by_code(session, wanted, now)
    if wanted.fix is None:
        raise refusals.OneWay
    return _by_position(session, wanted, wanted.fix, now, radius_m)


def _by_code(session: Session, wanted: Wanted, now: dt.datetime) -> Arrival:
    if wanted.code is not None:
        seen = doors.by_code(session, wanted.code, now)
    else:
        seen = doors.by_ticket(session, wanted.ticket or "", now)
    door = seen.door
    told = rules.moment(wanted.told_at, wanted.sent_at, now, rules.OWN_MOST)
    if (closed := doors.closed(seen, now)) is not None:
        raise closed
    for asked, leads_to in ((wanted.event_id, door.event_id), (wanted.venue_id, door.venue_id)):
        if asked is not None and asked != leads_to:
            raise _of_another(session, door, seen)
    fix = wanted.fix
    far = False
    if fix is not None and door.kind == "poster":
        venue = venues.get(session, _venue_of(session, door))
        far = rules.contradicts((fix.lon, fix.lat), fix.accuracy_m, venues.location_of(venue))
    return Arrival(
        By.SELF,
        Evidence(door.kind),
        door,
        door.event_id,
        door.venue_id,
        door.step_id,
        *_herself(wanted),
        told,
        (Flag.ELSEWHERE,) if far else (),
    )


def _by_position(session: Session, wanted: Wanted, fix: Fix, now: dt.datetime, radius_m: float) -> Arrival:
    told = rules.moment(wanted.told_at, wanted.sent_at, now, rules.OWN_MOST)
    step_id = wanted.step_id
    if wanted.event_id is not None:
        behind = places.behind(session, wanted.event_id)
        step, miss = rules.choose([room.window for room in behind.rooms], told.at, step_id)
        if step is None:
            raise refusals.of(miss or rules.No("nothing_here", {}))
        step_id = step.step_id
        venue = venues.get(session, next(room.venue_id for room in behind.rooms if room.step_id == step_id))
    elif wanted.venue_id is not None:
        venue = venues.get(session, wanted.venue_id)
    else:
        raise refusals.OneWay
    place = venues.location_of(venue)
    # How far somebody is from a home would tell where it is.
    if place is None or not addresses.sees_address(session, venue=venue, member=wanted.asks, now=now):
        raise refusals.PlaceUnknown(place=venue.name)
    if session.scalar(_LISTENS, {"venue": venue.id, "now": now}):
        raise refusals.BadgesHeard(place=venue.name)
    sent_at = wanted.sent_at or now
    age_s = 0.0 if fix.taken_at is None else (sent_at - fix.taken_at).total_seconds()
    no = rules.check_position((fix.lon, fix.lat), fix.accuracy_m, age_s, place, radius_m)
    if no is not None:
        raise refusals.of(no, place=venue.name)
    return Arrival(
        By.SELF, Evidence.PHONE, None, wanted.event_id, wanted.venue_id, step_id, *_herself(wanted), told, ()
    )


def _by_hearing(wanted: Wanted, heard_at: dt.datetime, now: dt.datetime) -> Arrival:
    told = Told(heard_at, now - heard_at > rules.LATE_AFTER, False)
    return Arrival(
        By.SELF, Evidence.HEARD, None, wanted.event_id, wanted.venue_id, wanted.step_id, *_herself(wanted), told, ()
    )


def _at_a_link(session: Session, wanted: Wanted, now: dt.datetime) -> Arrival:
    door = doors.by_token(session, wanted.door_token or "")
    if door.kind != "volunteer":
        raise refusals.DoorUnknown
    seen = doors.see(session, door)
    told = rules.moment(wanted.told_at, wanted.sent_at, now, rules.DOOR_MOST)
    flags: list[Flag] = []
    if doors.closed(seen, now) is not None:
        # What it scanned while it was open has happened; what it says it scanned afterwards has not.
        closed = doors.closed(seen, told.at)
        if closed is not None:
            raise closed
        flags.append(Flag.DOOR_CLOSED)
    evidence, member_id, name = _in_hand(session, wanted, told.at, door.event_id)
    return Arrival(
        By.DOOR,
        evidence,
        door,
        door.event_id,
        door.venue_id,
        door.step_id or _own_step(session, wanted, door.event_id),
        member_id,
        name,
        told,
        tuple(flags),
    )


def _by_a_host(session: Session, wanted: Wanted, now: dt.datetime) -> Arrival:
    if (wanted.event_id is None) == (wanted.venue_id is None) or wanted.asks is None:
        raise refusals.OneWay
    rights.check_lets_in(session, member=wanted.asks, event_id=wanted.event_id, venue_id=wanted.venue_id)
    told = rules.moment(wanted.told_at, wanted.sent_at, now, rules.OWN_MOST)
    evidence, member_id, name = _in_hand(session, wanted, told.at, wanted.event_id)
    return Arrival(
        By.HOST,
        evidence,
        None,
        wanted.event_id,
        wanted.venue_id,
        _own_step(session, wanted, wanted.event_id),
        member_id,
        name,
        told,
        (),
    )


def _in_hand(
    session: Session, wanted: Wanted, at: dt.datetime, event_id: str | None
) -> tuple[Evidence, str | None, str | None]:
    """Whom a door's keeper lets in: by her personal code, as somebody of this event, or by a new name."""
    ways = [way for way in (wanted.shown, wanted.member_id, wanted.name) if way is not None]
    if len(ways) != 1:
        raise refusals.OneWay
    if wanted.shown is not None:
        found = passes.read(wanted.shown)
        if found is None or not passes.is_signed(session, found) or session.get(Member, found[0].member_id) is None:
            raise refusals.PassUnknown
        if at >= found[0].expires_at:
            raise refusals.PassOver
        return Evidence.QR, found[0].member_id, None
    if wanted.member_id is not None:
        given = {"member": wanted.member_id, "event": event_id}
        if event_id is None or not names.is_id(wanted.member_id) or not session.scalar(_OF_EVENT, given):
            raise refusals.NotOfThisEvent
        return Evidence.MANUAL, wanted.member_id, None
    return Evidence.MANUAL, None, wanted.name


def _herself(wanted: Wanted) -> tuple[str | None, str | None]:
    if wanted.asks is not None:
        if wanted.name is not None:
            raise refusals.NameNotNeeded
        return wanted.asks.id, None
    if wanted.name is None:
        raise refusals.NameNeeded
    return None, names.check_name(wanted.name, "guest")


def _own_step(session: Session, wanted: Wanted, event_id: str | None) -> str | None:
    if wanted.step_id is None or event_id is None:
        return None
    if wanted.step_id not in {room.step_id for room in places.behind(session, event_id).rooms}:
        raise refusals.NothingHere
    return wanted.step_id


def _venue_of(session: Session, door: Door) -> str:
    if door.venue_id is not None:
        return door.venue_id
    rooms = places.behind(session, door.event_id or "").rooms
    return next((room.venue_id for room in rooms if room.step_id == door.step_id), rooms[0].venue_id)


def _of_another(session: Session, door: Door, seen: doors.Seen) -> refusals.NotLetIn:
    if door.event_id is None:
        return refusals.OtherPlace(place=seen.venue_name)
    opens_at = places.behind(session, door.event_id).rooms[0].opens_at
    return refusals.OtherEvening(event=seen.what, day=refusals.local_day(opens_at, seen.time_zone))
