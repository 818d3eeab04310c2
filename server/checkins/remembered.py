"""Reads whose visits to a venue are remembered, since when, and the check-ins to its days."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.checkins import rules
from server.checkins.rows import Pair, by_pair, read
from server.presence.joining import Interval


def holders(session: Session, heard: Collection[tuple[int, str, int, int]]) -> Sequence[Any]:
    """Badge, venue, member and the venue's time zone of who holds, or will, a badge heard where her visits count.

    heard: badge, venue, from and to (ms).
    """
    badges, venue_ids, lows, _ = zip(*heard, strict=True)
    return read(session, _REMEMBERING, badges=badges, venues=venue_ids, lows=lows)


def check_ins(session: Session, of_days: Sequence[tuple[str, str, dt.date]]) -> dict[Pair, list[tuple[Any, ...]]]:
    """Member and venue's day -> her check-ins there as evidence reads those of steps; of_days: member, venue, day."""
    members, venue_ids, dates = zip(*of_days, strict=True)
    return by_pair(read(session, _CHECK_INS_OF_DAYS, members=members, venues=venue_ids, days=dates))


def venues_of(session: Session, members: Collection[str], venues: Collection[str]) -> Sequence[Any]:
    """Member, venue and the venue's time zone of these whose visits were ever remembered there."""
    return read(session, _EVER, members=members, venues=venues)


def times_of(session: Session, of_days: Iterable[tuple[str, str, dt.date]]) -> dict[Pair, list[Interval]]:
    """Member and venue -> when (ms) her visits there were remembered; of_days: member, venue, day."""
    asked = dict.fromkeys((member_id, venue_id) for member_id, venue_id, _ in of_days)
    found: dict[Pair, list[Interval]] = defaultdict(list)
    pairs = {"members": [member_id for member_id, _ in asked], "venues": [venue_id for _, venue_id in asked]}
    for member_id, venue_id, since_ms, ended_ms in read(session, _REMEMBERED, **pairs):
        found[member_id, venue_id].append((since_ms, rules.EVER_MS if ended_ms is None else ended_ms))
    return found


# Who holds, or will, a badge that was heard at a venue where her visits are remembered.
_REMEMBERING = text("""
    SELECT heard.badge_id, heard.venue_id, remembered_venue.member_id, venue.time_zone
    FROM unnest(string_to_array(:badges, ',')::bigint[], string_to_array(:venues, ','),
                string_to_array(:lows, ',')::bigint[]) AS heard (badge_id, venue_id, low)
    JOIN pairing ON pairing.badge_id = heard.badge_id
         AND pairing.valid && tstzrange(to_timestamp(heard.low / 1000.0), NULL)
    JOIN remembered_venue ON remembered_venue.member_id = pairing.member_id
         AND remembered_venue.venue_id = heard.venue_id
         AND coalesce(remembered_venue.ended_at, 'infinity') >= to_timestamp(heard.low / 1000.0)
    JOIN venue ON venue.id = heard.venue_id
""")

_REMEMBERED = text("""
    SELECT member_id, venue_id, floor(extract(epoch FROM since) * 1000)::bigint,
           floor(extract(epoch FROM ended_at) * 1000)::bigint
    FROM unnest(string_to_array(:members, ','), string_to_array(:venues, ',')) AS asked (member_id, venue_id)
    JOIN remembered_venue USING (member_id, venue_id)
""")

_EVER = text("""
    SELECT DISTINCT remembered_venue.member_id, venue.id, venue.time_zone
    FROM remembered_venue JOIN venue ON venue.id = remembered_venue.venue_id
    WHERE remembered_venue.member_id = ANY(string_to_array(:members, ','))
      AND remembered_venue.venue_id = ANY(string_to_array(:venues, ','))
""")

_CHECK_INS_OF_DAYS = text("""
    SELECT member_id, asked.venue_id || '@' || asked.day, id, floor(extract(epoch FROM at) * 1000)::bigint, badge_id,
           evidence, signed_up, floor(extract(epoch FROM undone_at) * 1000)::bigint
    FROM unnest(string_to_array(:members, ','), string_to_array(:venues, ','), string_to_array(:days, ','))
         AS asked (member_id, venue_id, day)
    JOIN checkin USING (member_id) WHERE checkin.venue_id = asked.venue_id AND checkin.day = asked.day::date
""")
