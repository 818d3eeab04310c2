"""Notes by where somebody is: what she goes to begins soon and she is near; something begins where she often is."""

import datetime as dt
import math
from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config.settings import Fences
from geo.fences import Code, Kind
from server import times
from server.events import seeing
from server.events.model import Event
from server.events.states import State
from server.fences.arriving import Told
from server.inbox import words
from server.inbox.service import Note
from server.people.model import Member
from server.texts import later

REMINDER, NEAR = "step_reminder", "near_venue"  # kinds of notes
FRESH = dt.timedelta(minutes=15)  # older fixes say where she was
Row = TypeVar("Row", Event, Member)
ROUND_M = 100  # what one says on the way: "about 800 m"
_BEGINS = later("%(event)s begins at %(time)s at %(place)s, and you are about %(metres)s m away.")
_IS_ON = later("%(event)s is on at %(place)s since %(time)s, and you are about %(metres)s m away.")
_NEAR = later("You are near %(place)s: %(event)s begins there at %(time)s.")
_NEAR_ON = later("You are near %(place)s: %(event)s is on there since %(time)s.")


# What takes place there soon or now; whether she may know of it is asked beside.
_THERE = text(f"""
    SELECT asked.number, there.* FROM unnest(CAST(:venues AS text[]), CAST(:members AS text[])) WITH ORDINALITY
         AS asked (venue_id, member_id, number)
    CROSS JOIN LATERAL (
        SELECT step.id, step.event_id, step.starts_at
        FROM step JOIN event ON event.id = step.event_id AND event.state = '{State.PUBLISHED}'
        WHERE step.venue_id = asked.venue_id AND step.opens_at <= :soon AND step.starts_at <= :soon
          AND step.ends_at > :now
          AND NOT EXISTS (SELECT FROM sign_up WHERE sign_up.event_id = step.event_id
                          AND sign_up.member_id = asked.member_id)
          AND NOT EXISTS (SELECT FROM checkin WHERE checkin.step_id = step.id AND checkin.undone_at IS NULL
                          AND checkin.member_id = asked.member_id)
        ORDER BY step.starts_at, step.id LIMIT 3
    ) AS there ORDER BY asked.number, there.starts_at, there.id
""")  # noqa: S608 -- a text of ours
_TOLD = text("""
    SELECT asked.number FROM unnest(CAST(:numbers AS bigint[]), CAST(:members AS text[]), CAST(:kinds AS text[]),
                                    CAST(:subjects AS text[]), CAST(:nonces AS text[]))
         AS asked (number, member_id, kind, subject, nonce)
    JOIN notification USING (member_id, kind, subject, nonce)
""")


def due(told: Told, rule: Fences, now: dt.datetime) -> list[Note]:
    """What somebody is to be reminded of, by where her phone is; pure. Not of what she is checked in to, or is at."""
    if told.stands.code is not Code.OUTSIDE or now - times.from_ms(told.last_ms) > FRESH:
        return []
    away_m = told.where.fence.enter_m + told.stands.outside_m
    if away_m > told.where.fence.approach_m:
        return []
    notes = []
    for one in told.where.gatherings:
        if one.in_already or not one.starts_at - dt.timedelta(seconds=rule.remind_s) <= now < one.ends_at:
            continue
        values = {
            "event": words.named(one.event_name, one.simulated),
            "place": words.named(told.where.venue_name, told.where.simulated),
            "time": words.moment(one.starts_at, told.where.time_zone),
            "metres": math.ceil(away_m / ROUND_M) * ROUND_M,
        }
        sentence = _BEGINS if now < one.starts_at else _IS_ON
        link = f"/events/{one.event_id}"
        of, member_ids = f"event/{one.event_id}", (told.where.member_id,)
        notes.append(Note(member_ids, REMINDER, of, sentence, values, link, one.step_id))
    return notes


def near(session: Session, told: Iterable[Told], rule: Fences, now: dt.datetime) -> list[Note]:
    """What takes place soon where somebody's visits are remembered, when she comes near; not what she goes to."""
    came = [one for one in told if _comes_near(one, now)]
    if not came:
        return []
    given = {
        "venues": [one.where.venue_id for one in came],
        "members": [one.where.member_id for one in came],
        "soon": now + dt.timedelta(seconds=rule.remind_s),
        "now": now,
    }
    rows = session.execute(_THERE, given).all()
    events = _by_id(session, Event, {row.event_id for row in rows})
    members = _by_id(session, Member, {came[row.number - 1].where.member_id for row in rows})
    notes = []
    for row in rows:
        where, event = came[row.number - 1].where, events.get(row.event_id)
        member = members.get(where.member_id)
        # An operator sees all, and is not told of all.
        if (
            event is None
            or member is None
            or not seeing.is_announced(event)
            or not seeing.is_for(session, event, member)
        ):
            continue
        values = {
            "event": words.named(event.name, event.simulated),
            "place": words.named(where.venue_name, where.simulated),
            "time": words.moment(row.starts_at, where.time_zone),
        }
        sentence = _NEAR if now < row.starts_at else _NEAR_ON
        notes.append(Note((member.id,), NEAR, f"event/{event.id}", sentence, values, f"/events/{event.id}", row.id))
    return notes


def new(session: Session, notes: Collection[Note]) -> list[Note]:
    """Those that were not told before: most fixes of an evening come after the first that reminded her."""
    listed = list(notes)
    if not listed:
        return []
    given: dict[str, list[Any]] = {
        "numbers": list(range(len(listed))),
        "members": [note.member_ids[0] for note in listed],
        "kinds": [note.kind for note in listed],
        "subjects": [note.of for note in listed],
        "nonces": [note.nonce for note in listed],
    }
    told = set(session.scalars(_TOLD, given))
    return [note for number, note in enumerate(listed) if number not in told]


def _comes_near(told: Told, now: dt.datetime) -> bool:
    came = any(one.kind in (Kind.APPROACHING, Kind.ENTER) for one in told.happened)
    return came and told.where.remembered_since is not None and now - times.from_ms(told.last_ms) <= FRESH


def _by_id(session: Session, kind: type[Row], ids: Collection[str]) -> dict[str, Row]:
    return {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(sorted(ids))))} if ids else {}
