"""The event topic: who has come, who is here, who is expected; names for the organizer, as far as consent goes."""

import bisect
import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times, topics
from server.checkins import capacity, words
from server.consent import reading, rules
from server.consent.reading import ByEvent
from server.consent.rules import Level
from server.events import service as events
from server.live import asks
from server.live.asks import AtDoors
from server.live.rights import Audience
from server.presence.intervals import EVER_MS
from server.presence.schema import rfc3339, rfc3339_ms
from server.presence.service import VenuePicture
from server.presence.states import Kind
from server.pulse import service as pulse
from server.pulse.service import Results
from server.texts import IN_ENGLISH, Texts

ARRIVALS_SHOWN = 200  # newest first; a wall shows 12, a phone scrolls through some
CURVE_POINTS = 240  # more than a screen has room for beside the map


class StepFacts(NamedTuple):
    """A step of an event."""

    id: str
    name: str
    venue_id: str
    zone_id: str | None
    opens_ms: int
    starts_ms: int
    ends_ms: int
    capacity: int | None
    replayed: bool  # it takes place by the time of a replayed venue


class ArrivalRow(NamedTuple):
    """A check-in as the tables have it. somebody: her id, or of somebody erased what stands for her in this event."""

    id: int
    somebody: str
    name: str | None
    step_venue_id: str
    badge_id: int | None
    at: dt.datetime
    recorded_at: dt.datetime
    evidence: str
    signed_up: bool
    undone: bool
    replayed: bool
    earlier: int
    over_capacity: bool


class HeldBadge(NamedTuple):
    """Whose a badge is, [from_ms, to_ms)."""

    badge_id: int
    member_id: str
    name: str
    from_ms: int
    to_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Gathering:
    """What the tables say of an event at revision `rev`. arrivals: the newest first, also those taken back."""

    rev: int
    id: str
    name: str
    simulated: bool
    steps: tuple[StepFacts, ...]
    signed_up: frozenset[str]
    arrivals: tuple[ArrivalRow, ...]
    held: tuple[HeldBadge, ...]
    seen: Mapping[str, ByEvent]
    at_doors: AtDoors = asks.NOTHING
    asked: Results | None = None

    @property
    def whose(self) -> Mapping[str, rules.Windows]:
        """What its organizer sees of whom."""
        return {member_id: by_event.organizer for member_id, by_event in self.seen.items()}

    def level(self, audience: Audience, member_id: str, venue_id: str, at_ms: int) -> Level:
        """How much of a member this audience sees at a venue of it; of somebody erased nothing."""
        by_event = self.seen.get(member_id)
        if by_event is None:
            return Level.HIDDEN
        if audience is Audience.ORGANIZER:
            return by_event.of_organizer(venue_id, at_ms)
        return min(by_event.of_venue(venue_id, at_ms), Level.COUNTED)

    @property
    def venue_ids(self) -> list[str]:
        """The venues of its steps, each once, in their order."""
        return list(dict.fromkeys(step.venue_id for step in self.steps))


_ARRIVALS = text("""
    SELECT checkin.id, coalesce(checkin.member_id, 'erased ' || coalesce(checkin.stranger, checkin.id)) AS somebody,
           member.name, step.venue_id AS step_venue_id, checkin.badge_id, checkin.at, checkin.recorded_at,
           checkin.evidence, coalesce(going_to.member_id IS NOT NULL OR checkin.member_id IS NULL AND checkin.signed_up,
           false) AS signed_up, checkin.undone_at IS NOT NULL AS undone, venue.replayed
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN venue ON venue.id = step.venue_id
    LEFT JOIN member ON member.id = checkin.member_id
    LEFT JOIN going_to ON going_to.step_id = step.id AND going_to.member_id = checkin.member_id
    WHERE step.event_id = :event ORDER BY checkin.at DESC, checkin.id DESC
""")

# Earlier events of the same organizer or community, or at one of the same venues, that they were checked in to.
_EARLIER = text("""
    SELECT checkin.member_id, count(DISTINCT step.event_id)
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN event ON event.id = step.event_id
    JOIN event AS this ON this.id = :event
    WHERE checkin.member_id = ANY(:members) AND checkin.undone_at IS NULL
      AND event.id <> this.id AND checkin.at < :before
      AND (event.organizer_id = this.organizer_id OR event.community_id = this.community_id
           OR step.venue_id = ANY(:venues))
    GROUP BY checkin.member_id
""")

_STEPS = text("""
    SELECT step.id, step.name, step.venue_id, step.zone_id, step.opens_at, step.starts_at, step.ends_at, step.capacity,
           venue.replayed
    FROM step JOIN venue ON venue.id = step.venue_id WHERE step.event_id = :event ORDER BY step.position
""")

