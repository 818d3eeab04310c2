"""What viewers may see, as whoever shows presence or check-ins needs it: windows of time for many members at once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.consent import rules, service
from server.consent.rules import EVER_MS, Grant, Kind, Level, Viewer, Windows

# An organizer sees a venue while her event is open there: pictures that are kept for an hour have to know of the next.
EVENTS_AHEAD = dt.timedelta(hours=2)


class Said(NamedTuple):
    """All that a member said and has not taken back."""

    grants: tuple[Grant, ...] = ()
    paused: bool = False


class Holding(NamedTuple):
    """Who held a badge in [from_ms, to_ms), and how much of her the keeper of a venue sees.

    events: the same for organizers of the events at the venue, where it differs from hidden. name: "" where nobody may
    see it.
    """

    from_ms: int
    to_ms: int
    member_id: str
    name: str
    venue: Windows
    events: Mapping[str, Windows]


class ByEvent(NamedTuple):
    """How much of a member the organizer of one event sees, and the keeper of each of its venues."""

    organizer: Windows
    venues: Mapping[str, Windows]

    def of_organizer(self, venue_id: str, at_ms: int) -> Level:
        """What the organizer sees of her at this venue."""
        return rules.organizer_at_venue(rules.level_at(self.organizer, at_ms), self.of_venue(venue_id, at_ms))

    def of_venue(self, venue_id: str, at_ms: int) -> Level:
        """What the keeper of this venue sees, and an operator without her name."""
        return rules.level_at(self.venues[venue_id], at_ms)


# A pause is a row without a kind.
_SAID = text("""
    SELECT member_id, kind, of_id, level, until FROM consent WHERE member_id = ANY(:members) AND ended_at IS NULL
    UNION ALL
    SELECT member_id, NULL, NULL, NULL, NULL FROM consent_pause WHERE member_id = ANY(:members) AND ended_at IS NULL
