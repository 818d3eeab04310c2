"""Who would gather with whom, who may still be there, and when a gathering is over: pure functions."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from config.settings import PopUps
from geo import cells, distances

STAYS = 2  # fewer are no gathering


class Person(NamedTuple):
    """Somebody who may be asked. interests: those that she may be asked for now. venue_id: where her badge is heard.

    cell: where she is, of cells.NEAR. asked: when she was asked last (seconds since the epoch, 0: never).
    """

    member_id: str
    cell: int
    venue_id: str | None
    interests: frozenset[str]
    simulated: bool = False
    asked: float = 0.0


class Group(NamedTuple):
    """Some who like the same: all heard at a venue, or all within near_m of the middle of a cell; the other is None."""

    interest_id: str
    member_ids: tuple[str, ...]
    venue_id: str | None
    cell: int | None
    simulated: bool


Blocks = Mapping[str, Collection[str]]


def blocks_of(pairs: Iterable[tuple[str, str]]) -> Blocks:
    """With whom each wants nothing to do, whichever of the two said so."""
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        found[one].add(other)
        found[other].add(one)
    return found


def groups(people: Iterable[Person], blocks: Blocks, rule: PopUps) -> list[Group]:
    """Groups of `people` to `most_people` who like the same, nobody in two, nobody with whom she blocked.

    Greedy: first those at a venue, then around the fullest cells, each time the interest that most share, of one
    interest one group for each place; who was asked longest ago goes first. So it does not find every group that there
    is (that is a hard problem), and the next minute looks again. The order of `people` changes nothing; real and
    simulated people do not mix.
    """
    found: list[Group] = []
    ordered = sorted(people, key=lambda one: (one.asked, one.member_id))
    for simulated in (False, True):
        left = {one.member_id: one for one in ordered if one.simulated is simulated}
        for venue_id in sorted({one.venue_id for one in left.values() if one.venue_id is not None}):
            here = [one for one in left.values() if one.venue_id == venue_id]
            for interest_id, ids in _at_place(here, blocks, rule):
                found.append(Group(interest_id, ids, venue_id, None, simulated))
                left = {key: one for key, one in left.items() if key not in ids}
        found += _around_cells(left, blocks, rule, simulated)
    return found


def _around_cells(left: dict[str, Person], blocks: Blocks, rule: PopUps, simulated: bool) -> list[Group]:
    members: dict[int, list[Person]] = defaultdict(list)
    for one in left.values():
        members[one.cell].append(one)
    reach = {cell: within(cell, rule.near_m, members) for cell in members}
    fullest = sorted(members, key=lambda cell: (-sum(len(members[other]) for other in reach[cell]), cell))
    found: list[Group] = []
    taken: set[str] = set()
    for cell in fullest:
        here = [one for other in reach[cell] for one in members[other] if one.member_id not in taken]
        here.sort(key=lambda one: (one.asked, one.member_id))
        for interest_id, ids in _at_place(here, blocks, rule):
            found.append(Group(interest_id, ids, None, cell, simulated))
            taken.update(ids)
    return found


def within(cell: int, near_m: float, among: Collection[int]) -> list[int]:
    """The cells of these whose middles lie within near_m of the middle of one, in one order."""
    middle = cells.centre(cell)
    ring = cells.around(middle, near_m, cells.NEAR)
    return sorted(one for one in ring if one in among and distances.between_m(middle, cells.centre(one)) <= near_m)


def _at_place(here: Sequence[Person], blocks: Blocks, rule: PopUps) -> list[tuple[str, tuple[str, ...]]]:
    """Groups of those at one place, each interest once; the first takes whom it needs."""
    found: list[tuple[str, tuple[str, ...]]] = []
    taken: set[str] = set()
    done: set[str] = set()
    while True:
        sharing: dict[str, list[str]] = defaultdict(list)
        for one in here:
            for interest_id in one.interests - done if one.member_id not in taken else ():
                sharing[interest_id].append(one.member_id)
        enough = [of for of, ids in sharing.items() if len(ids) >= rule.people]
        for interest_id in sorted(enough, key=lambda of: (-len(sharing[of]), of)):
            done.add(interest_id)
            chosen = _together(sharing[interest_id], blocks, rule)
            if len(chosen) >= rule.people:
                found.append((interest_id, chosen))
                taken.update(chosen)
                break
        else:
            return found


def _together(member_ids: Sequence[str], blocks: Blocks, rule: PopUps) -> tuple[str, ...]:
    """As many as fit, in their order; first those with whom all of the others would gather."""
    among = set(member_ids)
    chosen: list[str] = []
    # Sorting is stable: who is blocked by as many stays in order.
    for one in sorted(member_ids, key=lambda one: len(among.intersection(blocks.get(one, ())))):
        if not set(blocks.get(one, ())).intersection(chosen):
            chosen.append(one)
            if len(chosen) == rule.most_people:
                break
    return tuple(sorted(chosen))


class Seen(NamedTuple):
    """What is known of somebody who said yes, the newest of it. since: when she said so, on the spot.

    heard_at: her badge at the place, the last time; left: agents there listened for longer than a visit's gaps since,
    and did not hear it. placed_at, away_m: a position of hers, and how far from the place.
    """

    since: dt.datetime
    heard_at: dt.datetime | None = None
    left: bool = False
    placed_at: dt.datetime | None = None
    away_m: float = 0.0


def is_there(seen: Seen, now: dt.datetime, rule: PopUps) -> bool:
    """Whether somebody is taken to be there: her newest sign says so, and is not too old. Silence is not absence."""
    newest, there = seen.since, True
    if seen.heard_at is not None and seen.heard_at >= newest:
        newest, there = seen.heard_at, not seen.left
    if seen.placed_at is not None and seen.placed_at >= newest:
        newest, there = seen.placed_at, seen.away_m <= rule.gone_m
    return there and now - newest <= dt.timedelta(seconds=rule.silent_s)


class Verdict(NamedTuple):
    """Whether a gathering is over, and since when too few are there (None: enough are)."""

    over: bool
    thin_at: dt.datetime | None


def judge(
    seen: Iterable[Seen], *, thin_at: dt.datetime | None, ends_at: dt.datetime, now: dt.datetime, rule: PopUps
) -> Verdict:
    """Over at its end, or once fewer than two were there for gone_s: who went out to fetch something comes back."""
    there = sum(is_there(one, now, rule) for one in seen)
    thin_at = None if there >= STAYS else thin_at or now
    gone = thin_at is not None and now - thin_at >= dt.timedelta(seconds=rule.gone_s)
    return Verdict(gone or now >= ends_at, thin_at)
