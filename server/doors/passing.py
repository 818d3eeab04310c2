"""Passing a door: the nonce first, then the rules, then the check-in and the passage, in one transaction."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import constraints, topics
from server.audit import service as audit
from server.checkins import days, entry
from server.checkins.entry import At
from server.doors import arrivals, asks, codes, places, refusals, rules
from server.doors import service as doors
from server.doors.arrivals import Arrival, Wanted
from server.doors.model import Door
from server.doors.rules import By, Flag
from server.errors import MusterError
from server.events import states
from server.people import service as people
from server.presence.schema import local_time
from server.venues import service as venues

NONCE_SIGNS = (16, 64)  # of a nonce: fewer can be guessed, and a guest's retry is signed in by it
RETRIED = dt.timedelta(minutes=10)  # a guest whose answer was lost comes back within that


class Outcome(NamedTuple):
    """What came of it. result: `in`, `already`, `out` or `asked`; at: when she came in (for `already`: the first time).

    sign_in: the asking phone is to be signed in as this member, who was made for it.
    """

    result: str
    member_id: str
    checkin_id: int | None
    ask_id: int | None
    at: dt.datetime
    time_zone: str
    evidence: str
    flags: tuple[str, ...] = ()
    sign_in: bool = False


class Inside(NamedTuple):
    """Somebody is in since `at`, by this check-in."""

    checkin_id: int
    at: dt.datetime


_AGAIN = text("""
    SELECT passage.member_id, passage.checkin_id, NULL::bigint AS ask_id, passage.at, passage.evidence, passage.flags,
           passage.direction, passage.door_id, passage.by, passage.made_guest, passage.recorded_at,
           venue.time_zone
    FROM passage JOIN checkin ON checkin.id = passage.checkin_id LEFT JOIN step ON step.id = checkin.step_id
    JOIN venue ON venue.id = coalesce(step.venue_id, checkin.venue_id)
    WHERE passage.nonce = :nonce
    UNION ALL
    SELECT ask.member_id, NULL, ask.id, ask.asked_at, ask.evidence, '{}', 'asked', ask.door_id, NULL, ask.made_guest,
           ask.asked_at, venue.time_zone
    FROM ask JOIN step ON step.id = ask.step_id JOIN venue ON venue.id = step.venue_id
    WHERE ask.nonce = :nonce
""")

_PASS = text("""
    INSERT INTO passage (checkin_id, member_id, direction, at, told_at, recorded_at, evidence, door_id, "by", nonce,
                         made_guest, flags)
    VALUES (:checkin, :member, :direction, :at, :told_at, :now, :evidence, :door, :by, :nonce, :made_guest, :flags)
    ON CONFLICT (nonce) DO NOTHING
""")
# A member's last movement on a venue's day.
_LAST_OF_DAY = text("""
    SELECT direction FROM passage WHERE checkin_id = :checkin ORDER BY at DESC, id DESC LIMIT 1