""")

_HELD = text("""
    SELECT pairing.badge_id, pairing.member_id, member.name,
           floor(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint AS from_ms,
           floor(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint AS to_ms
    FROM pairing JOIN member ON member.id = pairing.member_id
    WHERE pairing.badge_id = ANY(:badges)
    ORDER BY pairing.badge_id, lower(pairing.valid) NULLS FIRST
""")

_EVENTS_AT = text("""
    SELECT open.venue_id, open.event_id, max(step.ends_at) AS ends_at
    FROM (SELECT DISTINCT step.venue_id, step.event_id
          FROM unnest(CAST(:venues AS text[]), CAST(:nows AS timestamptz[])) AS asked (venue_id, now)
          JOIN step ON step.venue_id = asked.venue_id
               AND step.ends_at > asked.now AND step.opens_at < asked.now + :ahead) AS open
    JOIN event ON event.id = open.event_id AND event.state = 'published' JOIN step ON step.event_id = open.event_id
    GROUP BY open.venue_id, open.event_id
""")

# Hers are the events that she signed up for (going, asking the host, or waiting: the host has to see whom to let in),
# and those that she checked in to by an act of her own: a badge that is
# heard is none.
_MINE = text("""
    SELECT member_id, event_id FROM sign_up WHERE event_id = ANY(:events) AND member_id = ANY(:members)
      AND state IN ('asked', 'going', 'waiting')
    UNION
    SELECT checkin.member_id, step.event_id FROM checkin JOIN step ON step.id = checkin.step_id
    WHERE step.event_id = ANY(:events) AND checkin.member_id = ANY(:members)
      AND checkin.undone_at IS NULL AND checkin.evidence <> 'beacon'
""")

_SAID_OF_VENUE = text("""
    SELECT member_id FROM consent
    WHERE kind = 'venue' AND level = 'hidden' AND (of_id IS NULL OR of_id = :venue) AND ended_at IS NULL
    UNION SELECT member_id FROM consent_pause WHERE ended_at IS NULL
""")

_EVENT = text("""
    SELECT max(ends_at) AS ends_at, array_agg(DISTINCT venue_id) AS venues FROM step WHERE event_id = :event
""")


def said_by(session: Session, member_ids: Collection[str]) -> Mapping[str, Said]:
    """What these members said; whoever said nothing is there, too."""
    members = list(member_ids)
    grants: dict[str, list[Grant]] = defaultdict(list)
    paused = set()
    for row in session.execute(_SAID, {"members": members}):
        if row.kind is None:
            paused.add(row.member_id)
        else:
            grants[row.member_id].append(service.grant_of(row))
    return {member: Said(tuple(grants.get(member, ())), member in paused) for member in members}


class Looked(NamedTuple):
    """These badges, looked at in a venue at its own `now`."""

    venue_id: str
    badge_ids: Collection[int]
    now: dt.datetime


def holdings(
    session: Session, badge_ids: Collection[int], *, venue_id: str, now: dt.datetime
) -> dict[int, tuple[Holding, ...]]:
    """Who held each of these badges when, ascending, and how much of them is seen at a venue; () for nobody's.

    now: the venue's own; of events that are open there by then, or within the next hours, organizers may look.
    """
    return holdings_at(session, [Looked(venue_id, badge_ids, now)])[0]


def holdings_at(session: Session, looked: Sequence[Looked]) -> list[dict[int, tuple[Holding, ...]]]:
    """The same at several venues: as many statements as for one."""
    badges = {badge_id for one in looked for badge_id in one.badge_ids}
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_HELD, {"badges": list(badges)}) if badges else ():
        rows[row.badge_id].append(row)
    members = {row.member_id for held in rows.values() for row in held}
    said = said_by(session, members) if members else {}
    ends_ms: dict[str, dict[str, int]] = defaultdict(dict)
    if members:
        venues, nows = [one.venue_id for one in looked], [one.now for one in looked]
        for row in session.execute(_EVENTS_AT, {"venues": venues, "nows": nows, "ahead": EVENTS_AHEAD}):
            ends_ms[row.venue_id][row.event_id] = times.to_ms(row.ends_at)
    mine = _mine(session, {event_id for events in ends_ms.values() for event_id in events}, members)
    return [
        {
            badge_id: tuple(
                _holding(row, said[row.member_id], one.venue_id, ends_ms[one.venue_id], mine)
                for row in rows.get(badge_id, ())
            )
            for badge_id in one.badge_ids
        }
        for one in looked
    ]


def _holding(
    row: Any, said: Said, venue_id: str, ends_ms: Mapping[str, int], mine: Collection[tuple[str, str]]
) -> Holding:
    at_venue = rules.windows(*said, Viewer(Kind.VENUE, venue_id))
    by_event = {
        event_id: rules.windows(
            *said, Viewer(Kind.ORGANIZER, event_id, mine=(row.member_id, event_id) in mine, ends_ms=end_ms)
        )
        for event_id, end_ms in ends_ms.items()
    }
    return Holding(
        row.from_ms or 0,
        EVER_MS if row.to_ms is None else row.to_ms,
        row.member_id,
        row.name if any(window.level is Level.NAME for window in at_venue) else "",
        at_venue,
        {event_id: found for event_id, found in by_event.items() if found != rules.HIDDEN},
    )


def for_event(session: Session, event_id: str, member_ids: Collection[str]) -> dict[str, ByEvent]:
    """How much of each of these members the organizer of an event sees, and the keepers of its venues."""
    members = list(member_ids)
    event = session.execute(_EVENT, {"event": event_id}).one()
    ends_ms = 0 if event.ends_at is None else times.to_ms(event.ends_at)
    mine = _mine(session, {event_id: ends_ms}, members)
    return {
        member_id: ByEvent(
            rules.windows(*said, Viewer(Kind.ORGANIZER, event_id, mine=(member_id, event_id) in mine, ends_ms=ends_ms)),
            {venue: rules.windows(*said, Viewer(Kind.VENUE, venue)) for venue in event.venues or ()},
        )
        for member_id, said in said_by(session, members).items()
    }


def for_venue(session: Session, venue_id: str, member_ids: Collection[str]) -> dict[str, Windows]:
    """How much of each of these members the keeper of a venue sees."""
    said = said_by(session, member_ids)
    return {member_id: rules.windows(*said[member_id], Viewer(Kind.VENUE, venue_id)) for member_id in said}


def hidden_at(session: Session, venue_id: str, at_ms: int) -> list[str]:
    """All members who are hidden from the keeper of a venue at a moment: of those who said something about it."""
    said = session.execute(_SAID_OF_VENUE, {"venue": venue_id}).scalars().all()
    return [
        member_id
        for member_id, windows in for_venue(session, venue_id, said).items()
        if rules.level_at(windows, at_ms) is Level.HIDDEN
    ]


def organizer_sees(session: Session, *, event_id: str, member_id: str, now: dt.datetime) -> Level:
    """How much of one member the organizer of an event sees at `now`."""
    found = for_event(session, event_id, [member_id])[member_id]
    return rules.level_at(found.organizer, times.to_ms(now))


def named_to_host(session: Session, *, event_id: str, member_ids: Collection[str], now: dt.datetime) -> frozenset[str]:
    """Those of these members whose names the organizer of an event, and whom she puts at a door, see at `now`."""
    at_ms = times.to_ms(now)
    seen = for_event(session, event_id, member_ids)
    return frozenset(one for one in seen if rules.level_at(seen[one].organizer, at_ms) is Level.NAME)


def _mine(session: Session, events: Iterable[str], members: Collection[str]) -> set[tuple[str, str]]:
    wanted = list(events)
    if not wanted or not members:
        return set()
    rows = session.execute(_MINE, {"events": wanted, "members": list(members)})
    return {(row.member_id, row.event_id) for row in rows}


class Eyes(NamedTuple):
    """With whose eyes a venue is seen: those of anybody who may (numbers), of who keeps it, of an organizer there.

    events: the events of an organizer that are open there.
    """

    keeps: bool = False
    events: tuple[str, ...] = ()

    def level(self, held: Holding | None, at_ms: int) -> Level:
        """How much is seen of who holds a badge; nobody's is a number."""
        if held is None:
            return Level.COUNTED
        level = rules.level_at(held.venue, at_ms)
        if not self.keeps:
            level = min(level, Level.COUNTED)
        for event_id in self.events:
            by_event = rules.level_at(held.events.get(event_id, rules.HIDDEN), at_ms)
            level = max(level, min(by_event, Level.COUNTED))
        return level


def holder_at(held: tuple[Holding, ...], at_ms: int) -> Holding | None:
    """Who held a badge at a moment; None: nobody."""
    for holding in held:
        if holding.from_ms <= at_ms < holding.to_ms:
            return holding
    return None
