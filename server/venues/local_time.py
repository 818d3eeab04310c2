"""Which time zone a place lives by."""

import zoneinfo
from functools import lru_cache

from geo.areas import Position
from server.errors import Invalid


def check(named: str | None, place: Position | None) -> str:
    """The time zone that was named, else the one at the place; raises Invalid."""
    if named is not None:
        if named not in _time_zones():
            raise Invalid(
                "The time zone is an IANA name such as Europe/Berlin; %(time_zone)r is not known.", time_zone=named[:80]
            )
        return named
    found = find(place)
    if found is None:
        raise Invalid("Say where it is, or its time zone: one of the two is needed.")
    return found


def find(place: Position | None) -> str | None:
    """The time zone there, an IANA name; None where none is known."""
    import tzfpy  # what the gateway shares with the server needs it not

    found = None if place is None else tzfpy.get_tz(*place)
    return found if found in _time_zones() else None


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
