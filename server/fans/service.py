"""The fans of a house or a venue: figures that nobody's coming can be read from, and by name who agreed to it."""

import datetime as dt
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.checkins import days
from server.communities.model import Community
from server.consent.rules import Kind
from server.errors import Refused
from server.fans import coming, eyes, rhythm, rounding
from server.fans.brought import Way, way
from server.fans.coming import PARTS, Person
from server.fans.eyes import Eyes
from server.fans.model import FanRounding
from server.fans.rounding import Figure
from server.presence import service as presence
from server.venues.model import Venue

Span = Literal["quarter", "year"]
PART_DAYS: dict[Span, int] = {"quarter": 7, "year": 28}  # a point of the picture over time
POINTS = 13  # 13 weeks are a quarter, 13 times 4 weeks a year
OFTEN: tuple[tuple[int, int | None], ...] = ((1, 1), (2, 3), (4, 9), (10, None))  # on how many days, to and with
MOST_NAMED = 200  # that one page can show; those who came on most days
SECRET_BYTES = 32


class HousesOnly(Refused):
    """A circle belongs to whoever comes: nobody keeps a list of its fans."""

    code = "houses_only"


class Fan(NamedTuple):
    """Somebody who is seen by name. days: on how many she is known to have come, within the span."""

    member_id: str
    name: str
    days: int
    first_on: dt.date
    last_on: dt.date
    rhythm: rhythm.Rhythm | None

    @property
    def drifting(self) -> bool:
        """Whether she has been silent for much longer than she uses to be."""
        return self.rhythm is not None and self.rhythm.drifting


class Point(NamedTuple):
    """Some weeks: who came in them, and who of them for the first time. until: the last day of them so far."""

    since: dt.date
    until: dt.date
    people: Figure
    first_timers: Figure


class Fans(NamedTuple):
    """What is told of who came from `since` to `until`.

    often: for each of OFTEN. brought: what brought the first-timers among those who are numbers. slots: weekday (Monday
    first) -> part of the day -> people. named: MOST_NAMED at most.
    """

    since: dt.date
    until: dt.date
    people: Figure
    first_timers: Figure
    drifting: Figure
    often: tuple[Figure, ...]
    brought: dict[Way, Figure]
    slots: tuple[tuple[Figure, ...], ...]
    points: tuple[Point, ...]
    named: tuple[Fan, ...]


def of_venue(session: Session, venue: Venue, *, span: Span, now: dt.datetime) -> Fans:
    """The fans of a venue, as who keeps it sees them; by the venue's own clock."""
    now = presence.now_of(session, venue=venue, now=now)
    today = days.day_of(now, venue.time_zone)
    people = coming.at_venue(
        session,
        venue.id,
        time_zone=venue.time_zone,
        since=_since("year", today),
        slots_since=_since(span, today),
        now=now,
    )
    return _told(session, people, Kind.VENUE, venue.id, span, today, now)


def of_house(session: Session, house: Community, *, span: Span, time_zone: str, now: dt.datetime) -> Fans:
    """The fans of a house, as who decides in it sees them; time_zone: by whose clock it is today. Raises HousesOnly."""
    if house.shape != "house":
        raise HousesOnly
    today = days.day_of(now, time_zone)
    since, slots_since = _since("year", today), _since(span, today)
    people = coming.of_house(session, house.id, since=since, slots_since=slots_since, now=now)
    return _told(session, people, Kind.COMMUNITY, house.id, span, today, now)