""")


def pass_door(session: Session, wanted: Wanted, *, now: dt.datetime, radius_m: float) -> Outcome:
    """Lets somebody in or out, or asks the host.

    A nonce that succeeded once is answered as then, before any rule is asked. Raises refusals, which are kept;
    Invalid, and what rights raise, of which nothing is.
    """
    nonce = read_nonce(wanted.nonce)
    if wanted.name is not None:
        # Members are told apart by their check-in.
        be_alone(session, nonce)
    again = _again(session, wanted, nonce, now)
    if again is not None:
        return again
    try:
        arrival = arrivals.read(session, wanted, now, radius_m)
    except MusterError as refused:
        _note_refusal(session, wanted, None, refused, now)
        raise
    try:
        if arrival.event_id is not None:
            return _to_event(session, wanted, arrival, nonce, now)
        return _to_venue(session, wanted, arrival, nonce, now)
    except MusterError as refused:
        _note_refusal(session, wanted, arrival, refused, now)
        raise


def read_nonce(text: str) -> bytes:
    """What is kept of a nonce; raises Invalid."""
    if not NONCE_SIGNS[0] <= len(text) <= NONCE_SIGNS[1] or not text.isascii():
        raise refusals.NonceWrong(low=NONCE_SIGNS[0], high=NONCE_SIGNS[1])
    return hashlib.sha256(text.encode()).digest()


def inside(session: Session, door: Door, member_id: str, now: dt.datetime) -> Inside | None:
    """Since when a member is in where a door leads to now; None while she is elsewhere or out."""
    if door.event_id is not None:
        rooms = places.behind(session, door.event_id).rooms
        window, _ = rules.choose([room.window for room in rooms], now, door.step_id)
        last = places.known(session, event_id=door.event_id, member_id=member_id).last
        if window is None or last is None or last[0] == "out" or last[2] != window.step_id:
            return None
        return Inside(last[1], last[3])
    venue = venues.get(session, door.venue_id or "")
    at = At(None, venue.id, days.day_of(now, venue.time_zone))
    found = entry.standing(session, member_id=member_id, at=at)
    if found is None or session.scalar(_LAST_OF_DAY, {"checkin": found.id}) == "out":
        return None
    return Inside(found.id, found.at)


def be_alone(session: Session, nonce: bytes) -> None:
    """Lets a retry at the same instant wait for the first, so that it makes no second guest."""
    constraints.take_turn(session, f"door {nonce.hex()}")


def _again(session: Session, wanted: Wanted, nonce: bytes, now: dt.datetime) -> Outcome | None:
    row = session.execute(_AGAIN, {"nonce": nonce}).first()
    if row is None:
        return None
    herself = wanted.asks is not None and wanted.asks.id in (row.member_id, row.by)
    fresh_guest = row.made_guest and wanted.door_token is None and now - row.recorded_at <= RETRIED
    at_link = (
        wanted.door_token is not None
        and row.door_id is not None
        and doors.get(session, row.door_id).token_hash == codes.hash_token(wanted.door_token)
    )
    if row.member_id is None or not (herself or at_link or (fresh_guest and wanted.asks is None)):
        raise refusals.NonceTaken
    return Outcome(
        row.direction,
        row.member_id,
        row.checkin_id,
        row.ask_id,
        row.at,
        row.time_zone,
        row.evidence,
        tuple(row.flags),
        sign_in=fresh_guest and wanted.asks is None,
    )


def _to_event(session: Session, wanted: Wanted, arrival: Arrival, nonce: bytes, now: dt.datetime) -> Outcome:
    assert arrival.event_id is not None
    behind = places.behind(session, arrival.event_id)
    if not arrival.told.late:  # what a door without a network tells has happened
        states.gathering(behind.state, states.Verb.CHANGE, states.Phase.RUNNING, event=behind.name)
    if wanted.direction == "out":
        return _out_of_event(session, wanted, arrival, behind, nonce, now)
    window, miss = rules.choose([room.window for room in behind.rooms], arrival.told.at, arrival.step_id)
    if window is None:
        raise refusals.NothingHere
    room = next(each for each in behind.rooms if each.step_id == window.step_id)
    if room.replayed:
        raise refusals.Recording(place=room.venue_name)
    at = At(room.step_id)
    known = places.known(session, event_id=arrival.event_id, member_id=arrival.member_id, step_id=room.step_id)
    before = known.standing
    if before is None:
        _refuse_taken_back(arrival, known.undone_at, room.time_zone)
    elif arrival.member_id is not None and known.last is not None:
        inside = known.last[0] == "in" and known.last[2] == room.step_id
        if inside and _is_no_earlier(arrival, before.at):
            return _outcome("already", arrival, arrival.member_id, before.id, before.at, room.time_zone)
    if room.capacity is not None and before is None:
        places.take_turns(session, room.step_id)
    case = rules.Case(
        by=arrival.by,
        at=arrival.told.at,
        late=arrival.told.late and arrival.by is By.DOOR,
        signed_up=known.signed_up,
        standing=before is not None,
        answered=known.answer == "yes",
        approval=behind.approval,
        capacity=room.capacity,
        inside=0 if room.capacity is None else places.inside(session, behind.event_id).get(room.step_id, 0),
    )
    verdict = rules.decide(case, miss)
    if isinstance(verdict, rules.No):
        refused = refusals.of(verdict, event=behind.name, place=room.venue_name, time_zone=room.time_zone)
        if arrival.member_id is not None and arrival.by is By.SELF:
            entry.refuse(session, member_id=arrival.member_id, step_id=room.step_id, refused=refused, now=now)
            topics.bump(session, [f"member/{arrival.member_id}"])
        raise refused
    if isinstance(verdict, rules.Ask) and known.answer == "no":
        raise refusals.HostSaidNo(host=behind.organizer_name)
    member_id, made = _who(session, wanted, arrival)
    touched = [f"event/{behind.event_id}", f"member/{member_id}"]
    if isinstance(verdict, rules.Ask):
        ask = asks.open_ask(
            session,
            step_id=room.step_id,
            member_id=member_id,
            reason=verdict.reason,
            evidence=arrival.evidence,
            door_id=arrival.door_id,
            nonce=nonce,
            made_guest=made and arrival.by is By.SELF,
            now=now,
        )
        topics.bump(session, touched)
        _note(session, wanted, arrival, "door.asked", member_id, now)
        found = _outcome("asked", arrival, member_id, None, ask.asked_at, room.time_zone)
        return found._replace(ask_id=ask.id, sign_in=made and arrival.by is By.SELF)
    standing, new = entry.enter(
        session,
        member_id=member_id,
        at=at,
        when=arrival.told.at,
        evidence=arrival.evidence,
        signed_up=known.signed_up,
        now=now,
    )
    if before is None and not new and _is_no_earlier(arrival, standing.at):
        # Another door was faster by a moment.
        return _outcome("already", arrival, member_id, standing.id, standing.at, room.time_zone)
    flags = _flags(arrival, verdict.flags)
    _keep(session, wanted, arrival, standing.id, member_id, nonce, flags, made, now)
    topics.bump(session, touched)
    _note(session, wanted, arrival, "door.in", member_id, now)
    found = _outcome("in", arrival, member_id, standing.id, standing.at if new else arrival.told.at, room.time_zone)
    return found._replace(flags=flags, sign_in=made and arrival.by is By.SELF)


def _out_of_event(
    session: Session,
    wanted: Wanted,
    arrival: Arrival,
    behind: places.Behind,
    nonce: bytes,
    now: dt.datetime,
) -> Outcome:
    known = places.known(session, event_id=behind.event_id, member_id=arrival.member_id)
    if arrival.member_id is None or known.last is None:
        raise refusals.NotIn
    direction, checkin_id, step_id, last_at = known.last
    zone = next(room.time_zone for room in behind.rooms if room.step_id == step_id)
    if direction == "out":
        return _outcome("out", arrival, arrival.member_id, checkin_id, last_at, zone)
    flags = _flags(arrival, ())
    _keep(session, wanted, arrival, checkin_id, arrival.member_id, nonce, flags, False, now)
    topics.bump(session, [f"event/{behind.event_id}", f"member/{arrival.member_id}"])
    _note(session, wanted, arrival, "door.out", arrival.member_id, now)
    found = _outcome("out", arrival, arrival.member_id, checkin_id, arrival.told.at, zone)
    return found._replace(flags=flags)


def _to_venue(session: Session, wanted: Wanted, arrival: Arrival, nonce: bytes, now: dt.datetime) -> Outcome:
    assert arrival.venue_id is not None
    venue = venues.get(session, arrival.venue_id)
    if venue.replayed:
        raise refusals.Recording(place=venue.name)
    at = At(None, venue.id, days.day_of(arrival.told.at, venue.time_zone))
    before = None
    if arrival.member_id is not None:
        before = entry.standing(session, member_id=arrival.member_id, at=at)
    last = None if before is None else session.scalar(_LAST_OF_DAY, {"checkin": before.id}) or "in"
    if wanted.direction == "out":
        if before is None or arrival.member_id is None:
            raise refusals.NotIn
        if last == "in":
            _keep(session, wanted, arrival, before.id, arrival.member_id, nonce, _flags(arrival, ()), False, now)
            topics.bump(session, [f"member/{arrival.member_id}"])
            _note(session, wanted, arrival, "door.out", arrival.member_id, now)
        return _outcome("out", arrival, arrival.member_id, before.id, arrival.told.at, venue.time_zone)
    if before is not None and last == "in" and _is_no_earlier(arrival, before.at):
        return _outcome("already", arrival, arrival.member_id or "", before.id, before.at, venue.time_zone)
    if before is None and arrival.member_id is not None:
        undone_at = entry.undone_at(session, member_id=arrival.member_id, at=at)
        _refuse_taken_back(arrival, undone_at, venue.time_zone)
    member_id, made = _who(session, wanted, arrival)
    standing, new = entry.enter(
        session,
        member_id=member_id,
        at=at,
        when=arrival.told.at,
        evidence=arrival.evidence,
        signed_up=False,
        now=now,
    )
    if before is None and not new and _is_no_earlier(arrival, standing.at):
        return _outcome("already", arrival, member_id, standing.id, standing.at, venue.time_zone)
    flags = _flags(arrival, ())
    _keep(session, wanted, arrival, standing.id, member_id, nonce, flags, made, now)
    topics.bump(session, [f"member/{member_id}"])
    _note(session, wanted, arrival, "door.in", member_id, now)
    found = _outcome("in", arrival, member_id, standing.id, arrival.told.at, venue.time_zone)
    return found._replace(flags=flags, sign_in=made and arrival.by is By.SELF)


def _is_no_earlier(arrival: Arrival, at: dt.datetime) -> bool:
    """Whether this says nothing new of somebody who is in since `at`: only what was stored meanwhile is earlier."""
    return not arrival.told.late or arrival.told.at >= at


def _refuse_taken_back(arrival: Arrival, undone_at: dt.datetime | None, time_zone: str) -> None:
    if undone_at is not None and arrival.told.at <= undone_at:
        raise refusals.TakenBack(time=local_time(undone_at, time_zone))


def _who(session: Session, wanted: Wanted, arrival: Arrival) -> tuple[str, bool]:
    """Whom this is about, and whether she was made known just now."""
    if arrival.member_id is not None:
        return arrival.member_id, False
    return people.create_guest(session, name=arrival.name or "", language=wanted.language).id, True


def _flags(arrival: Arrival, more: Iterable[Flag]) -> tuple[str, ...]:
    told = [*([Flag.LATE] if arrival.told.late else []), *([Flag.CLOCK] if arrival.told.clock else [])]
    return tuple(str(flag) for flag in dict.fromkeys([*told, *arrival.flags, *more]))


def _outcome(
    result: str, arrival: Arrival, member_id: str, checkin_id: int | None, at: dt.datetime, time_zone: str
) -> Outcome:
    return Outcome(result, member_id, checkin_id, None, at, time_zone, arrival.evidence)


def _keep(
    session: Session,
    wanted: Wanted,
    arrival: Arrival,
    checkin_id: int,
    member_id: str,
    nonce: bytes,
    flags: tuple[str, ...],
    made_guest: bool,
    now: dt.datetime,
) -> None:
    by_host = arrival.by is By.HOST and wanted.asks is not None
    session.execute(
        _PASS,
        {
            "checkin": checkin_id,
            "member": member_id,
            "direction": wanted.direction,
            "at": arrival.told.at,
            "told_at": wanted.told_at,
            "now": now,
            "evidence": arrival.evidence,
            "door": arrival.door_id,
            "by": wanted.asks.id if by_host and wanted.asks is not None else None,
            "nonce": nonce,
            "made_guest": made_guest and arrival.by is By.SELF,
            "flags": list(flags),
        },
    )


def _note(session: Session, wanted: Wanted, arrival: Arrival, action: str, member_id: str, now: dt.datetime) -> None:
    """Acts for others are noted; what somebody does for herself is a passage and no more."""
    if arrival.by is not By.SELF:
        by = wanted.asks.id if arrival.by is By.HOST and wanted.asks is not None else None
        evidence = str(arrival.evidence)
        of = f"member/{member_id}"
        audit.note(session, action, of=of, now=now, by=by, door_id=arrival.door_id, evidence=evidence)


def _note_refusal(
    session: Session, wanted: Wanted, arrival: Arrival | None, refused: MusterError, now: dt.datetime
) -> None:
    if not refused.kept or wanted.door_token is None:
        return
    door = doors.by_token(session, wanted.door_token)
    of = f"member/{arrival.member_id}" if arrival is not None and arrival.member_id else doors.of(door)
    audit.note(session, "door.refused", of=of, now=now, door_id=door.id, code=refused.code)
