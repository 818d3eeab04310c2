"""The rules of doors: pure functions of what was shown, the steps, the clocks and what stands already."""

import datetime as dt
import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

# A volunteer's phone is a door, and a screen shows codes, until so long after the end: whoever comes late is told why.
AFTER_END = dt.timedelta(hours=2)
# What was sent as long after it happened was stored meanwhile: a slow network and a retry take less.
LATE_AFTER = dt.timedelta(seconds=60)
# A guest's own phone may have been without a network on the stairs; what is older is a slip, or a story.
OWN_MOST = dt.timedelta(minutes=15)
# A door's phone may come back to a network the day after a weekend.
DOOR_MOST = dt.timedelta(days=7)
# Phones that set their own time are right to the second; beyond a day it is not the clock but what was written.
CLOCK_MOST = dt.timedelta(days=1)
# Around an event its poster is told early or late; further away it is the poster of another evening.
OTHER_EVENING = dt.timedelta(hours=12)
FIX_OLD_S = 60.0  # a phone that lay in a bag says where it was then
# The best receivers know their place to a few metres; 0 or less is no measure, and beyond 5 km it says nothing.
ACCURACY_M = (0.1, 5000.0)
EARTH_M = 6_371_008.8  # the mean radius; IUGG
# Doors of the same event that know of one place further away than this contradict each other.
ELSEWHERE_M = 1000.0


class Evidence(StrEnum):
    """By what somebody was let in; the strongest first but that a host's hand follows the signed code."""

    BEACON = "beacon"
    SCREEN = "screen"
    QR = "qr"
    MANUAL = "manual"
    PHONE = "phone"
    HEARD = "heard"
    POSTER = "poster"


class Flag(StrEnum):
    """What is remarkable of a passage."""

    LATE = "late"  # told later, by a door that had no network
    CLOCK = "clock"  # its time makes no sense: when it arrived counts
    NOT_OPEN_YET = "not_open_yet"
    ENDED = "ended"
    OVER_CAPACITY = "over_capacity"
    NOT_APPROVED = "not_approved"
    DOOR_CLOSED = "door_closed"  # scanned at a door that was revoked, or over, when it was told
    ELSEWHERE = "elsewhere"  # her phone's position says otherwise


class By(StrEnum):
    """Who lets in: she herself, somebody at a door with a link, or a host."""

    SELF = "self"
    DOOR = "door"
    HOST = "host"


class Told(NamedTuple):
    """When something happened. late: it was stored meanwhile; clock: the times told make no sense."""

    at: dt.datetime
    late: bool
    clock: bool


class Window(NamedTuple):
    """A step as a door sees it."""

    step_id: str
    name: str
    opens_at: dt.datetime
    ends_at: dt.datetime


class Case(NamedTuple):
    """What decides about one entry. standing: she is checked in to the step already. inside: how many are."""

    by: By
    at: dt.datetime
    late: bool
    signed_up: bool
    standing: bool
    answered: bool  # the host has said yes
    approval: bool
    capacity: int | None
    inside: int


class In(NamedTuple):
    """Let in."""

    flags: tuple[Flag, ...] = ()


class Ask(NamedTuple):
    """The host is asked."""

    reason: str


class No(NamedTuple):
    """Not let in, with what the sentence needs."""

    code: str
    values: dict[str, Any]


def moment(told_at: dt.datetime | None, sent_at: dt.datetime | None, now: dt.datetime, most: dt.timedelta) -> Told:
    """When it happened by the server's clock: as long before now as it was before it was sent, by the phone's own.

    So a clock that is an hour off does not matter. Without both times it happened now. most: how long it may have been
    stored; what is older, or of the future, or told by a clock more than a day off, happened now and is flagged.
    """
    if told_at is None or sent_at is None:
        return Told(now, False, False)
    age = sent_at - told_at
    if not -LATE_AFTER <= age <= most or abs(now - sent_at) > max(CLOCK_MOST, most):
        return Told(now, age > LATE_AFTER, True)
    age = max(age, dt.timedelta(0))
    return Told(now - age, age > LATE_AFTER, abs(now - sent_at) > CLOCK_MOST)


