"""What a viewer may see of a member: the most specific thing that she said and that still stands, else the default.

Pure. Times are milliseconds since the epoch, intervals half-open: at `until_ms` a grant says nothing any more.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum, StrEnum
from typing import NamedTuple

EVER_MS = 1 << 62  # the end of what has no end, as in server/presence/intervals.py
DAY_MS = 24 * 3600 * 1000
# The organizer's list of who came is for the evening and the morning after: to say thank you, to find a lost scarf.
NAME_AFTER_END_MS = DAY_MS


class Level(IntEnum):
    """How much is seen. A higher level includes the lower ones."""

    HIDDEN = 0  # nothing: no dot, no badge number, in no figure of who is here
    COUNTED = 1  # a dot and a number
    NAME = 2

    @property
    def word(self) -> str:
        """As it is stored and told."""
        return self.name.lower()


LEVELS = {level.word: level for level in Level}


class Kind(StrEnum):
    """Kinds of viewers."""

    ORGANIZER = "organizer"  # of an event; of_id: the event
    VENUE = "venue"  # who keeps a venue
    COMMUNITY = "community"  # members of a community
    PEOPLE = "people"  # whoever is in the same venue; of_id: the venue


class Grant(NamedTuple):
    """What a member said and has not taken back. of_id: None for all viewers of the kind."""

    kind: Kind
    of_id: str | None
    level: Level
    until_ms: int = EVER_MS


class Window(NamedTuple):
    """A level that holds in [from_ms, to_ms)."""

    from_ms: int
    to_ms: int
    level: Level


Windows = tuple[Window, ...]

HIDDEN: Windows = (Window(0, EVER_MS, Level.HIDDEN),)
COUNTED: Windows = (Window(0, EVER_MS, Level.COUNTED),)


class Viewer(NamedTuple):
    """Who looks. mine: of an organizer, whether the member signed up or checked in by an act of her own.

    ends_ms: when the event of an organizer ends.
    """

    kind: Kind
    of_id: str
    mine: bool = True
    ends_ms: int = EVER_MS


def default(viewer: Viewer) -> Windows:
    """What a viewer sees of somebody who said nothing."""
    if viewer.kind is Kind.VENUE:
        return COUNTED
    if viewer.kind is Kind.ORGANIZER and viewer.mine:
        named_until_ms = min(viewer.ends_ms + NAME_AFTER_END_MS, EVER_MS)
        return (Window(0, named_until_ms, Level.NAME), Window(named_until_ms, EVER_MS, Level.COUNTED))
    return HIDDEN


def level(grants: Iterable[Grant], paused: bool, viewer: Viewer, now_ms: int) -> Level:
    """What the viewer sees at now_ms.

    What was said of all organizers concerns those of her own events alone; of another event it has to be named.
    """
    if paused:
        return Level.HIDDEN
    said: dict[str | None, Level] = {
        grant.of_id: grant.level for grant in grants if grant.kind is viewer.kind and now_ms < grant.until_ms
    }
    if viewer.of_id in said:
        return said[viewer.of_id]
    if None in said and viewer.mine:
        return said[None]
    return level_at(default(viewer), now_ms)


def windows(grants: Sequence[Grant], paused: bool, viewer: Viewer) -> Windows:
    """The same for all times: ascending, without gaps from 0 to EVER_MS, neighbours differ."""
    ends = {grant.until_ms for grant in grants if grant.kind is viewer.kind}
    ends |= {window.from_ms for window in default(viewer)}
    starts = sorted({0, *(end for end in ends if end < EVER_MS)})
    found: list[Window] = []
    for start, end in zip(starts, [*starts[1:], EVER_MS], strict=True):
        here = level(grants, paused, viewer, start)
        if found and found[-1].level is here:
            found[-1] = found[-1]._replace(to_ms=end)
        else:
            found.append(Window(start, end, here))
    return tuple(found)


def level_at(windows: Windows, at_ms: int) -> Level:
    """The level that holds at a moment."""
    for window in windows:
        if at_ms < window.to_ms:
            return window.level
    return Level.HIDDEN


def organizer_at_venue(organizer: Level, venue: Level) -> Level:
    """What an organizer sees of somebody at a venue: who is counted for the venue is counted for her, too."""
    return max(organizer, min(venue, Level.COUNTED))
