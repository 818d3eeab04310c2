"""Fences around places: fixes of a phone -> surely in, surely out or not to be told -> enter, inside, exit; pure.

    far -- approach_m -- exit_m -- enter_m -- the place
          approaching   [ as before ]  inside

A fix is a distance and how far off it may be. It counts as inside only if she is within enter_m wherever she may be,
as outside only if she is beyond exit_m wherever she may be; what lies between changes nothing. So somebody who stays
where she is never goes in and out, however much her fixes swing within their accuracy. Silence changes nothing either.
"""

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from geo import distances
from geo.areas import Position


class Fence(NamedTuple):
    """A fence. enter_m: in from there on; exit_m: out from there on; approach_m: near from there on.

    dwell_s: who is in for so long has come, and did not pass by. gap_s: between two fixes inside that lie no further
    apart she counts as inside; after a longer silence it is not known where she is.
    """

    enter_m: float
    exit_m: float
    approach_m: float
    dwell_s: float
    gap_s: float

    @property
    def forget_m(self) -> float:
        """Beyond it she is no longer near: further out than where near begins, by what lies between out and in."""
        return self.approach_m + self.exit_m - self.enter_m


def check(fence: Fence) -> Fence:
    """The fence itself; raises ValueError, in a sentence, if it would flap or mean nothing."""
    if not 0 < fence.enter_m < fence.exit_m:
        raise ValueError("A fence is left further out than it is entered.")
    if fence.approach_m < fence.exit_m:
        raise ValueError("Who approaches is still outside.")
    if fence.dwell_s < 0 or fence.gap_s <= 0:
        raise ValueError("Times are not negative.")
    return fence


class Sight(NamedTuple):
    """One fix as seen from a place: metres away, metres that it may be off, and when, ms since the epoch."""

    distance_m: float
    accuracy_m: float
    at_ms: int


class Kind(StrEnum):
    """What happens at a fence."""

    APPROACHING = "approaching"  # near, and not in
    ENTER = "enter"  # in; also who is in already when the first fix comes
    INSIDE = "inside"  # in for dwell_s
    EXIT = "exit"  # out


class Happened(NamedTuple):
    """Something happened at a fence by at_ms, and not before after_ms; None: nothing was known before.

    Without a long silence the two are neighbouring fixes; after one somebody left some time between them.
    """

    kind: Kind
    at_ms: int
    after_ms: int | None


class State(NamedTuple):
    """What is known of one phone at one fence. Times are ms since the epoch.

    last_ms: of the newest fix. inside: None as long as none could tell. since_ms: since when it is so; sure_ms: the
    newest fix that said it; run_ms: since when she was inside without a silence of more than gap_s. dwelt: she was for
    dwell_s, in this stay. near: told that she approaches. outside_m, off_m: how far outside enter_m the newest fix was
    (0 within), and how far off it may have been: to explain.
    """

    last_ms: int
    inside: bool | None = None
    since_ms: int = 0
    sure_ms: int = 0
    run_ms: int = 0
    dwelt: bool = False
    near: bool = False
    outside_m: float = 0.0
    off_m: float = 0.0


class Stay(NamedTuple):
    """Time inside without a long silence, by the fixes at its ends, ms since the epoch."""

    from_ms: int
    to_ms: int


class Folded(NamedTuple):
    """What follows from fixes: the state, what happened in its order, and the stays that they were part of."""

    state: State | None
    happened: tuple[Happened, ...] = ()
    stays: tuple[Stay, ...] = ()


def see(middle: Position, place: Position, accuracy_m: float, at_ms: int) -> Sight:
    """A fix (degrees, longitude first) as seen from the middle of a fence."""
    return Sight(distances.between_m(middle, place), accuracy_m, at_ms)


def side(sight: Sight, fence: Fence) -> bool | None:
    """Whether she is inside by one fix alone; None: it cannot tell."""
    if sight.distance_m + sight.accuracy_m <= fence.enter_m:
        return True
    if sight.distance_m - sight.accuracy_m > fence.exit_m:
        return False
    return None


