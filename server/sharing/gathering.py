"""A gathering as everybody may see it, or what strangers may know of one that is for members."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Literal

Standing = Literal["published", "cancelled"]
Phase = Literal["coming", "running", "over", "cancelled"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, as far as its reader may know: address is a district where no more is said.

    pin: degrees, longitude first; None: nobody is shown the way.
    """

    name: str
    address: str = ""
    pin: tuple[float, float] | None = None

    def __str__(self) -> str:
        """The place in one line."""
        return ", ".join(part for part in (self.name, self.address) if part)


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a gathering."""

    id: str
    name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    time_zone: str
    place: Place
    capacity: int | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Gathering:
    """A gathering whose reader may see all that its invitation says. parts: one or more, in their order.

    several: it has more steps than one, whether or not they stand here.
    reason: why it was cancelled. for_all: whether everybody may see as much.
    """

    id: str
    name: str
    host: str
    parts: tuple[Part, ...]
    created_at: dt.datetime
    community: str = ""
    community_id: str | None = None
    about: str = ""
    price: str = ""
    picture_id: str | None = None
    standing: Standing = "published"
    reason: str = ""
    for_all: bool = True
    several: bool = False
    version: int = 1

    @property
    def starts_at(self) -> dt.datetime:
        """When its first step starts."""
        return min(part.starts_at for part in self.parts)

    @property
    def ends_at(self) -> dt.datetime:
        """When its last step ends."""
        return max(part.ends_at for part in self.parts)

    @property
    def first(self) -> Part:
        """The step that starts first."""
        return min(self.parts, key=lambda part: part.starts_at)

    @property
    def places(self) -> tuple[Place, ...]:
        """Its places, each once, in the order of the steps."""
        return tuple(dict.fromkeys(part.place for part in self.parts))

    def phase(self, now: dt.datetime) -> Phase:
        """What it is by the clock."""
        if self.standing == "cancelled":
            return "cancelled"
        if self.ends_at <= now:
            return "over"
        return "running" if self.starts_at <= now else "coming"


@dataclass(frozen=True, slots=True)
class Veiled:
    """A gathering of a community that is not open to all. weekday: of its start, Monday is 0; no more is kept here,
    so that nothing made from this can give more away."""

    id: str
    community: str
    weekday: int


def weekday_of(moment: dt.datetime, time_zone: str) -> int:
    """The day of the week at a place, Monday is 0."""
    return moment.astimezone(zoneinfo.ZoneInfo(time_zone)).weekday()
