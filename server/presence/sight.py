"""What of a venue's picture is seen with whose eyes: without who is hidden, with the names that were given.

A dot belongs to who held the badge when it was heard last. What she said is judged at the picture's own now, so an end
that comes by time is honoured with the next drawing.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.orm import Session

from server import times
from server.consent import reading, rules
from server.consent.reading import Eyes, Holding
from server.consent.rules import Level
from server.presence.greeting import HERE_FOR_MS
from server.presence.service import Record, VenuePicture
from server.presence.states import HERE, State, ZoneState


class Greeting(NamedTuple):
    """Somebody who wants to be greeted and is here: since when, the how manieth time, by which badge."""

    name: str
    times: int
    since_ms: int
    badge_id: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """A picture as somebody sees it. names: badge -> name; greetings: who came last first."""

    badges: Mapping[int, State]
    zones: Mapping[str, ZoneState]
    names: Mapping[int, str]
    greetings: tuple[Greeting, ...]


def level_of(record: Record, badge_id: int, eyes: Eyes, now_ms: int) -> tuple[Level, Holding | None]:
    """How much is seen of a badge, and whose it was when it was heard last; HIDDEN until that was read."""
    held = record.held.get(badge_id)
    if held is None:
        return Level.HIDDEN, None
    if not held:
        return Level.COUNTED, None
    holder = reading.holder_at(held, record.heard[badge_id].last_heard_ms)
    return eyes.level(holder, now_ms), holder


def level_at_all(session: Session, record: Record, badge_id: int, eyes: Eyes, now_ms: int) -> Level:
    """How much is seen of a badge that was heard there just now or long ago: then of whoever held it the least."""
    if badge_id in record.heard:
        return level_of(record, badge_id, eyes, now_ms)[0]
    held = reading.holdings(session, [badge_id], venue_id=record.facts.id, now=times.from_ms(now_ms))[badge_id]
    return min((eyes.level(one, now_ms) for one in held), default=Level.COUNTED)


def look(seen: VenuePicture, eyes: Eyes) -> Sight:
    """The picture with these eyes."""
    record, picture = seen.record, seen.picture
    badges: dict[int, State] = {}
    hidden: list[int] = []
    names: dict[int, str] = {}
    here: dict[str, tuple[int, int]] = {}
    for badge_id, state in picture.badges.items():
        level, holder = level_of(record, badge_id, eyes, picture.now_ms)
        if level is Level.HIDDEN:
            hidden.append(badge_id)
            continue
        badges[badge_id] = state
        if level is Level.NAME and holder is not None:
            names[badge_id] = holder.name
            if state.kind in HERE:
                arrived_ms = max(record.heard[badge_id].arrived_ms, holder.from_ms)
                here[holder.member_id] = min((arrived_ms, badge_id), here.get(holder.member_id, (arrived_ms, badge_id)))
    zones = _without(seen, hidden, eyes)
    return Sight(badges, zones, names, _greetings(record, here, picture.now_ms) if eyes.keeps else ())


def _without(seen: VenuePicture, hidden: list[int], eyes: Eyes) -> Mapping[str, ZoneState]:
    """The zones' figures without these badges, and without who is hidden of those who were there once."""
    record, picture = seen.record, seen.picture
    gone: dict[str | None, int] = {}
    for badge_id in hidden:
        if picture.badges[badge_id].kind in HERE:
            zone_id = record.heard[badge_id].zone_id
            gone[zone_id] = gone.get(zone_id, 0) + 1
    zones: dict[str, ZoneState] = {}
    for zone_id, state in picture.zones.items():
        here_then = state.here_then
        if picture.then.get(zone_id):
            here_then = sum(
                level_of(record, badge_id, eyes, picture.now_ms)[0] is not Level.HIDDEN
                for badge_id in picture.then[zone_id]
            )
        here = state.here - gone.get(zone_id, 0)
        zones[zone_id] = (
            state
            if (here, here_then) == (state.here, state.here_then)
            else state._replace(here=here, here_then=here_then)
        )
    return zones


def _greetings(record: Record, here: Mapping[str, tuple[int, int]], now_ms: int) -> tuple[Greeting, ...]:
    found = []
    for member_id, regular in record.regulars.items():
        if rules.level_at(regular.seen, now_ms) is not Level.NAME:
            continue
        since_ms, badge_id = here.get(member_id, (0, None))
        if badge_id is None and regular.told_ms > now_ms - HERE_FOR_MS:
            since_ms = regular.told_ms
        if since_ms:
            found.append(Greeting(regular.name, regular.times, since_ms, badge_id))
    return tuple(sorted(found, key=lambda one: (-one.since_ms, one.name)))