def _since(span: Span, today: dt.date) -> dt.date:
    """The first day of a span: its points begin on the same Mondays whenever it is looked at."""
    long = PART_DAYS[span]
    # The first day of all, 0001-01-01, was a Monday: ordinal 1.
    return dt.date.fromordinal((today.toordinal() - 1) // long * long + 1 - (POINTS - 1) * long)


def _told(
    session: Session, people: Sequence[Person], kind: Kind, of_id: str, span: Span, today: dt.date, now: dt.datetime
) -> Fans:
    members = [person.member_id for person in people if person.member_id is not None]
    seen = eyes.of(session, kind=kind, of_id=of_id, member_ids=members, now=now)
    return tell(
        people,
        seen,
        lambda others: _ways(session, others),
        offset=offsets(session, f"{kind.value}/{of_id}/{span}"),
        span=span,
        today=today,
    )


def tell(
    people: Sequence[Person],
    seen: Eyes,
    ways: Callable[[Sequence[Person]], Sequence[Way]],
    *,
    offset: Callable[[str], int],
    span: Span,
    today: dt.date,
) -> Fans:
    """What is told of people; pure but for `ways`. offset: of each figure by its name (rounding.offset_of)."""
    since = _since(span, today)
    # Of who is seen by name only what check-ins say; bare visits are numbers, and hers are in none.
    named = [
        one._replace(days=one.known, first_on=one.first_known)
        for one in people
        if one.member_id in seen.names and one.first_known is not None and one.known
    ]
    others = [one for one in people if one.member_id not in seen.spoke]
    as_of = max((day for one in people for day in one.days), default=today)

    def figure(name: str, holds: Callable[[Person], bool]) -> Figure:
        count = sum(1 for one in others if holds(one))
        return Figure(sum(1 for one in named if holds(one)), rounding.at_least(count, offset(name)))

    def is_new(one: Person) -> bool:
        return one.first_on >= since

    def often(low: int, high: int | None) -> Callable[[Person], bool]:
        return lambda one: low <= _within(one.days, since) and (high is None or _within(one.days, since) <= high)

    def drifts(one: Person) -> bool:
        found = rhythm.of(one.days, as_of)
        return found is not None and found.drifting

    new = [one for one in others if is_new(one)]
    found_ways = list(ways(new))
    return Fans(
        since,
        today,
        figure("people", lambda one: _within(one.days, since) > 0),
        figure("first", is_new),
        figure("drifting", drifts),
        tuple(figure(f"often {low}", often(low, high)) for low, high in OFTEN),
        {one: Figure(0, rounding.at_least(found_ways.count(one), offset(f"way {one}"))) for one in Way},
        tuple(
            tuple(
                figure(f"slot {weekday * PARTS + part}", _at_slot(seen, weekday * PARTS + part))
                for part in range(PARTS)
            )
            for weekday in range(7)
        ),
        tuple(_points(figure, since, today, PART_DAYS[span])),
        tuple(_named(named, seen, since, as_of)),
    )


def _at_slot(seen: Eyes, slot: int) -> Callable[[Person], bool]:
    # At which hours somebody comes is told of nobody by name.
    return lambda one: slot in one.slots and one.member_id not in seen.names


def _points(
    figure: Callable[[str, Callable[[Person], bool]], Figure], since: dt.date, today: dt.date, long: int
) -> Iterable[Point]:
    for number in range(POINTS):
        begins = since + number * dt.timedelta(days=long)
        ends = begins + dt.timedelta(days=long - 1)

        def came(one: Person, begins: dt.date = begins, ends: dt.date = ends) -> bool:
            return any(begins <= day <= ends for day in one.days)

        def new(one: Person, begins: dt.date = begins, ends: dt.date = ends) -> bool:
            return begins <= one.first_on <= ends

        people = figure(f"from {begins}", came)
        yield Point(begins, min(ends, today), people, figure(f"first from {begins}", new))


def _named(named: Iterable[Person], seen: Eyes, since: dt.date, as_of: dt.date) -> list[Fan]:
    found = [
        Fan(
            one.member_id,
            seen.names[one.member_id],
            _within(one.known, since),
            one.first_on,
            max(one.known),
            rhythm.of(one.known, as_of),
        )
        for one in named
        if one.member_id is not None
    ]
    return sorted(found, key=lambda fan: (-fan.days, fan.name, fan.member_id))[:MOST_NAMED]


def _within(days: Iterable[dt.date], since: dt.date) -> int:
    return sum(1 for day in days if day >= since)


def _ways(session: Session, new: Sequence[Person]) -> list[Way]:
    first = [(one.member_id, one.first_event) for one in new]
    wanted = {(member, event) for member, event in first if member is not None and event is not None}
    signs = coming.signs(session, sorted(wanted))
    return [way(signs.get((member or "", event or ""))) for member, event in first]


def offsets(session: Session, of: str) -> Callable[[str], int]:
    """The secret offset of each figure of something by its name, for rounding.at_least; always the same."""
    secret = session.scalar(select(FanRounding.secret))
    if secret is None:
        made = {"id": 1, "secret": secrets.token_bytes(SECRET_BYTES)}
        session.execute(insert(FanRounding).values(made).on_conflict_do_nothing())
        secret = session.scalars(select(FanRounding.secret)).one()
    return lambda figure: rounding.offset_of(secret, f"{of}/{figure}")
