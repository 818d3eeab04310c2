"""The world of `muster bench communities`: a house with its fans, an evening that was, and circles around it.

Everything of it follows from a few numbers; it is made by COPY, in seconds.
"""

import dataclasses
import datetime as dt
import random
from collections.abc import Iterator
from typing import Any, Self

import psycopg
from psycopg import sql

HOST, HOUSE, HALL, EVENING = "host", "house", "hall", "evening"
TOPIC = 1
WEEKS = 40  # in each of them the house gathered once
VISITS = 6  # of a fan, on the average
_DAY, _HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
_BEGINNING = "[2000-01-01,)"

Row = tuple[Any, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Village:
    """How big it is.

    circles: each with a gathering to come and one that was. notes: in the host's inbox. dates: to come in the house.
    came: to the evening, of two steps in one hall; as many again signed up and did not come. fans: of the house's past.
    """

    circles: int = 100
    notes: int = 100
    dates: int = 100
    came: int = 100
    fans: int = 1000
    posts: int = 100

    def times(self, factor: int) -> Self:
        """One that is larger in everything."""
        return dataclasses.replace(self, **{name: size * factor for name, size in dataclasses.asdict(self).items()})


def member_id(number: int) -> str:
    """A member. number: from 0."""
    return f"m-{number:06}"


def build(conninfo: str, size: Village, now: dt.datetime) -> None:
    """Makes it in an empty database."""
    with psycopg.connect(conninfo) as connection:
        for target, rows in _tables(size, now):
            with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.SQL(target))) as copy:
                for row in rows:
                    copy.write_row(row)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (FREEZE, ANALYZE)")


def _tables(size: Village, now: dt.datetime) -> Iterator[tuple[str, Iterator[Row]]]:
    people = range(max(size.fans, 2 * size.came))
    circles = [f"circle-{number:05}" for number in range(size.circles)]
    began = now - 14 * _HOUR  # the evening; it lasted for four hours

    def events() -> Iterator[tuple[str, str, bool, dt.datetime]]:
        """Id, community, open to all, start."""
        yield EVENING, HOUSE, False, began
        yield from ((f"was-{week}", HOUSE, False, now - (7 * week + 3) * _DAY) for week in range(1, WEEKS + 1))
        yield from ((f"next-{number:05}", HOUSE, True, now + (number + 1) * 8 * _HOUR) for number in range(size.dates))
        for circle in circles:
            yield f"{circle}-was", circle, False, now - 20 * _DAY
            yield f"{circle}-next", circle, False, now + 5 * _DAY

    def steps() -> Iterator[Row]:
        for event, _, _, at in events():
            for position in range(2 if event == EVENING else 1):
                starts = at + 2 * position * _HOUR
                yield (
                    *(f"{event}-{position}", event, position, f"part {position}", HALL),
                    *(starts - _HOUR / 2, starts, starts + 2 * _HOUR, 15, 90),
                )

    yield "member (id, name)", iter([(HOST, "Cleo"), *((member_id(one), f"Member {one}") for one in people)])
    yield (
        "venue (id, name, time_zone, owner_id, contact, location)",
        iter([(HALL, "Hall", "Europe/Berlin", HOST, "hall@example.org", "POINT(13.4 52.5)")]),
    )
    yield "zone (id, venue_id, name)", iter([("floor", HALL, "floor"), ("stage", HALL, "stage")])
    yield "agent (id, key)", iter([("pi", b"0" * 32)])
    yield (
        "placement (id, agent_id, venue_id, zone_id, rssi_floor, valid)",
        iter([(1, "pi", HALL, "floor", -95, _BEGINNING)]),
    )
    yield (
        "coverage (placement_id, agent_id, from_ms, to_ms)",
        iter([(1, "pi", _ms(began - _DAY), _ms(now))]),
    )
    yield (
        "community (id, name, shape, source_member_id, home, home_name, home_radius_km, created_at)",
        iter(
            [
                (HOUSE, "House of stories", "house", HOST, None, "", None, now - 400 * _DAY),
                *((one, f"Circle {one}", "circle", None, *_home(one), now - 90 * _DAY) for one in circles),
            ]
        ),
    )
    yield (
        "community_member (community_id, member_id, joined_at)",
        iter(
            [
                (HOUSE, HOST, now - 400 * _DAY),
                *((HOUSE, member_id(one), now - 300 * _DAY) for one in range(size.fans)),
                *((one, HOST, now - 90 * _DAY) for one in circles[::5]),
            ]
        ),
    )
    yield (
        "event (id, name, community_id, organizer_id, open_to_all, created_at)",
        ((event, f"Gathering {event}", of, HOST, for_all, now - 399 * _DAY) for event, of, for_all, _ in events()),
    )
    yield (
        "step (id, event_id, position, name, venue_id, opens_at, starts_at, ends_at, dwell_signed_up_s,"
        " dwell_walk_in_s)",
        steps(),
    )
    yield from _who_came(size, now, began)
    yield (
        "notification (member_id, kind, subject, nonce, sentence, values, link, at, letter_at)",
        (
            (HOST, "bench", f"event/{number}", "", "Somebody asked.", "{}", "/inbox", now - number * _HOUR / 2, now)
            for number in range(size.notes)
        ),
    )
    yield (
        "post_topic (id, community_id, title, made_by, made_at)",
        iter([(TOPIC, HOUSE, "Books", HOST, now - 300 * _DAY)]),
    )
    yield (
        "post (topic_id, member_id, text, leads_to, newcomer, at)",
        (
            (
                *(TOPIC, member_id(number % size.fans), f"What I read, part {number}."),
                *(f"was-{number % WEEKS + 1}", False, now - (290 - number * 280 / size.posts) * _DAY),
            )
            for number in range(size.posts)
        ),
    )


