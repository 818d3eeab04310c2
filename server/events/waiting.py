"""Who waits gets a place strictly in turn; who does not fit is passed over and keeps her turn; pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

# How many more each step takes; None: no bound. Below 0 where the host took places away.
Free = Mapping[str, int | None]


class Party(NamedTuple):
    """Somebody with her guests who waits for a place at all of these steps. step_id: None for the whole gathering."""

    turn: int
    member_id: str
    step_id: str | None
    people: int
    steps: tuple[str, ...]


def fits(people: int, steps: Iterable[str], free: Free) -> bool:
    """Whether there is room for a party at all these steps."""
    return all((left := free[step]) is None or left >= people for step in steps)


def next_in(waiting: Iterable[Party], free: Free) -> list[Party]:
    """The parties that get a place now, in turn."""
    left = dict(free)
    found = []
    for party in sorted(waiting, key=lambda one: (one.turn, one.member_id)):
        if not fits(party.people, party.steps, left):
            continue
        left = dict(without(left, [party]))
        found.append(party)
    return found


def without(free: Free, parties: Iterable[Party]) -> Free:
    """How many more each step takes once these have their places."""
    left = dict(free)
    for party in parties:
        for step in party.steps:
            here = left[step]
            left[step] = None if here is None else here - party.people
    return left


def before(waiting: Iterable[Party], turn: int) -> int:
    """How many parties stand before this turn."""
    return sum(party.turn < turn for party in waiting)
