"""What is learnt from who came: what the same people come to, and how many usually come; in bounded memory.

A step of a gathering and a venue's day are each one coming, as in server.nearby.person. Which weights follow from it:
server/nearby/choices.py. docs/learning.md says what nobody can read from it.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import habits, likeness
from geo.likeness import Alike, Ints
from geo.ranking import Floats
from server import constraints, database

# Half a year: two seasons of what people do. More would tell of who they were; less, nothing of what is monthly.
BACK = dt.timedelta(weeks=26)
# Of one person nothing is learnt, nor of a few: what 5 came to both of tells of none of them.
FEWEST = 5
MOST_ALIKE = 20  # of each thing: what follows is noise, and rows
# The latest so many comings, of a city of a million in a month: 100 MB of numbers, and some minutes.
MOST_COMINGS = 4_000_000
AT_ONCE = 50_000  # comings read at once: 10 MB
# How many came is public: nobody below 10, and then in steps of 5.
CROWD_FROM, CROWD_STEP = 10, 5
LISTINGS_AT_ONCE = 5_000  # written by one statement: nobody who signs up meanwhile waits longer than for that
TURN = "nearby learning"
_WHEN = "checkin.recorded_at > :since AND checkin.at > :since AND checkin.at < :until AND checkin.undone_at IS NULL"
# A number for each person, no name: nothing of hers is needed but that it was the same person.
_COMINGS = text(f"""
    SELECT checkin.recorded_at, checkin.id, hashtextextended(checkin.member_id, 0),
           extract(epoch FROM checkin.at)::float,
           coalesce('series/' || event.series_id, 'community/' || event.community_id,
                    'organizer/' || event.organizer_id, 'venue/' || checkin.venue_id)
    FROM checkin LEFT JOIN step ON step.id = checkin.step_id LEFT JOIN event ON event.id = step.event_id
    WHERE {_WHEN} AND checkin.member_id IS NOT NULL
    AND checkin.recorded_at <= :before AND (checkin.recorded_at, checkin.id) < (:before, :before_id)
    ORDER BY checkin.recorded_at DESC, checkin.id DESC LIMIT :most
""")  # noqa: S608 -- a text of ours, here and below
# Whoever was erased still counts where people are counted.
_WHO = "coalesce(checkin.member_id, 'stranger/' || checkin.stranger)"
_EVENINGS = text(f"""
    SELECT event.series_id, event.community_id, event.organizer_id,
           (array_agg(step.venue_id ORDER BY step.position))[1],
           extract(epoch FROM :until - min(step.starts_at))::float, count(DISTINCT {_WHO})
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN event ON event.id = step.event_id
    WHERE {_WHEN} GROUP BY event.id
""")  # noqa: S608
_VISITORS = text(f"""
    SELECT venue_id, days, count(*) FROM (
        SELECT coalesce(checkin.venue_id, step.venue_id) AS venue_id, {_WHO} AS who,
               floor(extract(epoch FROM :until - max(checkin.at)) / 86400)::float AS days
        FROM checkin LEFT JOIN step ON step.id = checkin.step_id
        WHERE {_WHEN} GROUP BY 1, 2) AS last
    GROUP BY venue_id, days
""")  # noqa: S608
_KEEP = (
    text("CREATE TEMP TABLE IF NOT EXISTS likeness_found (LIKE likeness) ON COMMIT DROP"),
    text("TRUNCATE likeness_found"),
)
_FOUND = text("""
    INSERT INTO likeness_found (of, other, share, people)
    SELECT * FROM unnest(CAST(:of AS text[]), CAST(:other AS text[]), CAST(:share AS float[]),
                         CAST(:people AS bigint[]))
""")
_TAKE = text("""
    INSERT INTO likeness (of, other, share, people) SELECT of, other, share, people FROM likeness_found
    ON CONFLICT (of, other) DO UPDATE SET share = excluded.share, people = excluded.people
    WHERE (likeness.share, likeness.people) IS DISTINCT FROM (excluded.share, excluded.people)
""")
_DROP = text("""
    DELETE FROM likeness WHERE NOT EXISTS (
        SELECT FROM likeness_found AS found WHERE found.of = likeness.of AND found.other = likeness.other)
""")
_LISTED = text("""
    SELECT id, step_id IS NOT NULL, series_id, community_id, organizer_id, venue_id, came FROM listing
    WHERE id > :after ORDER BY id LIMIT :most