_HELD = text("""
    SELECT pairing.badge_id, pairing.member_id, member.name,
           lower(pairing.valid) AS since, upper(pairing.valid) AS until
    FROM pairing JOIN member ON member.id = pairing.member_id
    WHERE pairing.member_id = ANY(:members) AND pairing.valid && tstzrange(:from_at, :to_at, '[]')
""")


_COUNTS = text("""
    SELECT event.id, (SELECT count(*) FROM going WHERE event_id = event.id),
           (SELECT count(DISTINCT coalesce(checkin.member_id, 'erased ' || coalesce(checkin.stranger, checkin.id)))
            FROM step JOIN checkin ON checkin.step_id = step.id
            WHERE step.event_id = event.id AND checkin.undone_at IS NULL)
    FROM event WHERE event.id = ANY(:events)
""")


def counts(session: Session, event_ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """How many signed up for each of these events, and how many came."""
    rows = session.execute(_COUNTS, {"events": list(event_ids)})
    return {event_id: (signed_up, arrived) for event_id, signed_up, arrived in rows}


def load(session: Session, *, event_id: str) -> Gathering:
    """What the tables say of an event; raises EventUnknown."""
    rev = topics.revisions(session, [f"event/{event_id}"])[f"event/{event_id}"]
    event = events.get(session, event_id)
    rows = session.execute(_STEPS, {"event": event_id}).all()
    steps = tuple(
        StepFacts(
            row.id,
            row.name,
            row.venue_id,
            row.zone_id,
            times.to_ms(row.opens_at),
            times.to_ms(row.starts_at),
            times.to_ms(row.ends_at),
            row.capacity,
            row.replayed,
        )
        for row in rows
    )
    signed_up = frozenset(
        session.execute(text("SELECT member_id FROM going WHERE event_id = :event"), {"event": event_id}).scalars()
    )
    found = session.execute(_ARRIVALS, {"event": event_id}).all()
    members = sorted(signed_up | {row.somebody for row in found if row.name is not None})
    opens_at = min((row.opens_at for row in rows), default=times.EPOCH)
    ends_at = max((row.ends_at for row in rows), default=times.EPOCH)
    earlier: dict[str, int] = dict(
        session.execute(
            _EARLIER,
            {"event": event_id, "members": members, "before": opens_at, "venues": [row.venue_id for row in rows]},
        ).all()
    )
    over = capacity.over(session, [step.id for step in steps if step.capacity is not None])
    held = session.execute(_HELD, {"members": members, "from_at": opens_at, "to_at": ends_at})
    return Gathering(
        rev,
        event.id,
        event.name,
        event.simulated,
        steps,
        signed_up,
        tuple(ArrivalRow._make([*row, earlier.get(row.somebody, 0), row.id in over]) for row in found),
        tuple(
            HeldBadge(
                row.badge_id,
                row.member_id,
                row.name,
                0 if row.since is None else times.to_ms(row.since),
                EVER_MS if row.until is None else times.to_ms(row.until),
            )
            for row in held
        ),
        reading.for_event(session, event_id, members),
        asks.load(session, event_id=event_id),
        pulse.latest(session, event_id=event_id),
    )


def draw(
    gathering: Gathering,
    now_ms: int,
    audience: Audience,
    venues: Mapping[str, VenuePicture],
    say: Texts = IN_ENGLISH,
) -> dict[str, Any]:
    """The event topic as this audience sees it at now_ms, in the reader's language.

    venues: the pictures of the steps' venues, as far as known.
    """
    own_ms = {
        step.venue_id: venues[step.venue_id].picture.now_ms
        for step in gathering.steps
        if step.replayed and step.venue_id in venues
    }
    held_ms = max(own_ms.values(), default=now_ms)
    held = {row.badge_id: row for row in gathering.held if row.from_ms <= held_ms < row.to_ms}
    drawn = {
        "rev": gathering.rev,
        "event": _event(gathering, audience, say),
        "figures": _figures(gathering, held, venues, audience, held_ms),
        "arrivals": [
            _arrival(
                row,
                gathering.level(audience, row.somebody, row.step_venue_id, held_ms),
                gathering.simulated,
                say,
            )
            for row in gathering.arrivals[:ARRIVALS_SHOWN]
        ],
        "curve": curve(sorted(_first_arrivals(gathering).values())),
        "pulse": None if gathering.asked is None else _pulse(gathering, gathering.asked, held_ms, say),
        "names": {
            str(badge_id): say.name(row.name, gathering.simulated)
            for badge_id, row in held.items()
            if _most(gathering, audience, row.member_id, held_ms) is Level.NAME
        },
    }
    if audience is Audience.ORGANIZER:

        def is_named(member_id: str | None) -> bool:
            return member_id is not None and _most(gathering, audience, member_id, held_ms) is Level.NAME

        drawn |= asks.draw(gathering.at_doors, times.from_ms(now_ms), is_named, say)
    return drawn


def _most(gathering: Gathering, audience: Audience, member_id: str, at_ms: int) -> Level:
    return max(
        (gathering.level(audience, member_id, venue_id, at_ms) for venue_id in gathering.venue_ids),
        default=Level.HIDDEN,
    )


def _event(gathering: Gathering, audience: Audience, say: Texts) -> dict[str, Any]:
    return {
        "id": gathering.id,
        "name": say.name(gathering.name, gathering.simulated),
        "organizer": audience is Audience.ORGANIZER,
        "simulated": gathering.simulated,
        "steps": [
            {
                "id": step.id,
                "name": say.name(step.name, gathering.simulated),
                "venue": step.venue_id,
                "zone": step.zone_id,
                "starts_at": rfc3339_ms(step.starts_ms),
                "ends_at": rfc3339_ms(step.ends_ms),
                "opens_at": rfc3339_ms(step.opens_ms),
                "capacity": step.capacity,
            }
            for step in gathering.steps
        ],
    }


def _pulse(gathering: Gathering, asked: Results, at_ms: int, say: Texts) -> dict[str, Any]:
    running = any(step.opens_ms <= at_ms < step.ends_ms for step in gathering.steps)
    return {
        "id": asked.id,
        "question": say.name(asked.question, gathering.simulated),
        "choices": [say.name(choice, gathering.simulated) for choice in asked.choices],
        "open": running and asked.closed_at is None and at_ms < times.to_ms(asked.ends_at),
        "answers": asked.answers,
        "counts": None if asked.counts is None else list(asked.counts),
        "needed": pulse.TOLD_FROM,
    }


def _first_arrivals(gathering: Gathering) -> dict[str, dt.datetime]:
    first: dict[str, dt.datetime] = {}
    for row in gathering.arrivals:  # the newest first, so the last one written is the first
        if not row.undone:
            first[row.somebody] = row.at
    return first


def _figures(
    gathering: Gathering,
    held: Mapping[int, HeldBadge],
    venues: Mapping[str, VenuePicture],
    audience: Audience,
    at_ms: int,
) -> dict[str, int]:
    arrived = set(_first_arrivals(gathering))
    # Who is hidden has arrived like everybody; whether she is still here, nobody is told.
    here = {
        held[badge_id].member_id
        for venue_id in gathering.venue_ids
        if venue_id in venues
        for badge_id, state in venues[venue_id].picture.badges.items()
        if state.kind in (Kind.PRESENT, Kind.AWAY)
        and badge_id in held
        and gathering.level(audience, held[badge_id].member_id, venue_id, at_ms) is not Level.HIDDEN
    }
    return {
        "signed_up": len(gathering.signed_up),
        "arrived": len(arrived),
        "here": len(arrived & here),
        "expected": len(gathering.signed_up - arrived),
        "over_capacity": len({row.somebody for row in gathering.arrivals if row.over_capacity and not row.undone}),
    }


def _arrival(row: ArrivalRow, level: Level, simulated: bool, say: Texts) -> dict[str, Any]:
    name = say.name(row.name, simulated) if level is Level.NAME and row.name is not None else None
    return {
        "id": row.id,
        "name": name,
        "initials": words.initials(name) if name else None,
        "badge": None if level is Level.HIDDEN else row.badge_id,
        "at": rfc3339(row.at),
        "evidence": row.evidence,
        "note": _note(row, say),
        "undone": row.undone,
        "late": words.late(row.at, row.recorded_at, row.replayed, say),
    }


def _note(row: ArrivalRow, say: Texts) -> str:
    """The one thing most worth knowing: what asks for an answer first, then what a host may say hello with."""
    if row.over_capacity:
        return say.gettext("over capacity")
    if row.name is None:
        return ""
    if not row.signed_up:
        return say.gettext("not signed up")
    return words.times_here(row.earlier, say)


def curve(arrivals: list[dt.datetime]) -> list[list[Any]]:
    """Cumulative arrivals, ascending: at most CURVE_POINTS true points, the first and the last always there."""
    count = len(arrivals)
    if count <= CURVE_POINTS:
        chosen = list(range(count))
    else:
        chosen = [round(place * (count - 1) / (CURVE_POINTS - 1)) for place in range(CURVE_POINTS)]
    # Several at one moment are one step of the curve.
    points = dict.fromkeys(arrivals[place] for place in chosen)
    return [[rfc3339(at), bisect.bisect_right(arrivals, at)] for at in points]
