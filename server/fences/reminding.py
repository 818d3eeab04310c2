"""Notes by where somebody is: what she goes to begins soon and she is near; something begins where she often is."""

import datetime as dt
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config.settings import Fences
from geo.fences import Code, Kind
from server import times
from server.events import seeing
from server.events.model import Event
from server.events.states import State
from server.fences.arriving import Told
from server.inbox import service as inbox
from server.inbox import words
from server.people.model import Member
from server.texts import later

REMINDER, NEAR = "step_reminder", "near_venue"  # kinds of notes
FRESH = dt.timedelta(minutes=15)  # older fixes say where she was
ROUND_M = 100  # what one says on the way: "about 800 m"
_BEGINS = later("%(event)s begins at %(time)s at %(place)s, and you are about %(metres)s m away.")
_IS_ON = later("%(event)s is on at %(place)s since %(time)s, and you are about %(metres)s m away.")
_NEAR = later("You are near %(place)s: %(event)s begins there at %(time)s.")
_NEAR_ON = later("You are near %(place)s: %(event)s is on there since %(time)s.")


class Note(NamedTuple):
    """Something to tell members once: all of them, or none (see `inbox.tell`)."""

    member_ids: tuple[str, ...]
    kind: str
    of: str
    sentence: str
    values: dict[str, Any]
    link: str
    nonce: str = ""


# What takes place there soon or now; whether she may know of it is asked beside.
_THERE = text(f"""
    SELECT step.id, step.event_id, step.starts_at, step.ends_at, event.name, event.simulated
    FROM step JOIN event ON event.id = step.event_id AND event.state = '{State.PUBLISHED}'
    WHERE step.venue_id = :venue AND step.opens_at <= :soon AND step.starts_at <= :soon AND step.ends_at > :now
      AND NOT EXISTS (SELECT FROM sign_up WHERE sign_up.event_id = step.event_id AND sign_up.member_id = :member)
      AND NOT EXISTS (SELECT FROM checkin WHERE checkin.step_id = step.id AND checkin.member_id = :member
                      AND checkin.undone_at IS NULL)
    ORDER BY step.starts_at, step.id LIMIT 3
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


def near(session: Session, told: Told, rule: Fences, now: dt.datetime) -> list[Note]:
    """What takes place soon where somebody's visits are remembered, when she comes near; not what she goes to."""
    came = any(one.kind in (Kind.APPROACHING, Kind.ENTER) for one in told.happened)
    if told.where.remembered_since is None or not came or now - times.from_ms(told.last_ms) > FRESH:
        return []
    soon = now + dt.timedelta(seconds=rule.remind_s)
    given = {"venue": told.where.venue_id, "member": told.where.member_id, "soon": soon, "now": now}
    rows = session.execute(_THERE, given).all()
    member = session.get(Member, told.where.member_id)
    if not rows or member is None:
        return []
    seen = _meant_for(session, {event.event_id for event in rows}, member)
    return [
        Note(
            (member.id,),
            NEAR,
            f"event/{event.event_id}",
            _NEAR if now < event.starts_at else _NEAR_ON,
            {
                "event": words.named(event.name, event.simulated),
                "place": words.named(told.where.venue_name, told.where.simulated),
                "time": words.moment(event.starts_at, told.where.time_zone),
            },
            f"/events/{event.event_id}",
            event.id,
        )
        for event in rows
        if event.event_id in seen
    ]


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


def tell(session: Session, notes: Iterable[Note], now: dt.datetime) -> None:
    """Tells notes; the last thing that a transaction does, since who tells lets others who tell wait.

    Those that say the same are told together: a festival's guests come by the same train.
    """
    same: dict[str, list[Note]] = defaultdict(list)
    for note in notes:
        same[json.dumps(note._replace(member_ids=()), sort_keys=True)].append(note)
    for some in same.values():
        note = some[0]
        inbox.tell(
            session,
            [member_id for one in some for member_id in one.member_ids],
            kind=note.kind,
            of=note.of,
            sentence=note.sentence,
            now=now,
            values=note.values,
            link=note.link,
            nonce=note.nonce,
        )


def _meant_for(session: Session, event_ids: set[str], member: Member) -> set[str]:
    """Those that she may come to: an operator sees all, and is not told of all."""
    found = session.scalars(select(Event).where(Event.id.in_(sorted(event_ids)))).all()
    return {event.id for event in found if seeing.is_announced(event) and seeing.is_for(session, event, member)}