""")
# In the order in which the triggers lock them.
_CAME = text("""
    WITH locked AS (SELECT id FROM listing WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
    UPDATE listing SET came = new.came
    FROM locked JOIN unnest(CAST(:ids AS bigint[]), CAST(:came AS float[])) AS new (id, came) USING (id)
    WHERE listing.id = locked.id
""")
# What is of the same hosts at the same place is usually as full: it would be counted alike.
_NEW = text("""
    WITH usual AS (
        SELECT series_id, community_id, organizer_id, venue_id, max(came) AS came FROM listing
        WHERE step_id IS NOT NULL AND came > 0 GROUP BY 1, 2, 3, 4
    ), fresh AS (
        SELECT listing.id, usual.came FROM listing JOIN usual USING (organizer_id, venue_id)
        WHERE listing.step_id IS NOT NULL AND listing.came = 0
        AND coalesce(listing.series_id, '') = coalesce(usual.series_id, '')
        AND coalesce(listing.community_id, '') = coalesce(usual.community_id, '')
        ORDER BY listing.id FOR UPDATE OF listing
    )
    UPDATE listing SET came = fresh.came FROM fresh WHERE listing.id = fresh.id
""")
_OVER = text("DELETE FROM listing WHERE step_id IS NOT NULL AND ends_at <= :now")
_GONE = text("""
    DELETE FROM likeness WHERE EXISTS (
        SELECT FROM unnest(ARRAY[of, other]) AS key,
        LATERAL (SELECT split_part(key, '/', 1) AS kind, substr(key, strpos(key, '/') + 1) AS id) AS named
        WHERE CASE kind WHEN 'series' THEN NOT EXISTS (SELECT FROM series WHERE series.id = named.id)
                        WHEN 'community' THEN NOT EXISTS (SELECT FROM community WHERE community.id = named.id
                                                          AND dissolved_at IS NULL)
                        WHEN 'organizer' THEN NOT EXISTS (SELECT FROM member WHERE member.id = named.id)
                        ELSE NOT EXISTS (SELECT FROM venue WHERE venue.id = named.id) END)
""")


class Comings(NamedTuple):
    """Who came to what lasts, and when (seconds since the epoch). thing: a number, of which keys has the name."""

    person: Ints
    thing: Ints
    at: Floats
    keys: list[str]


class Likenesses(NamedTuple):
    """What is alike, with the names of the things; see geo.likeness."""

    alike: Alike
    keys: list[str]
    numbers: Mapping[str, int]


class Crowds(NamedTuple):
    """How many people usually come. evenings: faded people and evenings by key; venues: faded visitors by id."""

    evenings: Mapping[str, tuple[float, float]]
    otherwise: float
    venues: Mapping[str, float]

    def of_event(self, series: str | None, community: str | None, organizer: str | None, venue: str) -> float:
        """How many usually come to what is of these, as the public may know it."""
        usual = self.otherwise
        of = (("venue", venue), ("organizer", organizer), ("community", community), ("series", series))
        for kind, of_id in of:
            people, evenings = self.evenings.get(f"{kind}/{of_id}", (0.0, 0.0))
            usual = float(habits.usual_crowd(people, evenings, usual))
        return public(usual)

    def of_venue(self, venue: str) -> float:
        """How many came to a venue of late, as the public may know it."""
        return public(self.venues.get(venue, 0.0))


def public(people: float) -> float:
    """How many people there are, as everybody may know it: at least so many, 0 for few."""
    # What was summed up in another order may lack the last digit of a round number.
    return 0.0 if people + 1e-6 < CROWD_FROM else float((people + 1e-6) // CROWD_STEP * CROWD_STEP)


def read(session: Session, *, until: dt.datetime, most: int = MOST_COMINGS, at_once: int = AT_ONCE) -> Comings:
    """Who of those who are still members came to what within half a year before; the latest, where they are more."""
    numbers: dict[str, int] = {}
    parts = [
        (
            np.array([row[2] for row in rows], dtype=np.int64),
            np.array([numbers.setdefault(row[4], len(numbers)) for row in rows], dtype=np.int64),
            np.array([row[3] for row in rows], dtype=np.float64),
        )
        for rows in _read(session, until, most, at_once)
    ]
    if not parts:
        return Comings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), [])
    person, thing, at = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Comings(person, thing, at, list(numbers))


def _read(session: Session, until: dt.datetime, most: int, at_once: int) -> Iterator[list[tuple[Any, ...]]]:
    # What happened before `until` may have been recorded after it.
    before: tuple[dt.datetime, int] = (dt.datetime.max.replace(tzinfo=dt.UTC), 2**62)
    left = most
    while left:
        given = {"since": until - BACK, "until": until, "before": before[0], "before_id": before[1]}
        rows = database.read_rows(session, _COMINGS, given | {"most": min(left, at_once)})
        if rows:
            yield rows
        if len(rows) < min(left, at_once):
            return
        left -= len(rows)
        before = (rows[-1][0], rows[-1][1])


def find_likeness(comings: Comings) -> Likenesses:
    """What the same people come to, as far as FEWEST of them came to both."""
    person, thing, _ = likeness.keep_last(comings.person, comings.thing, comings.at)
    found = likeness.find(person, thing, len(comings.keys), most_alike=MOST_ALIKE, fewest=FEWEST)
    return Likenesses(found, comings.keys, {key: number for number, key in enumerate(comings.keys)})


def learn_likeness(session: Session, *, now: dt.datetime) -> int:
    """Finds anew what the same people come to, and how many pairs there are of it; nobody ever reads less than all."""
    constraints.take_turn(session, TURN)
    alike, keys, _ = find_likeness(read(session, until=now))
    for statement in _KEEP:
        session.execute(statement)
    of = np.repeat(np.arange(len(keys)), np.diff(alike.begins)) if keys else np.empty(0, np.int64)
    for low in range(0, len(of), AT_ONCE):
        part = slice(low, low + AT_ONCE)
        columns = {
            "of": [keys[number] for number in of[part].tolist()],
            "other": [keys[number] for number in alike.other[part].tolist()],
            "share": np.minimum(alike.share[part], 1.0).tolist(),
            "people": alike.both[part].tolist(),
        }
        session.execute(_FOUND, columns)
    session.execute(_TAKE)
    session.execute(_DROP)
    return len(of)


def count_crowds(session: Session, *, until: dt.datetime) -> Crowds:
    """How many people usually came, of the half year before: to each series, community, organizer and venue."""
    given = {"since": until - BACK, "until": until}
    evenings: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    all_people, all_evenings = 0.0, 0.0
    for *of, age_s, people in database.read_rows(session, _EVENINGS, given):
        counts = float(habits.fade(age_s, habits.CROWD_DAYS))
        all_people, all_evenings = all_people + counts * people, all_evenings + counts
        for kind, of_id in zip(("series", "community", "organizer", "venue"), of, strict=True):
            if of_id is not None:
                before = evenings[f"{kind}/{of_id}"]
                evenings[f"{kind}/{of_id}"] = (before[0] + counts * people, before[1] + counts)
    venues: dict[str, float] = defaultdict(float)
    for venue_id, days, people in database.read_rows(session, _VISITORS, given):
        venues[venue_id] += people * float(habits.fade(days * habits.DAY_S, habits.CROWD_DAYS))
    return Crowds(dict(evenings), all_people / max(all_evenings, 1e-9), dict(venues))


def fill_crowds(session: Session, crowds: Crowds, *, after: int, most: int = LISTINGS_AT_ONCE) -> int | None:
    """Says of the next listings how many usually come, where that changed; the last of them, None behind the end."""
    rows = database.read_rows(session, _LISTED, {"after": after, "most": most})
    changed: list[tuple[int, float]] = []
    for listing, is_event, series, community, organizer, venue, was in rows:
        came = crowds.of_event(series, community, organizer, venue) if is_event else crowds.of_venue(venue)
        if came != was:
            changed.append((listing, came))
    if changed:
        ids, came_to = zip(*changed, strict=True)
        session.execute(_CAME, {"ids": list(ids), "came": list(came_to)})
    return rows[-1][0] if rows else None


def fill_new(session: Session) -> None:
    """Says of new listings what is said of those of the same hosts at the same place."""
    session.execute(_NEW)


def tidy(session: Session, *, now: dt.datetime) -> None:
    """Takes out listings of what is over."""
    session.execute(_OVER, {"now": now})


def forget_gone(session: Session) -> None:
    """Forgets what was learnt of what is there no more."""
    session.execute(_GONE)
