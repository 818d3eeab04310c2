"""The world of `muster bench match`: cities full of venues, gatherings to come and members, made in the database.

As many things and members in each city however many cities there are: a larger world is more of the same, and what is
asked of it has as much around it. A city reaches over the antimeridian.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable

import psycopg

from tests.bench import figures

THINGS = 5_000  # of a city: half of them venues, half gatherings to come
MEMBERS = 5_000
COMMUNITIES = 50
INTERESTS = 100
SIGMA_KM = 5.0  # two in three things of a city lie within it, each way


@dataclasses.dataclass(frozen=True, slots=True)
class Cities:
    """How many cities; things and members follow."""

    cities: int = 200

    @property
    def things(self) -> int:
        """Venues and gatherings."""
        return self.cities * THINGS

    @property
    def members(self) -> int:
        """Members."""
        return self.cities * MEMBERS


# Each follows from the ones before; c is a city's number, from 0. Seeded, so that it is the same world each time.
_MAKE = {
    "cities": """
        CREATE UNLOGGED TABLE bench_city AS
        SELECT c, CASE c WHEN 0 THEN 180.0 ELSE -180 + (c * 137.50776405 %% 360)::float END AS lon,
               CASE c WHEN 0 THEN -17.0 ELSE -50 + (c * 61.8033988 %% 115)::float END AS lat
        FROM generate_series(0, %(cities)s - 1) AS c;
        CREATE FUNCTION bench_place(c int) RETURNS geography LANGUAGE sql VOLATILE AS $$
            SELECT ST_Project(ST_MakePoint(lon, lat)::geography,
                              1000 * %(sigma)s * sqrt(-2 * ln(1 - random())), 2 * pi() * random())
            FROM bench_city WHERE bench_city.c = bench_place.c $$;
    """,
    "interests": """
        INSERT INTO interest (id, name_en, name_zh)
        SELECT 'i-' || i, 'Interest ' || i, '兴趣 ' || i FROM generate_series(0, %(interests)s - 1) AS i
    """,
    "members": """
        INSERT INTO member (id, name, time_zone)
        SELECT 'm-' || n, 'Member ' || n, 'UTC' FROM generate_series(0, %(cities)s * %(members)s - 1) AS n
    """,
    "what they like": """
        INSERT INTO member_interest (member_id, interest_id)
        SELECT 'm-' || n, 'i-' || floor(%(interests)s * power(random(), 2))::int
        FROM generate_series(0, %(cities)s * %(members)s - 1) AS n, generate_series(1, 3)
        ON CONFLICT DO NOTHING
    """,
    "homes": """
        CREATE UNLOGGED TABLE bench_home AS
        SELECT n, bench_place((n / %(members)s)::int) AS home
        FROM generate_series(0, %(cities)s * %(members)s - 1) AS n;
        ALTER TABLE bench_home ADD PRIMARY KEY (n)
    """,
    "communities": """
        INSERT INTO community (id, name)
        SELECT 'c-' || n, 'Community ' || n FROM generate_series(0, %(cities)s * %(communities)s - 1) AS n;
        INSERT INTO community_interest (community_id, interest_id)
        SELECT 'c-' || n, 'i-' || floor(%(interests)s * power(random(), 2))::int
        FROM generate_series(0, %(cities)s * %(communities)s - 1) AS n;
        INSERT INTO community_member (community_id, member_id)
        SELECT 'c-' || (n / %(members)s) * %(communities)s + floor(%(communities)s * random())::int, 'm-' || n
        FROM generate_series(0, %(cities)s * %(members)s - 1) AS n, generate_series(1, 2) ON CONFLICT DO NOTHING
    """,
    "venues": """
        INSERT INTO venue (id, name, time_zone, location, contact, opening_hours)
        SELECT 'v-' || n, 'Venue ' || n, 'UTC', bench_place((n / %(half)s)::int), 'here', 'Mo-Su 09:00-23:00'
        FROM generate_series(0, %(cities)s * %(half)s - 1) AS n
    """,
    "gatherings": """
        INSERT INTO event (id, name, organizer_id, community_id, open_to_all)
        SELECT 'e-' || n, 'Gathering ' || n, 'm-' || c * %(members)s + floor(%(members)s * random())::int,
               CASE WHEN random() < 0.5 THEN 'c-' || c * %(communities)s + floor(%(communities)s * random())::int END,
               random() < 0.7
        FROM (SELECT n, n / %(half)s AS c FROM generate_series(0, %(cities)s * %(half)s - 1) AS n) AS each;
        INSERT INTO event_interest (event_id, interest_id)
        SELECT 'e-' || n, 'i-' || floor(%(interests)s * power(random(), 2))::int
        FROM generate_series(0, %(cities)s * %(half)s - 1) AS n, generate_series(1, 2) ON CONFLICT DO NOTHING;
        INSERT INTO step (id, event_id, position, name, venue_id, opens_at, starts_at, ends_at, dwell_signed_up_s,
                          dwell_walk_in_s, capacity)
        SELECT 's-' || n, 'e-' || n, 0, 'all of it',
               'v-' || (n / %(half)s) * %(half)s + floor(%(half)s * random())::int,
               at - interval '30 minutes', at, at + interval '3 hours', 15, 90,
               CASE WHEN random() < 0.5 THEN 5 + floor(20 * random()) END
        FROM (SELECT n, %(now)s + random() * interval '28 days' - interval '1 hour' AS at
              FROM generate_series(0, %(cities)s * %(half)s - 1) AS n) AS each
    """,
    "who goes": """
        INSERT INTO sign_up (event_id, member_id)
        SELECT 'e-' || n, 'm-' || (n / %(half)s) * %(members)s + floor(%(members)s * random())::int
        FROM generate_series(0, %(cities)s * %(half)s - 1) AS n, generate_series(1, 3) ON CONFLICT DO NOTHING
    """,
    "who came": """
        INSERT INTO checkin (venue_id, day, member_id, at, evidence, signed_up)
        SELECT 'v-' || (n / %(members)s) * %(half)s + floor(%(half)s * power(random(), 2))::int, at::date, 'm-' || n,
               at, 'beacon', false
        FROM generate_series(0, %(cities)s * %(members)s - 1) AS n, generate_series(1, 3),
             LATERAL (SELECT %(now)s - (1 + 60 * random() + 0 * n) * interval '1 day' AS at) AS moment
        ON CONFLICT DO NOTHING
    """,
    "who met": """
        INSERT INTO event (id, name, organizer_id, community_id)
        SELECT 'w-' || n, 'Evening ' || n, 'm-' || (n / %(communities)s) * %(members)s, 'c-' || n
        FROM generate_series(0, %(cities)s * %(communities)s - 1) AS n;
        INSERT INTO step (id, event_id, position, name, venue_id, opens_at, starts_at, ends_at, dwell_signed_up_s,
                          dwell_walk_in_s)
        SELECT 'w-' || n, 'w-' || n, 0, 'all of it', 'v-' || (n / %(communities)s) * %(half)s,
               at, at, at + interval '3 hours', 15, 90
        FROM generate_series(0, %(cities)s * %(communities)s - 1) AS n,
             LATERAL (SELECT %(now)s - (1 + 50 * random() + 0 * n) * interval '1 day' AS at) AS moment;
        INSERT INTO checkin (step_id, member_id, at, evidence, signed_up)
        SELECT 'w-' || substr(community_id, 3), member_id, %(now)s - interval '20 days', 'beacon', true
        FROM (SELECT *, row_number() OVER (PARTITION BY community_id) AS number FROM community_member) AS each
        WHERE number <= 12;
        INSERT INTO met (event_id, member_id, other_id, ms)
        SELECT one.step_id, one.member_id, other.member_id, 600000
        FROM checkin AS one JOIN checkin AS other USING (step_id) WHERE one.member_id <> other.member_id;
        INSERT INTO met_switch (member_id, willing, at)
        SELECT DISTINCT member_id, true, %(now)s FROM met
    """,
    "who is like whom": """
        INSERT INTO likeness (of, other, share, people)
        SELECT 'venue/v-' || n, 'venue/v-' || (n / %(half)s) * %(half)s + floor(%(half)s * power(random(), 2))::int,
               0.02 + 0.2 * random(), 5 + floor(20 * random())
        FROM generate_series(0, %(cities)s * %(half)s - 1) AS n, generate_series(1, 5) ON CONFLICT DO NOTHING
    """,
}
_LIST = """
    SELECT listing_venues(ARRAY(SELECT 'v-' || n FROM generate_series(%(low)s, %(high)s - 1) AS n)),
           listing_events(ARRAY(SELECT 'e-' || n FROM generate_series(%(low)s, %(high)s - 1) AS n))
"""


def build(conninfo: str, size: Cities, now: dt.datetime, say: Callable[[str], None] = figures.say) -> None:
    """Makes it in an empty database; conninfo: of a superuser, since triggers and keys are left out meanwhile.

    say: told what is being made.
    """
    given = {
        "cities": size.cities,
        "members": MEMBERS,
        "communities": COMMUNITIES,
        "half": THINGS // 2,
        "interests": INTERESTS,
        "sigma": SIGMA_KM,
        "now": now,
    }
    with psycopg.connect(conninfo, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SELECT setseed(0.5)")
        for what, statements in _MAKE.items():
            say(f"  {what} ...")
            connection.execute(statements, given)
        for low in range(0, size.cities * THINGS // 2, THINGS):
            connection.execute(_LIST, {"low": low, "high": low + THINGS})
        connection.execute("VACUUM (FREEZE, ANALYZE)")
