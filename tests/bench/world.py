"""A simulated world of which the truth is known: people with homes, work, tastes, scenes, friends and communities.

Each day some go out. Each looks at what there is in her town and chooses by chance, exp(score) / sum of exp(scores),
where the score is that of geo/ranking.py with the weights of the truth and with facts that nobody else knows: her
whole taste instead of what she told, how good a place is instead of how many came, her scene (which no file names)
instead of who else came. What the files then say is what a server would know. The same seed makes the same world.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo import ranking
from geo.ranking import FACTORS, Factor, Facts
from tests.bench import worldfiles
from tests.bench.worldfiles import Tick

Numbers = NDArray[Any]

DAY_S = 86_400.0
BEGIN_S = 1_767_225_600.0  # 2026-01-01T00:00:00Z
KM_PER_DEGREE = 111.2
TAGS, SCENES = 40, 8
AHEAD_DAYS = 28  # how long before an event is announced
HALF_LIFE_DAYS = 60.0  # how long habits last
FRIENDS = 6
MISSES = 0.15  # the share of those who signed up and did not come

# Near what studies of check-ins and of Meetup found; people differ, and the order is what matters.
TRUTH: Mapping[Factor, float] = {
    Factor.DISTANCE: 0.8,
    Factor.WAYS: 0.5,
    Factor.START: 0.6,
    Factor.INTERESTS: 3.0,
    Factor.COMMUNITY: 1.5,
    Factor.KNOWN: 1.0,
    Factor.REGULAR: 1.0,
    Factor.ALIKE: 1.2,
    Factor.POPULAR: 0.6,
    Factor.PLACES: 2.0,
    Factor.LIVELY: 0.0,
}


class Plan(NamedTuple):
    """What a world is like. kind: mixed, events or venues; truth: the weights by which everybody chooses.

    noticed: how many things one looks at at most; outings_a_week: of each on average. leaves_out: columns and files
    that are not written, of OPTIONAL.
    """

    people: int = 2000
    venues: int = 600
    cities: int = 2
    days: int = 180
    outings_a_week: float = 1.2
    noticed: int = 600
    kind: str = "mixed"
    truth: Mapping[Factor, float] = TRUTH
    leaves_out: frozenset[str] = frozenset()
    seed: int = 1

    def only(self, *factors: Factor) -> "Plan":
        """The same, with nothing but these factors in the truth."""
        return self._replace(truth={factor: self.truth[factor] * (factor in factors) for factor in FACTORS})


# Three kinds: a town, a portal of events, and check-ins as people have who go to the same places again and again.
PLANS = {
    "mixed": Plan(),
    "events": Plan(kind="events", outings_a_week=0.5),
    "venues": Plan(
        kind="venues",
        outings_a_week=3.0,
        venues=2000,
        noticed=1000,
        truth={**TRUTH, Factor.REGULAR: 2.0, Factor.WAYS: 1.2, Factor.INTERESTS: 1.5, Factor.POPULAR: 1.0},
    ),
}
OPTIONAL = ("home", "friends", "communities", "tags", "interests", "signups", "series")


def make(folder: Path, plan: Plan, tick: Tick = lambda _: None, packed: bool = False) -> None:
    """Writes a world into a folder. tick: told of each day of each town."""
    rng = np.random.default_rng(plan.seed)
    tables: dict[str, list[list[object]]] = {name: [] for name in COLUMNS}
    for number in range(plan.cities):
        town = Town(number, plan, np.random.default_rng(rng.integers(2**63)))
        for day in range(plan.days):
            town.live(day)
            tick(1)
        for name, rows in town.tell():
            tables[name] += rows
    tables["attendance"].sort(key=lambda row: str(row[2]))
    optional = {"friends", "communities", "signups"} & plan.leaves_out
    kept = {name: (COLUMNS[name], rows) for name, rows in tables.items() if name not in optional}
    worldfiles.write(folder, kept, packed)


COLUMNS = {
    "people": worldfiles.PEOPLE,
    "things": worldfiles.THINGS,
    "attendance": worldfiles.ATTENDED,
    "signups": worldfiles.SIGNED,
    "communities": worldfiles.MEMBERS,
    "friends": worldfiles.FRIENDS,
}


class Town:
    """A town and its people, day by day. Places are kilometres east and north of its middle."""

    def __init__(self, number: int, plan: Plan, rng: np.random.Generator) -> None:
        """Founds it."""
        self.number, self.plan, self.rng = number, plan, rng
        self.middle = (8.0 + 1.5 * number, 48.0 + 0.1 * number)
        self.weights = np.array([plan.truth[factor] for factor in FACTORS])
        self._settle(max(2, plan.people // plan.cities), max(2, plan.venues // plan.cities))
        self._befriend()
        self._announce()
        keys = len(self.venue_at) + 2 * len(self.group_tags)
        self.habits = np.zeros((len(self.home), keys), dtype=np.float32)
        self.going = np.zeros((len(self.home), len(self.event_start)), dtype=bool)
        self.came: list[tuple[int, int, float, float]] = []  # person, thing, at, decided
        self.missed: list[tuple[int, int, float]] = []

    def _settle(self, people: int, venues: int) -> None:
        rng = self.rng
        hubs = rng.normal(0, 5, (6, 2))
        self.home = rng.normal(0, 5, (people, 2))
        self.work = hubs[rng.integers(0, 6, people)] + rng.normal(0, 0.5, (people, 2))
        self.venue_at = hubs[rng.integers(0, 6, venues)] + rng.normal(0, 2, (venues, 2))
        self.taste = self._draw_tags(people, 4)
        self.venue_tags = self._draw_tags(venues, 2)
        self.scene = rng.integers(0, SCENES, people)
        groups = max(2, people // 40)
        self.group_tags = self._draw_tags(groups, 2)
        self.group_venue = rng.integers(0, venues, groups)
        self.quality = np.exp(rng.normal(2, 1, venues + groups))  # how many come on a usual evening
        self.scene_of = rng.integers(0, SCENES, venues + groups)
        score = 4 * _cosine(self.taste, self.group_tags) - 0.15 * _far(self.home, self.venue_at[self.group_venue])
        score += 1.0 * (self.scene[:, None] == self.scene_of[venues:][None]) + rng.gumbel(size=score.shape)
        self.member = np.zeros((people, groups), dtype=bool)
        np.put_along_axis(self.member, np.argsort(-score, axis=1)[:, :2], values=True, axis=1)

    def _draw_tags(self, rows: int, each: int) -> Numbers:
        """Rows of 0 and 1 over the tags, of which some are far more usual than others."""
        score = -np.log(np.arange(TAGS) + 3.0) + self.rng.gumbel(size=(rows, TAGS))
        tags = np.zeros((rows, TAGS), dtype=np.float32)
        np.put_along_axis(tags, np.argsort(-score, axis=1)[:, :each], values=1, axis=1)
        return tags

    def _befriend(self) -> None:
        """Friends: FRIENDS of each, mostly of the same communities."""
        people = len(self.home)
        shared = self.member.astype(np.float32) @ self.member.T.astype(np.float32)
        score = 2.0 * shared + self.rng.gumbel(size=shared.shape).astype(np.float32)
        np.fill_diagonal(score, -np.inf)
        most = min(FRIENDS, people - 1)
        self.friends = np.argpartition(-score, most - 1, axis=1)[:, :most]

    def _announce(self) -> None:
        """Each community gathers every week, and now and then besides."""
        plan, rng = self.plan, self.rng
        groups = 0 if plan.kind == "venues" else len(self.group_tags)
        rows: list[tuple[float, int, int, bool]] = []
        for group in range(groups):
            weekday, hour = int(rng.integers(0, 7)), float(rng.integers(17, 21))
            usual = int(self.group_venue[group])
            rows += [(day + hour / 24, group, usual, True) for day in range(weekday, plan.days, 7)]
            for _ in range(plan.days // 20):
                day, place = int(rng.integers(0, plan.days)), int(rng.integers(0, len(self.venue_at)))
                rows.append((day + float(rng.integers(10, 21)) / 24, group, place, False))
        rows.sort()
        self.event_start = np.array([row[0] for row in rows])  # days
        self.event_group = np.array([row[1] for row in rows], dtype=np.int64)
        self.event_venue = np.array([row[2] for row in rows], dtype=np.int64)
        self.event_series = np.array([row[3] for row in rows], dtype=bool)
        self.event_tags = self.group_tags[self.event_group].copy()
        extra = rng.integers(0, TAGS, len(rows))
        self.event_tags[np.arange(len(rows)), extra] = 1
        self.capacity = np.where(rng.random(len(rows)) < 0.3, rng.integers(6, 25, len(rows)), 10_000)
        # What venues and events are in common: numbers of things are venues first, then events
        venues = len(self.venue_at)
        self.thing_at = np.concatenate([self.venue_at, self.venue_at[self.event_venue]])
        self.thing_tags = np.concatenate([self.venue_tags, self.event_tags])
        of = np.concatenate([np.arange(venues), venues + self.event_group])
        self.thing_quality, self.thing_scene = self.quality[of], self.scene_of[of]
        self.thing_key = np.concatenate([np.arange(venues), of[venues:] + groups * ~self.event_series])

    def live(self, day: int) -> None:
        """Lets a day pass: whoever goes out decides, one after the other by the hour."""
        if day % 7 == 0:
            self.habits *= 0.5 ** (7 / HALF_LIFE_DAYS)
        out = np.flatnonzero(self.rng.random(len(self.home)) < self.plan.outings_a_week / 7)
        low, high = np.searchsorted(self.event_start, [day + 0.5, day + AHEAD_DAYS])
        events = np.arange(low, high) + len(self.venue_at)
        there = events if self.plan.kind == "events" else np.concatenate([np.arange(len(self.venue_at)), events])
        if len(there) > self.plan.noticed:
            there = np.sort(self.rng.choice(there, self.plan.noticed, replace=False))
        if not len(out) or not len(there):
            return
        shown = ranking.values(self._facts(out, there, day)).reshape(len(out), len(there), len(FACTORS))
        score = shown @ self.weights
        event = there >= len(self.venue_at)
        score[:, event] -= 50.0 * self.going[np.ix_(out, there[event] - len(self.venue_at))]
        chosen = there[np.argmax(score + self.rng.gumbel(size=score.shape), axis=1)]
        for person, thing in zip(out.tolist(), chosen.tolist(), strict=True):
            self._go(person, thing, day)

    def _go(self, person: int, thing: int, day: int) -> None:
        decided = day + 0.3 + 0.2 * self.rng.random()
        key = self.thing_key[thing]
        number = thing - len(self.venue_at)
        if number < 0:
            self.came.append((person, thing, decided + 0.3 * self.rng.random(), np.nan))
        else:
            self.going[person, number] = True
            if self.rng.random() < MISSES:
                self.missed.append((person, thing, decided))
                return
            self.came.append((person, thing, self.event_start[number] + 0.01 * self.rng.random(), decided))
        self.habits[person, key] += 1

    def _facts(self, out: Numbers, there: Numbers, day: int) -> Facts:
        """What moves each of those (one after the other) to each of these."""
        venues = len(self.venue_at)
        event = there >= venues
        numbers = there[event] - venues
        home = _far(self.home[out], self.thing_at[there])
        way = np.minimum(home, _far(self.work[out], self.thing_at[there]))
        hours = np.full(len(there), np.nan)
        hours[event] = (self.event_start[numbers] - day - 0.4) * 24
        member = np.zeros(home.shape)
        member[:, event] = self.member[np.ix_(out, self.event_group[numbers])]
        known, full = np.zeros(home.shape), np.zeros(len(there))
        if self.plan.truth[Factor.KNOWN]:
            friends = self.friends[out]
            known[:, event] = self.going[friends[:, :, None], numbers[None, None]].sum(axis=1)
            known[:, ~event] = (self.habits[friends[:, :, None], there[~event][None, None]] > 0.5).sum(axis=1)
        full[event] = self.going[:, numbers].sum(axis=0) >= self.capacity[numbers]
        rows = len(out)
        columns = {
            "distance_m": home * 1000,
            "way_m": way * 1000,
            "hours_until": np.tile(hours, (rows, 1)),
            "interests": _cosine(self.taste[out], self.thing_tags[there]),
            "community": member,
            "known": known,
            "regular": self.habits[np.ix_(out, self.thing_key[there])],
            "alike": (self.scene[out][:, None] == self.thing_scene[there][None]).astype(float),
            "came": np.tile(self.thing_quality[there], (rows, 1)),
            "full": np.tile(full, (rows, 1)),
            "lively": np.zeros(home.shape),
        }
        return Facts(**{name: column.ravel().astype(np.float64) for name, column in columns.items()})

    def tell(self) -> Iterator[tuple[str, list[list[object]]]]:
        """What a server would know of it, as rows of the files."""
        out, venues, town = self.plan.leaves_out, len(self.venue_at), f"t{self.number}"

        def place(at: Numbers) -> list[object]:
            return [round(float(degree), 5) for degree in self._degrees(at)]

        def tags(row: Numbers, name: str) -> str:
            return "" if name in out else ";".join(f"tag-{tag}" for tag in np.flatnonzero(row))

        told = self.taste * (self.rng.random(self.taste.shape) < 0.6)  # nobody lists all she likes
        yield (
            "people",
            [
                [f"{town}-p{n}", *(["", ""] if "home" in out else place(at)), tags(told[n], "interests")]
                for n, at in enumerate(self.home)
            ],
        )
        empty: list[object] = [""] * 8
        things = [
            [f"{town}-v{n}", "venue", *place(at), "", "", tags(self.venue_tags[n], "tags"), *empty[1:]]
            for n, at in enumerate(self.venue_at)
        ]
        for n, start in enumerate(self.event_start.tolist()):
            group, venue = int(self.event_group[n]), int(self.event_venue[n])
            capacity = int(self.capacity[n]) if self.capacity[n] < 10_000 else ""
            series = f"{town}-s{group}" if self.event_series[n] and "series" not in out else ""
            times = [_show(start), _show(start + 2.5 / 24)]
            about = [tags(self.event_tags[n], "tags"), f"c{int(np.argmax(self.group_tags[group])) % 8}", "en"]
            of = [f"{town}-g{group}", f"{town}-o{group // 2}", series, f"{town}-v{venue}", capacity]
            if "communities" in out:
                of[0] = ""
            things.append([f"{town}-e{n}", "event", *place(self.venue_at[venue]), *times, *about, *of])
        yield "things", [row for row in things if row[1] == "event" or self.plan.kind != "events"]

        def name(thing: int) -> str:
            return f"{town}-v{thing}" if thing < venues else f"{town}-e{thing - venues}"

        hidden = "signups" in out
        last = self.plan.days
        yield (
            "attendance",
            [
                [f"{town}-p{person}", name(thing), _show(at), "" if hidden else _show(decided)]
                for person, thing, at, decided in self.came
                if at < last
            ],
        )
        yield "signups", [[f"{town}-p{person}", name(thing), _show(at)] for person, thing, at in self.missed]
        yield "communities", [[f"{town}-p{a}", f"{town}-g{b}", ""] for a, b in np.argwhere(self.member).tolist()]
        yield (
            "friends",
            [[f"{town}-p{a}", f"{town}-p{b}", ""] for a, row in enumerate(self.friends.tolist()) for b in row],
        )

    def _degrees(self, at: Numbers) -> tuple[float, float]:
        lon, lat = self.middle
        return lon + at[0] / (KM_PER_DEGREE * np.cos(np.radians(lat))), lat + at[1] / KM_PER_DEGREE


def _show(days: float) -> str:
    return worldfiles.show_time(BEGIN_S + days * DAY_S)


def _far(some: Numbers, others: Numbers) -> Numbers:
    """Kilometres between each and each."""
    return np.asarray(np.linalg.norm(some[:, None] - others[None], axis=2))


def _cosine(some: Numbers, others: Numbers) -> Numbers:
    """The cosine of each and each."""
    lengths = np.linalg.norm(some, axis=1)[:, None] * np.linalg.norm(others, axis=1)[None]
    return np.asarray(some @ others.T / np.maximum(lengths, 1e-9))