def choose(steps: Sequence[Window], at: dt.datetime, bound: str | None = None) -> tuple[Window | None, No | None]:
    """Which step a door leads to at a time, of those of its event in their order, and what is in the way.

    bound: the step that the door is for. When none is open it is the nearest: the next to open, else the last.
    """
    wanted = [step for step in steps if bound in (None, step.step_id)]
    if not wanted:
        return None, No("nothing_here", {})
    for step in wanted:
        if step.opens_at <= at < step.ends_at:
            return step, None
    ahead = [step for step in wanted if step.opens_at > at]
    if ahead:
        step = min(ahead, key=lambda each: each.opens_at)
        if step.opens_at - at > OTHER_EVENING:
            return step, No("other_evening", {"at": step.opens_at})
        return step, No("not_open_yet", {"minutes": _minutes_up(step.opens_at - at)})
    step = max(wanted, key=lambda each: each.ends_at)
    if at - step.ends_at > OTHER_EVENING:
        return step, No("other_evening", {"at": step.opens_at})
    return step, No("ended", {"minutes": int((at - step.ends_at).total_seconds()) // 60})


def decide(case: Case, miss: No | None) -> In | Ask | No:
    """What happens to who wants to come in. miss: what `choose` found in the way.

    What a door without a network tells has happened: it is kept and flagged. A host may let anybody in.
    """
    found: list[Flag] = []
    if miss is not None:
        if miss.code not in (Flag.NOT_OPEN_YET, Flag.ENDED):
            return miss
        if case.by is not By.HOST and not case.late:
            return miss
        found.append(Flag(miss.code))
    # Who stands in the list already, or whom the host let in, is asked for no second time.
    if not case.standing:
        if case.capacity is not None and case.inside >= case.capacity:
            if case.by is not By.HOST and not case.answered and not case.late:
                return Ask("full")
            found.append(Flag.OVER_CAPACITY)
        if case.approval and not case.signed_up and not case.answered and case.by is not By.HOST:
            if not case.late:
                return Ask("approval")
            found.append(Flag.NOT_APPROVED)
    return In(tuple(found))


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two positions (longitude, latitude in degrees) along a great circle; the haversine formula."""
    (lon_a, lat_a), (lon_b, lat_b) = ([math.radians(part) for part in place] for place in (one, other))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))


def check_position(
    fix: tuple[float, float], accuracy_m: float, age_s: float, place: tuple[float, float], radius_m: float
) -> No | None:
    """What is in the way of a check-in by one position: it has to be inside the radius with all that it may be off."""
    if fix == (0.0, 0.0) or not (-180 <= fix[0] <= 180 and -90 <= fix[1] <= 90):
        return No("position_impossible", {})
    if not ACCURACY_M[0] <= accuracy_m <= ACCURACY_M[1]:
        return No("position_impossible", {})
    if age_s > FIX_OLD_S or age_s < -FIX_OLD_S:
        return No("position_old", {"seconds": round(abs(age_s))})
    away_m = distance_m(fix, place)
    if away_m + accuracy_m <= radius_m:
        return None
    if away_m <= radius_m:
        return No("position_vague", {"accuracy": round(accuracy_m), "radius": round(radius_m)})
    return No("too_far", {"metres": round_up(away_m, 10), "radius": round(radius_m)})


def contradicts(fix: tuple[float, float] | None, accuracy_m: float, place: tuple[float, float] | None) -> bool:
    """Whether a phone's position says that somebody is not where the code hangs."""
    if fix is None or place is None or fix == (0.0, 0.0):
        return False
    return distance_m(fix, place) - accuracy_m > ELSEWHERE_M


def closes_at(kind: str, ends_at: dt.datetime | None, event_ends_at: dt.datetime | None) -> dt.datetime | None:
    """When a door closes; None: not by itself. Links end 2 h after the event, a poster hangs until it is revoked."""
    if kind == "poster" or event_ends_at is None:
        return ends_at
    last = event_ends_at + AFTER_END
    return last if ends_at is None else min(ends_at, last)


def round_up(value: float, step: int) -> int:
    """The next multiple of step."""
    return math.ceil(value / step) * step


def _minutes_up(time: dt.timedelta) -> int:
    return max(1, math.ceil(time.total_seconds() / 60))
