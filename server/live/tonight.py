"""The card of tonight: where somebody stands with what she is going to, from an hour before it starts; never empty.

Judged by the same rule as her check-in (server.checkins.explain), with what the venue's news said since it was read.
"""

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import fields, times
from server.checkins import entry, explain, words
from server.checkins.entry import At, Standing
from server.checkins.explain import BadgeHeard, Facts
from server.doors import asks
from server.doors.asks import AskRow
from server.presence import service as presence_service
from server.presence.joining import Interval
from server.presence.schema import local_time, rfc3339
from server.presence.service import Record
from server.texts import IN_ENGLISH, Texts

BEFORE = dt.timedelta(minutes=60)
AHEAD = dt.timedelta(hours=12)  # what is read at once: a page that stays open tells of it when its time comes
SHOWN = 5
HEARING_MS = 30_000  # heard within that is being heard: three times the slowest interval that tags commonly have
LISTENING_MS = 30_000  # coverage is written every few seconds
REFUSED_FOR = dt.timedelta(minutes=10)


class Evening(NamedTuple):
    """A step that she is going to, or came to, and all that decides what her card says."""

    event_id: str
    event_name: str
    simulated: bool
    step_id: str
    venue_id: str
    zone_id: str | None
    venue_name: str
    time_zone: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    by_position: bool
    facts: Facts
    standing: Standing | None
    ask: AskRow | None
    refused: Row[Any] | None
    heard_gap_ms: int


_STEPS = text("""
    SELECT step.id, step.event_id, event.name, event.simulated, step.venue_id, step.zone_id, venue.name AS venue_name,
           venue.time_zone, step.starts_at, step.ends_at,
           venue.location IS NOT NULL AND NOT EXISTS (
               SELECT FROM placement WHERE placement.venue_id = venue.id
               AND placement.valid @> CAST(:now AS timestamptz)) AS by_position
    FROM step JOIN event ON event.id = step.event_id JOIN venue ON venue.id = step.venue_id
    WHERE step.ends_at > :now AND step.starts_at <= :until AND NOT venue.replayed
        AND event.state = 'published' AND (
        EXISTS (SELECT FROM going_to WHERE going_to.step_id = step.id AND going_to.member_id = :member)
        OR EXISTS (SELECT FROM checkin WHERE checkin.step_id = step.id AND checkin.member_id = :member)
        OR EXISTS (SELECT FROM ask WHERE ask.step_id = step.id AND ask.member_id = :member))
    ORDER BY step.starts_at, step.id LIMIT :shown
""")
_REFUSED = text("""
    SELECT code, sentence, values, last_at FROM refusal
    WHERE step_id = :step AND member_id = :member AND at_door ORDER BY last_at DESC LIMIT 1
""")


def load(session: Session, *, member_id: str, now: dt.datetime, presence: Presence) -> tuple[Evening, ...]:
    """What a member is going to within the next hours, the soonest first."""
    given = {"member": member_id, "now": now, "until": now + AHEAD, "shown": SHOWN}
    asked = asks.of_member(session, member_id=member_id, now=now)
    found = []
    for row in session.execute(_STEPS, given).all():
        explained = explain.explain(session, member_id=member_id, step_id=row.id, now=now, presence=presence)
        refused = session.execute(_REFUSED, {"step": row.id, "member": member_id}).one_or_none()
        found.append(
            Evening(
                row.event_id,
                row.name,
                row.simulated,
                row.id,
                row.venue_id,
                row.zone_id,
                row.venue_name,
                row.time_zone,
                row.starts_at,
                row.ends_at,
                row.by_position,
                explained.facts,
                entry.standing(session, member_id=member_id, at=At(row.id)),
                next((ask for ask in asked if ask.step_id == row.id), None),
                refused,
                round(presence.heard_gap_s * 1000),
            )
        )
    return tuple(found)


def now_for(
    session: Session, *, member_id: str, now: dt.datetime, presence: Presence, say: Texts = IN_ENGLISH
) -> dict[str, Any] | None:
    """A member's card as the tables have it; None when nothing is near."""
    evenings = load(session, member_id=member_id, now=now, presence=presence)
    near = {evening.venue_id for evening in evenings if evening.starts_at - BEFORE <= now}
    records = {
        venue_id: presence_service.load(session, venue_id=venue_id, now=now, presence=presence) for venue_id in near
    }
    found = card(evenings, now, records, say)
    if found is not None and found["due_at"] is not None:
        seconds = max(1, math.ceil((fields.read_moment(found["due_at"]) - now).total_seconds()))
        found["sentence"] = say.ngettext("%(num)s more second", "%(num)s more seconds", seconds)
    return found


def card(
    evenings: Sequence[Evening], now: dt.datetime, records: Mapping[str, Record], say: Texts = IN_ENGLISH
) -> dict[str, Any] | None:
    """What the card says at `now`; None when nothing begins within the hour. records: the venues, as far as known."""
    near = [evening for evening in evenings if evening.starts_at - BEFORE <= now < evening.ends_at]
    if not near:
        return None
    evening = next((one for one in near if one.standing is None), near[-1])
    told = _tell(evening, times.to_ms(now), now, records.get(evening.venue_id), say)
    return {
        "event": {"id": evening.event_id, "name": say.name(evening.event_name, evening.simulated)},
        "step": evening.step_id,
        "venue": say.name(evening.venue_name, evening.simulated),
        "check_in": None if evening.standing is None else evening.standing.id,
        "ask": evening.ask.id if evening.ask is not None and told["code"] in ("asked", "said_no") else None,
        "by_position": evening.by_position and evening.standing is None,
        "due_at": None,
        **told,
    }


