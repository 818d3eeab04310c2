"""Who came when, each person with her days: check-ins that stand, and, as numbers alone, visits of badges."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.fans.brought import Signs

# What goes by is no guest: as long as somebody who did not sign up has to be heard (checkin.dwell_walk_in_s).
SHORTEST_MS = 90_000
HOURS = 3  # of a part of the day
PARTS = 24 // HOURS


class Person(NamedTuple):
    """Somebody who came. known: on those of her days a check-in that stands says so; the others are bare visits.

    member_id: None for a badge that nobody holds. first_on, first_event: of all times, the gathering of that day if she
    came to one; first_known: the first that a check-in says. slots: weekday (Monday is 0)
    times PARTS plus the part of the day in which she came, by the place's clock.
    """

    member_id: str | None
    first_on: dt.date
    first_known: dt.date | None
    first_event: str | None
    days: tuple[dt.date, ...]
    known: tuple[dt.date, ...]
    slots: frozenset[int]


# A day turns at 05:00 (server/checkins/days.py). What was erased left badges that show nothing: no person is read from
# them, so a badge without a holder counts if it was registered to be heard.
_AT_VENUE = """
    SELECT checkin.member_id AS person, checkin.member_id, true AS known, checkin.at, :time_zone ::text AS time_zone,
           NULL AS event_id
    FROM checkin WHERE checkin.venue_id = :of AND checkin.undone_at IS NULL AND checkin.member_id IS NOT NULL
    UNION ALL
    SELECT checkin.member_id, checkin.member_id, true, checkin.at, :time_zone, step.event_id
    FROM step JOIN checkin ON checkin.step_id = step.id AND checkin.undone_at IS NULL
    WHERE step.venue_id = :of AND checkin.member_id IS NOT NULL
    UNION ALL
    SELECT coalesce(held.member_id, 'badge ' || held.badge_id), held.member_id, false,
           to_timestamp(held.from_ms / 1000.0), :time_zone, NULL
    FROM (SELECT visit.badge_id, pairing.member_id,
                 greatest(visit.from_ms, ceil(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint) AS from_ms,
                 least(visit.to_ms, ceil(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint - 1) AS to_ms
          FROM visit LEFT JOIN pairing ON pairing.badge_id = visit.badge_id
               AND pairing.valid
                   && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
          WHERE visit.venue_id = :of) AS held
    WHERE held.to_ms - held.from_ms >= :shortest_ms AND (held.member_id IS NOT NULL OR EXISTS (
        SELECT FROM identity WHERE identity.badge_id = held.badge_id))
"""
_OF_HOUSE = """
    SELECT checkin.member_id AS person, checkin.member_id, true AS known, checkin.at, venue.time_zone,
           event.id AS event_id
    FROM event JOIN step ON step.event_id = event.id JOIN venue ON venue.id = step.venue_id
         JOIN checkin ON checkin.step_id = step.id AND checkin.undone_at IS NULL
    WHERE event.community_id = :of AND checkin.member_id IS NOT NULL
"""
_PEOPLE = """
    SELECT member_id, min(day) AS first_on, min(day) FILTER (WHERE known) AS first_known,
           (array_agg(event_id ORDER BY day, event_id))[1] AS first_event,
           coalesce(array_agg(DISTINCT day) FILTER (WHERE day >= :since), '{{}}') AS days,
           coalesce(array_agg(DISTINCT day) FILTER (WHERE day >= :since AND known), '{{}}') AS known,
           array_agg(DISTINCT slot) FILTER (WHERE day >= :slots_since) AS slots
    FROM (SELECT came.*, (local - interval '5 hours')::date AS day,
                 ((extract(isodow FROM local) - 1) * :parts + floor(extract(hour FROM local) / :hours))::int AS slot
          FROM (SELECT came.*, came.at AT TIME ZONE came.time_zone AS local FROM ({came}) AS came
                WHERE came.at <= :now) AS came) AS came
    GROUP BY person, member_id HAVING max(day) >= :since
"""
_SIGNS = text("""
    SELECT wanted.member_id, wanted.event_id, sign_up.at AS signed_up_at, community_member.joined_at,
           (SELECT min(post.at) FROM post WHERE post.leads_to = wanted.event_id AND post.deleted_at IS NULL
                                            AND post.member_id IS DISTINCT FROM wanted.member_id) AS posted_at
    FROM unnest(CAST(:members AS text[]), CAST(:events AS text[])) AS wanted (member_id, event_id)
    JOIN event ON event.id = wanted.event_id
    LEFT JOIN sign_up ON sign_up.event_id = wanted.event_id AND sign_up.member_id = wanted.member_id
         AND sign_up.state IN ('asked', 'going', 'waiting')
    LEFT JOIN community_member ON community_member.community_id = event.community_id
         AND community_member.member_id = wanted.member_id
""")


def at_venue(
    session: Session, venue_id: str, *, time_zone: str, since: dt.date, slots_since: dt.date, now: dt.datetime
) -> list[Person]:
    """Whoever came to a venue since a day: had a visit remembered, checked in to something there, or was heard."""
    values: dict[str, str | int] = {"of": venue_id, "time_zone": time_zone, "shortest_ms": SHORTEST_MS}
    return _people(session, _AT_VENUE, values, since=since, slots_since=slots_since, now=now)


def of_house(
    session: Session, community_id: str, *, since: dt.date, slots_since: dt.date, now: dt.datetime
) -> list[Person]:
    """Whoever came to a gathering of a house since a day."""
    return _people(session, _OF_HOUSE, {"of": community_id}, since=since, slots_since=slots_since, now=now)


def signs(session: Session, first: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Signs]:
    """What is known of how these members came to these gatherings, by (member, event)."""
    if not first:
        return {}
    members, events = zip(*first, strict=True)
    rows = session.execute(_SIGNS, {"members": list(members), "events": list(events)})
    return {(row.member_id, row.event_id): Signs(row.signed_up_at, row.posted_at, row.joined_at) for row in rows}


def _people(
    session: Session,
    came: str,
    values: Mapping[str, str | int],
    *,
    since: dt.date,
    slots_since: dt.date,
    now: dt.datetime,
) -> list[Person]:
    given = {**values, "since": since, "slots_since": slots_since, "now": now, "parts": PARTS, "hours": HOURS}
    rows = session.execute(text(_PEOPLE.format(came=came)), given)
    return [
        Person(
            row.member_id,
            row.first_on,
            row.first_known,
            row.first_event,
            tuple(row.days),
            tuple(row.known),
            frozenset(row.slots or ()),
        )
        for row in rows
    ]