def fold(state: State | None, sights: Iterable[Sight], fence: Fence) -> Folded:
    """What a state becomes by fixes, in whatever order they come.

    A fix that is not newer than what is known changes nothing; of several of one moment the most accurate counts.
    """
    happened: list[Happened] = []
    stays: list[Stay] = []
    for sight in sorted(sights, key=lambda one: (one.at_ms, one.accuracy_m, one.distance_m)):
        if state is not None and sight.at_ms <= state.last_ms:
            continue
        before, state = state, _step(state, sight, fence, happened)
        if before is not None and before.inside and not state.inside and not stays:
            stays.append(Stay(before.run_ms, before.sure_ms))  # it ended here
        if state.inside and state.sure_ms == sight.at_ms:
            if stays and stays[-1].from_ms == state.run_ms:
                stays.pop()
            stays.append(Stay(state.run_ms, sight.at_ms))
    return Folded(state, tuple(happened), tuple(stays))


def _step(state: State | None, sight: Sight, fence: Fence, happened: list[Happened]) -> State:
    found = side(sight, fence)
    before = State(sight.at_ms) if state is None else state
    known_ms = None if before.inside is None else before.sure_ms
    after = before._replace(
        last_ms=sight.at_ms, outside_m=max(0.0, sight.distance_m - fence.enter_m), off_m=sight.accuracy_m
    )
    if found is True:
        if not before.inside:
            happened.append(Happened(Kind.ENTER, sight.at_ms, known_ms))
            after = after._replace(inside=True, since_ms=sight.at_ms, run_ms=sight.at_ms, dwelt=False, near=True)
        elif sight.at_ms - before.sure_ms > fence.gap_s * 1000:
            after = after._replace(run_ms=sight.at_ms)
        after = after._replace(sure_ms=sight.at_ms)
        moment_ms = after.run_ms + math.ceil(fence.dwell_s * 1000)
        if not after.dwelt and moment_ms <= sight.at_ms:
            happened.append(Happened(Kind.INSIDE, moment_ms, after.run_ms))
            after = after._replace(dwelt=True)
        return after
    if found is False:
        if before.inside:
            happened.append(Happened(Kind.EXIT, sight.at_ms, known_ms))
        if before.inside is not False:
            after = after._replace(inside=False, since_ms=sight.at_ms, dwelt=False)
        after = after._replace(sure_ms=sight.at_ms)
    if sight.distance_m - sight.accuracy_m > fence.forget_m:
        return after._replace(near=False)
    if sight.distance_m + sight.accuracy_m <= fence.approach_m and not after.inside and not after.near:
        happened.append(Happened(Kind.APPROACHING, sight.at_ms, None if state is None else state.last_ms))
        return after._replace(near=True)
    return after


class Code(StrEnum):
    """How it stands with somebody at a fence."""

    INSIDE = "inside"  # she is there
    STAY = "stay"  # she is there, for more_s too short
    EDGE = "edge"  # she was there and has not surely left
    VAGUE = "vague"  # she may be there: off_m is too much to say so
    OUTSIDE = "outside"  # she is not, by outside_m
    UNKNOWN = "unknown"  # silent for longer than gap_s


class Explanation(NamedTuple):
    """How it stands, with numbers. more_s: how much longer she has to be inside once she is."""

    code: Code
    outside_m: float
    off_m: float
    more_s: float


def explain(state: State | None, fence: Fence, now_ms: int) -> Explanation:
    """How it stands with somebody at now_ms, by all that is known; None: nothing is."""
    if state is None or now_ms - state.last_ms > fence.gap_s * 1000:
        return Explanation(Code.UNKNOWN, 0.0, 0.0, fence.dwell_s)
    so_far_ms = state.sure_ms - state.run_ms if state.inside else 0
    more_s = 0.0 if state.dwelt else max(0.0, fence.dwell_s - so_far_ms / 1000)
    if state.inside and state.sure_ms < state.last_ms:
        code = Code.EDGE
    elif state.inside:
        code = Code.STAY if more_s > 0 else Code.INSIDE
    else:
        code = Code.OUTSIDE if state.outside_m > 0 else Code.VAGUE
    return Explanation(code, state.outside_m, state.off_m, more_s)


def reached_ms(stay: Stay, from_ms: int, to_ms: int, dwell_ms: int) -> int | None:
    """When a stay, cut to a time, had lasted long enough; None: not yet."""
    low, high = max(stay.from_ms, from_ms), min(stay.to_ms, to_ms)
    return low + dwell_ms if high - low >= dwell_ms else None
