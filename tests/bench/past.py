"""What was known at a moment: nothing later goes in; out come the facts of one person about all that there is to go to.

Facts are counted as docs/relevance.md tells, and as the server counts them (geo/habits.py, geo/likeness.py).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo import chords, habits, likeness
from geo.ranking import Facts
from tests.bench.worldfiles import NONE, Floats, Ints, World

LAST_VISITS = 200  # of a person: her habits fade, and what is older hardly counts
ANCHORS = 20  # the places where a person was most of late count as her ways
LAST_PLACES = 50  # of which the middle stands for a home that nobody told
SHOWN_BY = 100  # visits that show her taste
HOSTS = ("organizer", "community", "series")  # what an event is of, from the general to the special


class Index(NamedTuple):
    """Which rows are of which number: rows[begins[number] : begins[number + 1]], in their order."""

    begins: Ints
    rows: Ints

    def of(self, number: Any) -> Ints:
        """The rows of a number."""
        return self.rows[self.begins[number] : self.begins[number + 1]]

    def of_all(self, numbers: Ints) -> Ints:
        """The rows of several numbers, one after the other."""
        return self.rows[likeness.take(self.begins, numbers)]


def index(numbers: Ints, most: int) -> Index:
    """The index of rows by numbers from 0 to most - 1."""
    order = np.argsort(numbers, kind="stable")
    return Index(np.searchsorted(numbers[order], np.arange(most + 1)), order)


class Named(NamedTuple):
    """What each thing is of (or where), as numbers; those that are of none have the number `names`, which counts 0."""

    of: Ints
    names: int

    def sum(self, things: Ints, weights: Any) -> Floats:
        """(names + 1,) sums of weights by what the things are of."""
        found = np.bincount(self.of[things], weights=weights, minlength=self.names + 1).astype(np.float64)
        found[self.names] = 0.0
        return found


def name(numbers: Ints) -> Named:
    """Named of numbers with NONE."""
    count = int(numbers.max(initial=NONE)) + 1
    return Named(np.where(numbers == NONE, count, numbers), count)


class Past:
    """What was known of a world before a moment, about the things that there are to go to."""

    def __init__(self, world: World, until_s: float, there: Ints) -> None:
        """until_s: what came before counts (seconds since the epoch). there: numbers of things."""
        things, people, count = world.things, len(world.people.ids), len(world.things.ids)
        self.world, self.until_s, self.there = world, until_s, there
        self.row_of = np.full(count, NONE)  # of each thing among `there`
        self.row_of[there] = np.arange(len(there))
        self.event, self.starts = things.event[there], things.starts[there]
        before = int(np.searchsorted(world.attended.at, until_s))
        attended = world.attended
        self.person, self.thing, self.at = attended.person[:before], attended.other[:before], attended.at[:before]
        self.visits = index(self.person, people)
        self.units = chords.units(things.position)
        self.named = {kind: name(getattr(things, kind)) for kind in (*HOSTS, "place")}
        before = int(np.searchsorted(world.members.at, until_s))
        self.member_of, self.members = world.members.other[:before], index(world.members.person[:before], people)
        before = int(np.searchsorted(world.friends.at, until_s))
        self.friend, self.friends = world.friends.other[:before], index(world.friends.person[:before], people)
        self.signed = index(world.signed.person, people)
        self.full_from = self._fill()[there]
        self.came, self.came_ever = self._count_crowds()
        self._weigh_tags()
        self._find_alike()

    def _fill(self) -> Floats:
        """When the last place of each thing was taken; infinity where some were left."""
        things, signed = self.world.things, self.world.signed
        by_thing = index(signed.other, len(things.ids))
        full = np.full(len(things.ids), np.inf)
        for thing in np.flatnonzero(~np.isnan(things.capacity)):
            rows, places = by_thing.of(thing), int(things.capacity[thing])
            if places == 0 or len(rows) >= places:
                full[thing] = -np.inf if places == 0 else signed.at[rows[places - 1]]
        return full

    def _count_crowds(self) -> tuple[Floats, Floats]:
        """How many came to each thing of `there`, or usually come to its like: faded, and of all time."""
        things, place = self.world.things, self.named["place"]
        _, last_thing, last = likeness.keep_last(self.person, place.of[self.thing], self.at, most=len(self.at) + 1)
        fades = habits.fade(self.until_s - last, habits.CROWD_DAYS)
        came = np.bincount(self.thing, minlength=len(things.ids)).astype(np.float64)
        held = np.flatnonzero((came > 0) & things.event)
        found = []
        for visitors, counts in (
            (fades, habits.fade(self.until_s - things.starts[held], habits.CROWD_DAYS)),
            (np.ones(len(last)), np.ones(len(held))),
        ):
            venues = np.bincount(last_thing, weights=visitors, minlength=place.names + 1)[place.of]
            usual = np.full(len(things.ids), (came[held] @ counts) / max(float(counts.sum()), 1e-9))
            for kind in ("place", *HOSTS):
                named = self.named[kind]
                people, evenings = named.sum(held, came[held] * counts), named.sum(held, counts)
                usual = habits.usual_crowd(people[named.of], evenings[named.of], usual)
            found.append(np.where(things.event, usual, venues)[self.there])
        return found[0], found[1]

    def _weigh_tags(self) -> None:
        tags, count = self.world.things.tags, len(self.world.things.ids)
        self.rarity = habits.rarity(np.bincount(tags.tag, minlength=len(self.world.tags)), count)
        owner = np.repeat(np.arange(count), np.diff(tags.begins))
        length = np.sqrt(np.bincount(owner, weights=self.rarity[tags.tag] ** 2, minlength=count))
        self.tag_weight = self.rarity[tags.tag] / np.maximum(length[owner], 1e-9)
        here = self.row_of[owner] != NONE
        self.tag_row, self.tag, self.tag_here = self.row_of[owner][here], tags.tag[here], self.tag_weight[here]

    def _find_alike(self) -> None:
        """What is alike, over what comes again: series, else community, else organizer, else place; venues as such."""
        things = self.world.things
        self.lasting = np.full(len(things.ids), NONE)
        first = 0
        for kind in (*reversed(HOSTS), "place"):
            named = self.named[kind]
            takes = (self.lasting == NONE) & (named.of < named.names) & (things.event | (kind == "place"))
            self.lasting[takes] = first + named.of[takes]
            first += named.names
        self.lasting[self.lasting == NONE] = first
        self.lasts = first + 1
        came = self.lasting[self.thing]
        known = came < first
        person, thing, _ = likeness.keep_last(self.person[known], came[known], self.at[known])
        self.alike = likeness.find(person, thing, self.lasts)

    def visits_of(self, person: int) -> Ints:
        """The rows of what somebody came to, the last first."""
        return self.visits.of(person)[::-1][:LAST_VISITS]

    def facts(self, person: int, at_s: float) -> Facts:
        """What speaks for each of `there` for somebody who asks at that time."""
        visits = self.visits_of(person)
        been = self.thing[visits]
        fades = habits.fade(at_s - self.at[visits])
        home = self.home_of(person)
        here = self.units[self.there]
        away = chords.nearest_m(here, chords.units(home[None]))
        member = np.zeros(self.named["community"].names + 1)
        communities = self.member_of[self.members.of(person)]
        member[communities[communities < len(member) - 1]] = 1.0
        return Facts(
            distance_m=away,
            way_m=self._ways(been, fades, away),
            hours_until=np.maximum(0.0, (self.starts - at_s) / 3600),
            interests=self._interests(person, been, fades),
            community=member[self.named["community"].of[self.there]],
            known=self._known(person, at_s),
            regular=self._regular(been, fades),
            alike=self._alike(been),
            came=self.came,
            full=(self.full_from < at_s).astype(np.float64),
            lively=np.zeros(len(self.there)),
        )

    def _ways(self, been: Ints, fades: Floats, away: Floats) -> Floats:
        """Metres from the places that she goes to; from her home where she was nowhere yet."""
        place, first = np.unique(self.named["place"].of[been], return_index=True)
        counts = self.named["place"].sum(been, fades)[place]
        known = (counts > 0) & ~np.isnan(self.units[been[first], 0]) if len(been) else counts > 0
        most = np.argsort(-counts[known], kind="stable")[:ANCHORS]
        if not len(most):
            return away
        units, counts = self.units[been[first][known][most]], counts[known][most]
        return habits.way_m(chords.metres(self.units[self.there] @ units.T), counts)

    def home_of(self, person: int) -> Floats:
        """Her home as (lon, lat), else the middle of where she was of late; NaN where nothing is known."""
        home: Floats = self.world.people.home[person]
        if np.isnan(home[0]):
            places = self.world.things.position[self.thing[self.visits_of(person)]]
            places = places[~np.isnan(places[:, 0])][:LAST_PLACES]
            home = np.asarray(np.median(places, axis=0)) if len(places) else home
        return home

    def been_at(self, person: int) -> NDArray[np.bool_]:
        """Whether she was at the place of each of `there` before."""
        place = self.named["place"]
        seen = place.sum(self.thing[self.visits.of(person)], None) > 0
        return np.asarray(seen[place.of[self.there]])

    def _regular(self, been: Ints, fades: Floats) -> Floats:
        count = {kind: named.sum(been, fades)[named.of[self.there]] for kind, named in self.named.items()}
        hosts = count["organizer"] + count["community"]
        same = np.where(self.event, count["series"], count["place"])
        return habits.regular(same, hosts + np.where(self.event, count["place"], 0.0))

    def _alike(self, been: Ints) -> Floats:
        lasting, first = np.unique(self.lasting[been], return_index=True)
        lasting = lasting[np.argsort(first)]
        lasting = lasting[lasting < self.lasts - 1][: likeness.LAST_THINGS]
        reached = likeness.reach(self.alike, lasting, self.lasts)
        reached[-1] = 0.0
        found: Floats = reached[self.lasting[self.there]]
        return found

    def _interests(self, person: int, been: Ints, fades: Floats) -> Floats:
        tags, interests = self.world.things.tags, self.world.people.interests
        told = np.zeros(len(self.world.tags))
        declared = interests.tag[interests.begins[person] : interests.begins[person + 1]]
        told[declared] = self.rarity[declared]
        been, counts = been[:SHOWN_BY], fades[:SHOWN_BY]
        rows = likeness.take(tags.begins, been)
        counted = np.repeat(counts, tags.begins[been + 1] - tags.begins[been])
        shown = _sum(tags.tag[rows], self.tag_weight[rows] * counted, len(told))
        taste = habits.taste(told, shown, float(fades.sum()))
        return _sum(self.tag_row, self.tag_here * taste[self.tag], len(self.there))

    def _known(self, person: int, at_s: float) -> Floats:
        """How many friends signed up for each event by then, or were at each venue of late."""
        friends = np.unique(self.friend[self.friends.of(person)])
        signed, place = self.world.signed, self.named["place"]
        rows = self.signed.of_all(friends)
        rows = rows[signed.at[rows] < at_s]
        go = self.row_of[signed.other[rows]]
        known = _count_people(signed.person[rows][go != NONE], go[go != NONE], len(self.there))
        rows = self.visits.of_all(friends)
        rows = rows[self.at[rows] > self.until_s - habits.HABIT_DAYS * habits.DAY_S]
        there = _count_people(self.person[rows], place.of[self.thing[rows]], place.names + 1)
        return np.where(self.event, known, there[place.of[self.there]])


def _sum(numbers: Ints, weights: Floats, most: int) -> Floats:
    return np.bincount(numbers, weights=weights, minlength=most).astype(np.float64)


def _count_people(person: Ints, number: Ints, most: int) -> Floats:
    """How many different people are with each number."""
    pairs = np.unique(person * most + number)
    return np.bincount(pairs % most, minlength=most).astype(np.float64)
