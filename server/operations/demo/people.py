"""Simulated people: they walk from the street into the venues with something in mind, stroll, leave; all wear badges.

Times are seconds since the world began (monotonic), places metres in the neighbourhood.
"""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from server.operations.demo import neighbourhood, residents
from server.operations.demo.neighbourhood import STREET, Point
from server.operations.demo.residents import Intent, Resident

# The mean walking speed of pedestrians (Weidmann 1993: 1.34 m/s).
WALKING_M_S = 1.3
# A common advertising interval of tags in use; the jitter stands for advDelay and the tag's own clock.
ADVERT_S = 1.0
ADVERT_JITTER_S = 0.05
# How long somebody stands before she moves on within a zone: shelves are read along, chairs are kept.
MILL_S = (15.0, 60.0)
# How long somebody stays in a zone before she goes to another.
STROLL_S = (30.0, 150.0)
# Nobody stands closer to a wall than this share of the zone's size.
MARGIN = 0.18
# How early people go to their seats.
SEATED_BEFORE_S = 60.0
# Where those go first who come for something else as well.
FIRST = {Intent.TABLE: "cafe-back", Intent.PRESS: "workshop-press"}
STAGE = "books-reading"
# A crowd stands on the pavement and walks in one after the other; the last one is in within half a minute.
CROWD_SETS_OFF_S = 14.0
# It leaves when everybody has been there long enough to be checked in without having signed up (90 s), and some more.
CROWD_LEAVES_S = (200.0, 260.0)
# Where a badge is forgotten: on a table of the café.
LEFT_AT = (50.5, 16.5)


@dataclass(slots=True)
class Person:
    """Somebody in the neighbourhood; `at` is None while she is not in it."""

    id: str
    intent: Intent
    identity: bytes
    at: Point | None = None
    path: deque[Point] = field(default_factory=deque)
    plan: deque[tuple[float, str | None]] = field(default_factory=deque)  # (when to set off, zone or None: home)
    held: bool = False  # somebody moved her by hand: she stays where she was put
    left_at: Point | None = None  # where she forgot her badge
    mills_at_s: float = 0.0
    advert_at_s: float = 0.0

    @property
    def badge_at(self) -> Point | None:
        """Where her badge is."""
        return self.left_at or self.at


@dataclass(frozen=True, slots=True)
class Evening:
    """When the night of short stories begins and ends."""

    begins_s: float
    ends_s: float