def _who_came(size: Village, now: dt.datetime, began: dt.datetime) -> Iterator[tuple[str, Iterator[Row]]]:
    """Fans to the house's past; to the evening, whose badges were heard, each for a while in one of two zones."""
    chance = random.Random(1)
    visits = [
        (f"was-{week}", member_id(one), now - (7 * week + 3) * _DAY)
        for one in range(size.fans)
        for week in sorted(chance.sample(range(1, WEEKS + 1), chance.randint(1, 2 * VISITS - 1)))
    ]
    came = range(size.came)
    late = [chance.randrange(60 * 60_000) for _ in came]  # ms
    opened = _ms(began)
    yield (
        "sign_up (event_id, member_id, at)",
        iter(
            [
                *((event, who, at - 2 * _DAY) for event, who, at in visits),
                *((EVENING, member_id(one), began - _DAY) for one in range(2 * size.came)),
            ]
        ),
    )
    badges = range(1, size.came + 1)
    yield "badge (id, label)", ((badge, f"badge {badge}") for badge in badges)
    yield (
        "pairing (badge_id, member_id, valid)",
        ((badge, member_id(badge - 1), _BEGINNING) for badge in badges),
    )
    yield (
        "checkin (step_id, member_id, badge_id, at, evidence, signed_up)",
        iter(
            [
                *((f"{event}-0", who, None, at, "qr", True) for event, who, at in visits),
                *(
                    (
                        f"{EVENING}-0",
                        member_id(one),
                        one + 1,
                        began + dt.timedelta(milliseconds=late[one]),
                        "beacon",
                        True,
                    )
                    for one in came
                ),
            ]
        ),
    )
    yield (
        "visit (badge_id, venue_id, from_ms, to_ms, reach_ms)",
        ((one + 1, HALL, opened + late[one], opened + late[one] + 7_200_000, opened + 10_800_000) for one in came),
    )
    yield (
        "stay (badge_id, venue_id, from_ms, zone_id)",
        (
            (one + 1, HALL, opened + late[one] + after, zone)
            for one in came
            for after, zone in ((0, "floor"), (3_600_000, "stage"))
        ),
    )


def _home(circle: str) -> tuple[str, str, float]:
    number = int(circle.rpartition("-")[2])
    return f"POINT({13 + number % 100 / 50} {52 + number % 37 / 37})", "Around here", 5.0


def _at(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)