def _tell(evening: Evening, now_ms: int, now: dt.datetime, record: Record | None, say: Texts) -> dict[str, Any]:
    if evening.standing is not None:
        arrived = words.arrived(evening.standing.at, evening.time_zone, evening.standing.evidence, None, say)
        return _says("in", say.gettext("You're in"), arrived)
    if (waits := _ask(evening, now, say)) is not None:
        return waits
    refused = evening.refused
    if refused is not None and refused.last_at > now - REFUSED_FOR:
        sentence = words.at_door(refused.sentence, refused.values, say)
        return _says(refused.code, say.gettext("Not yet"), sentence)
    facts, last_ms = _with_news(evening, record)
    found = explain.answer(facts, now_ms, evening.heard_gap_ms, say)
    use_code = say.gettext("Use the code at the door.")
    if found.code == "not_open_yet":
        opens = local_time(times.from_ms(facts.asked.opens_ms), evening.time_zone)
        return _says(found.code, say.gettext("Doors open at %(time)s", time=opens), found.sentence)
    if found.code == "no_badge":
        return _says(found.code, say.gettext("You're expected"), use_code)
    if found.code == "undone":
        return _says(found.code, say.gettext("Taken back"), found.sentence)
    if found.code in ("due", "not_long_enough") and last_ms is not None and now_ms - last_ms <= HEARING_MS:
        due_ms = last_ms + round((found.needed_s - found.heard_s) * 1000)
        if found.code == "due" or due_ms <= now_ms:
            sentence = say.gettext("You're in with its next word, in a few seconds.")
            return _says("due", say.gettext("We hear your badge"), sentence)
        # Whoever shows it counts down: the moment does not move, and news every second would be for nothing.
        told = _says("hearing", say.gettext("We hear your badge"), "")
        return {**told, "due_at": rfc3339(times.from_ms(due_ms))}
    if found.code == "elsewhere":
        return _says(found.code, say.gettext("Almost there"), found.sentence)
    if record is not None and not _listens(evening, record, now_ms):
        sentence = say.gettext("Nothing listens here right now; use the door code.")
        return _says("silent", say.gettext("Use the code at the door"), sentence)
    badge = next((one.label for one in facts.badges if one.label), say.gettext("your badge"))
    title = say.gettext("We don't hear badge %(badge)s yet.", badge=badge)
    return _says("not_heard", title, say.gettext("Deep in a bag? Use the door code."))


def _ask(evening: Evening, now: dt.datetime, say: Texts) -> dict[str, Any] | None:
    ask = evening.ask
    if ask is None:
        return None
    if ask.state == "waiting" and now < evening.ends_at:
        title = say.gettext("%(host)s has been asked", host=ask.host_name)
        return _says("asked", title, say.gettext("You're in as soon as they say yes."))
    if ask.state == "no":
        sentence = say.gettext("%(host)s cannot let you in tonight. Talk to them at the door.", host=ask.host_name)
        return _says("said_no", say.gettext("Not this time"), sentence)
    return None


def _says(code: str, title: str, sentence: str) -> dict[str, Any]:
    return {"code": code, "title": title, "sentence": sentence}


def _listens(evening: Evening, record: Record, now_ms: int) -> bool:
    return any(
        ear.listened[-1][1] >= now_ms - LISTENING_MS
        for ear in record.ears.values()
        if ear.listened and ear.placed and evening.zone_id in (None, ear.placed[-1].zone_id)
    )


def _with_news(evening: Evening, record: Record | None) -> tuple[Facts, int | None]:
    """The facts with what the venue's news said since they were read, and when a badge of hers was heard last there."""
    badges, last_ms = [], None
    for badge in evening.facts.badges:
        heard = None if record is None else record.heard.get(badge.badge_id)
        if heard is not None:
            newer = _newer(badge.anywhere, heard.arrived_ms, heard.last_heard_ms, evening.heard_gap_ms)
            counts = evening.zone_id is None or heard.zone_id == evening.zone_id
            badge = BadgeHeard(
                badge.badge_id,
                badge.label,
                badge.held,
                (*badge.counting, *newer) if counts else badge.counting,
                (*badge.anywhere, *newer),
            )
        newest = max((end for _, end in badge.counting), default=None)
        if newest is not None and (last_ms is None or newest > last_ms):
            last_ms = newest
        badges.append(badge)
    return dataclasses.replace(evening.facts, badges=tuple(badges)), last_ms


def _newer(known: Sequence[Interval], arrived_ms: int, last_ms: int, gap_ms: int) -> list[Interval]:
    """What a visit that goes on adds to what was read: from where it joins, else the moment it was heard last."""
    newest_ms = max((end for _, end in known), default=None)
    if newest_ms is None or arrived_ms > newest_ms:
        return [(arrived_ms, last_ms)]
    if last_ms <= newest_ms:
        return []
    return [(newest_ms, last_ms)] if last_ms - newest_ms <= gap_ms else [(last_ms, last_ms)]