class Crowd:
    """All simulated people. The same seed and calls give the same evening."""

    def __init__(self, people: Iterable[Resident], evening: Evening, seed: int, now_s: float = 0.0) -> None:
        """people: those without a badge are left out. now_s: when the world begins."""
        self._random = random.Random(seed)  # noqa: S311 -- a simulation
        self.people = {
            resident.id: Person(resident.id, resident.intent, residents.identity_of(resident))
            for resident in people
            if resident.badge
        }
        for stranger, identity in residents.STRANGERS.items():
            self.people[stranger] = Person(stranger, Intent.LOCAL, identity)
        for person in self.people.values():
            if person.intent is not Intent.CROWD:
                person.advert_at_s = now_s + self._random.uniform(0, ADVERT_S)
            if person.intent is Intent.WAIT:
                person.at = neighbourhood.YOU_AT_M
        self._stroll_locals(now_s)
        self.plan_evening(evening, now_s)

    def plan_evening(self, evening: Evening, now_s: float) -> None:
        """Gives everybody who comes for the evening a plan for it; who was moved by hand stays where she is.

        Some are there already, so that the first look finds life; others walk in within the first seconds, so that it
        moves; the rest comes along a curve up to shortly after the beginning.
        """
        coming = [person for person in self.people.values() if person.intent in (Intent.STORIES, *FIRST)]
        self._random.shuffle(coming)
        for person, arrives_s in zip(coming, self._arrivals(len(coming), evening, now_s), strict=True):
            if person.held:
                continue
            person.plan = deque(self._plan(person, arrives_s, evening))
            person.path.clear()
            if arrives_s < now_s:  # she was there before the world began
                while len(person.plan) > 1 and person.plan[1][0] <= now_s:
                    person.plan.popleft()
                zone = person.plan.popleft()[1]
                person.at = None if zone is None else self._spot(zone)
            elif person.at is None and arrives_s < now_s + 30:
                person.at = self._near_door(person)

    def step(self, now_s: float, elapsed_s: float) -> None:
        """Moves everybody on by elapsed_s seconds, up to now_s."""
        for person in self.people.values():
            if person.held:
                continue
            if person.path:
                self._walk(person, elapsed_s * WALKING_M_S)
                if not person.path:
                    self._arrive(person, now_s)
            elif person.plan and person.plan[0][0] <= now_s:
                self._set_off(person, person.plan.popleft()[1])
            elif person.at is not None and now_s >= person.mills_at_s:
                self._mill(person, now_s)

    def adverts(self, now_s: float) -> Iterator[Person]:
        """Everybody present whose badge sends a packet by now_s, once for each packet."""
        for person in self.people.values():
            while person.advert_at_s <= now_s:
                jitter = self._random.uniform(-ADVERT_JITTER_S, ADVERT_JITTER_S)
                person.advert_at_s = max(person.advert_at_s + ADVERT_S + jitter, now_s - 5 * ADVERT_S)
                if person.badge_at is not None:
                    yield person

    def hold(self, person_id: str, at: Point) -> Person:
        """Puts somebody down at a place, at once, where she then stays. Raises KeyError for nobody of that id."""
        person = self.people[person_id]
        person.at, person.held = at, True
        person.path.clear()
        return person

    def leave_badge(self, person_id: str, left: bool) -> None:
        """Somebody forgets her badge in the café, or has it again. Raises KeyError for nobody of that id."""
        self.people[person_id].left_at = LEFT_AT if left else None

    def call_crowd(self, now_s: float) -> None:
        """Lets those come to the bookshop who make up a crowd; who is there already is not disturbed."""
        zones = [zone.id for zone in neighbourhood.BOOKS.zones]
        for person in self._crowd():
            if person.at is None and not person.held:
                sets_off_s = now_s + self._random.uniform(0, CROWD_SETS_OFF_S)
                leaves_s = now_s + self._random.uniform(*CROWD_LEAVES_S)
                person.plan = deque([(sets_off_s, self._random.choice(zones)), (leaves_s, None)])
                person.at = self._near_door(person)
                person.advert_at_s = now_s + self._random.uniform(0, ADVERT_S)
                person.mills_at_s = leaves_s  # she neither strolls on the pavement nor waits there

    def crowd_here(self) -> int:
        """How many of a crowd are in the neighbourhood."""
        return sum(person.at is not None for person in self._crowd())

    def _crowd(self) -> list[Person]:
        return [person for person in self.people.values() if person.intent is Intent.CROWD]

    def _arrivals(self, count: int, evening: Evening, now_s: float) -> list[float]:
        """When each of `count` people appears in the street, ascending; before now_s: she is there already."""
        until_s = evening.begins_s + 180 - now_s
        there, first = (0.25, 0.3) if until_s > 300 else (0.8, 0.1)
        arrivals = [now_s - 1.0] * round(count * there)
        # One, two, three ... seconds apart: the first ones are walking in while a newcomer still looks around.
        arrivals += [now_s + number * (number + 1) / 2 for number in range(round(count * first))]
        rest = count - len(arrivals)
        until_s = max(until_s, 60.0)
        arrivals += sorted(now_s + self._random.triangular(30, until_s, until_s / 2) for _ in range(rest))
        return arrivals

    def _plan(self, person: Person, arrives_s: float, evening: Evening) -> Iterator[tuple[float, str | None]]:
        at_s = arrives_s
        seated_s = evening.begins_s - SEATED_BEFORE_S + self._random.uniform(-60, 60)
        if person.intent in FIRST and at_s < seated_s:
            yield at_s, FIRST[person.intent]
            at_s += self._random.uniform(*STROLL_S) * 3
        zones = [zone.id for zone in neighbourhood.BOOKS.zones]
        while at_s < seated_s:
            yield at_s, self._random.choice(zones)
            at_s += self._random.uniform(*STROLL_S)
        yield max(at_s, seated_s), STAGE
        # A few step out for air or a coffee once, and come back.
        if self._random.random() < 0.25:
            out_s = self._random.uniform(evening.begins_s, evening.ends_s)
            if out_s > at_s + STROLL_S[1]:
                yield out_s, self._random.choice(["cafe-bar", "books-counter", "books-children"])
                yield out_s + 300, STAGE
                at_s = out_s + 300
        yield max(at_s + 60, evening.ends_s + self._random.uniform(0, 300)), None

    def _stroll_locals(self, now_s: float) -> None:
        for person in self.people.values():
            if person.intent is Intent.LOCAL:
                person.at = self._spot(self._local_zone(person))
                person.plan.append((now_s + self._random.uniform(10, STROLL_S[1]), self._local_zone(person)))

    def _local_zone(self, person: Person) -> str:
        own = {
            residents.CAFE_OWNER.id: neighbourhood.CAFE,
            residents.BOOKSELLER.id: neighbourhood.BOOKS,
            residents.PRINTER.id: neighbourhood.WORKSHOP,
        }.get(person.id)
        venue = own or self._random.choice(neighbourhood.VENUES)
        return self._random.choice(venue.zones).id

    def _set_off(self, person: Person, zone: str | None) -> None:
        if person.intent is Intent.LOCAL:
            person.plan.clear()
        if person.at is None:
            if zone is None:
                return
            person.at = self._random.choice(neighbourhood.ENDS_M)
        goal = self._random.choice(neighbourhood.ENDS_M) if zone is None else self._spot(zone)
        person.path = deque(neighbourhood.route(person.at, goal))

    def _arrive(self, person: Person, now_s: float) -> None:
        person.mills_at_s = now_s + self._random.uniform(*MILL_S)
        if person.at in neighbourhood.ENDS_M:
            person.at = None
        if person.intent is Intent.LOCAL and not person.plan:
            person.plan.append((now_s + 3 * self._random.uniform(*STROLL_S), self._local_zone(person)))

    def _mill(self, person: Person, now_s: float) -> None:
        """A few steps within the zone."""
        person.mills_at_s = now_s + self._random.uniform(*MILL_S)
        if person.at is None or person.intent is Intent.WAIT:
            return
        zone = neighbourhood.space_at(*person.at)
        if zone != STREET:
            person.path = deque([self._spot(zone)])

    def _walk(self, person: Person, metres: float) -> None:
        while person.path and person.at is not None:
            goal = person.path[0]
            left = neighbourhood.distance_m(person.at, goal)
            if left > metres:
                share = metres / left
                x, y = person.at
                person.at = (x + (goal[0] - x) * share, y + (goal[1] - y) * share)
                return
            person.at = person.path.popleft()
            metres -= left

    def _spot(self, zone_id: str) -> Point:
        zone = neighbourhood.ZONES[zone_id]
        wide, high = zone.east - zone.west, zone.north - zone.south
        return (
            zone.west + wide * self._random.uniform(MARGIN, 1 - MARGIN),
            zone.south + high * self._random.uniform(MARGIN, 1 - MARGIN),
        )

    def _near_door(self, person: Person) -> Point:
        """On the pavement some steps before the door of the venue she goes to: she enters within seconds."""
        zone = person.plan[0][1] or STAGE
        door = neighbourhood.gates_between(STREET, zone)[0].at
        return (door[0] + self._random.choice((-1, 1)) * self._random.uniform(4, 12), 9.0)
