"""The visits of a venue as a file: numbers for each quarter of an hour, or visits of who lets the venue know her name.

Numbers of a file are put together with others and kept for ever, so they hide more than a page: below FEWEST there is
none, and above it is rounded. A quarter without anybody is told like one with a few.
"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, Row, text
from sqlalchemy.orm import Session

from server import times
from server.errors import Invalid
from server.exports import local, naming
from server.exports.download import File, Form, Record, Tell
from server.people.model import Member
from server.venues.model import Venue

QUARTER = dt.timedelta(minutes=15)
QUARTER_MS = 15 * 60 * 1000  # every offset of a time zone that is in use is a multiple of it
FEWEST = 20  # k-anonymity in practice for what leaves the house
ROUNDED_TO = 5  # so that the difference of two quarters tells nobody's coming
USUAL = dt.timedelta(days=28)
LONGEST = dt.timedelta(days=92)

NUMBERS = ("from", "from_utc", "people", "fewer_than", "listened_minutes", "time_zone")
NAMED = ("name", "from", "from_utc", "to", "to_utc", "time_zone")

# `reach_ms` is what the index has. A member with two badges is one.
_NUMBERS = text("""
    WITH seen AS (
        SELECT quarter_ms, count(DISTINCT coalesce(pairing.member_id, visit.badge_id::text)) AS people
        FROM visit
        CROSS JOIN LATERAL generate_series(
            greatest(visit.from_ms, :since_ms) / :quarter_ms * :quarter_ms,
            least(visit.to_ms, :until_ms - 1), :quarter_ms) AS quarter (quarter_ms)
        LEFT JOIN pairing ON pairing.badge_id = visit.badge_id
            AND pairing.valid @> to_timestamp(greatest(visit.from_ms, quarter_ms) / 1000.0)
        WHERE visit.venue_id = :venue AND visit.reach_ms >= :since_ms AND visit.to_ms >= :since_ms
              AND visit.from_ms < :until_ms
              AND (pairing.member_id IS NULL OR pairing.member_id <> ALL(:hidden ::text[]))
        GROUP BY quarter_ms
    ), heard AS (
        SELECT quarter_ms, range_agg(int8range(greatest(coverage.from_ms, quarter_ms),
                                               least(coverage.to_ms, quarter_ms + :quarter_ms))) AS runs
        FROM placement JOIN coverage ON coverage.placement_id = placement.id
        CROSS JOIN LATERAL generate_series(
            greatest(coverage.from_ms, :since_ms) / :quarter_ms * :quarter_ms,
            least(coverage.to_ms, :until_ms) - 1, :quarter_ms) AS quarter (quarter_ms)
        WHERE placement.venue_id = :venue AND coverage.to_ms > :since_ms AND coverage.from_ms < :until_ms
        GROUP BY quarter_ms
    )
    SELECT quarter_ms, coalesce(seen.people, 0) AS people,
           coalesce((SELECT sum(upper(run) - lower(run)) FROM unnest(heard.runs) AS run), 0) AS listened_ms
    FROM generate_series(:since_ms, :until_ms - 1, :quarter_ms) AS quarter (quarter_ms)
    LEFT JOIN seen USING (quarter_ms) LEFT JOIN heard USING (quarter_ms) ORDER BY quarter_ms
""")
_HELD = text("""
    SELECT pairing.member_id,
           greatest(visit.from_ms, ceil(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint) AS from_ms,
           least(visit.to_ms, ceil(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint - 1) AS to_ms
    FROM visit JOIN pairing ON pairing.badge_id = visit.badge_id
         AND pairing.valid && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
    WHERE visit.venue_id = :venue AND visit.reach_ms >= :since_ms AND visit.to_ms >= :since_ms
          AND visit.from_ms < :until_ms
    ORDER BY from_ms, visit.id
""")


class SpanWrong(Invalid):
    """A file is of up to 92 days, and its beginning lies before its end."""

    code = "span_wrong"


def quarters(since: dt.datetime | None, until: dt.datetime | None, now: dt.datetime) -> tuple[int, int]:
    """Whole quarters of an hour from `since` (28 days back by default) to `until` (now), in ms; raises SpanWrong.

    One that is not over is left out: it would tell its few.
    """
    end = min(until or now, now)
    begin = since or end - USUAL
    if not dt.timedelta(0) <= end - begin <= LONGEST:
        raise SpanWrong
    return times.to_ms(begin) // QUARTER_MS * QUARTER_MS, times.to_ms(end) // QUARTER_MS * QUARTER_MS


def numbers(
    engine: Engine,
    *,
    venue: Venue,
    hidden: Sequence[str],
    since_ms: int,
    until_ms: int,
    now: dt.datetime,
    form: Form,
) -> File:
    """Numbers for each quarter without those who are hidden, for whom the caller has let; raises ExportsBusy."""

    def records(_session: Session, rows: Sequence[Row[Any]]) -> Iterator[Record]:
        return (_number(row, venue.time_zone) for row in rows)

    return File(
        engine,
        name=f"{venue.id}-numbers",
        form=form,
        columns=NUMBERS,
        query=_NUMBERS,
        values={
            "venue": venue.id,
            "since_ms": since_ms,
            "until_ms": until_ms,
            "quarter_ms": QUARTER_MS,
            "hidden": list(hidden),
        },
        tell=lambda _session: records,
        about=_about(venue, since_ms, until_ms, now),
        of="quarters",
    )


def named(
    engine: Engine, *, venue: Venue, viewer: Member, since_ms: int, until_ms: int, now: dt.datetime, form: Form
) -> File:
    """Visits of who lets the viewer know her name, for whom the caller has let; raises ExportsBusy."""

    def tell(session: Session) -> Tell:
        names_of = naming.of_venue(session, viewer=viewer, venue_id=venue.id, now=now)

        def records(_session: Session, rows: Sequence[Row[Any]]) -> Iterator[Record]:
            names = names_of({row.member_id for row in rows})
            return (_visit(row, names[row.member_id], venue.time_zone) for row in rows if row.member_id in names)

        return records

    return File(
        engine,
        name=f"{venue.id}-visits",
        form=form,
        columns=NAMED,
        query=_HELD,
        values={"venue": venue.id, "since_ms": since_ms, "until_ms": until_ms},
        tell=tell,
        about=_about(venue, since_ms, until_ms, now),
        of="visits",
    )


def _about(venue: Venue, since_ms: int, until_ms: int, now: dt.datetime) -> dict[str, Any]:
    return {
        "venue": venue.id,
        "name": venue.name,
        "since": local.utc(times.from_ms(since_ms)),
        "until": local.utc(times.from_ms(until_ms)),
        "at": local.utc(now),
    }


def _number(row: Row[Any], time_zone: str) -> Record:
    begins = times.from_ms(row.quarter_ms)
    enough = row.people >= FEWEST
    return {
        "from": local.write(begins, time_zone),
        "from_utc": local.utc(begins),
        "people": ROUNDED_TO * math.floor(row.people / ROUNDED_TO + 0.5) if enough else None,
        "fewer_than": None if enough else FEWEST,
        "listened_minutes": round(row.listened_ms / 60_000),
        "time_zone": time_zone,
    }


def _visit(row: Row[Any], name: str, time_zone: str) -> Record:
    begins, ends = times.from_ms(row.from_ms), times.from_ms(row.to_ms)
    return {
        "name": name,
        "from": local.write(begins, time_zone),
        "from_utc": local.utc(begins),
        "to": local.write(ends, time_zone),
        "to_utc": local.utc(ends),
        "time_zone": time_zone,
    }
