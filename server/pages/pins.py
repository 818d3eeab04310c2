"""A pin as it is typed: what maps copy, read by the datum of the map it was copied from."""

import re
from typing import Annotated

from fastapi import Form

from geo import datums
from geo.areas import Position
from server.errors import Invalid

_PIN = re.compile(r"\s*\(?\s*(-?\d{1,3}(?:\.\d+)?)\s*°?\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*°?\s*\)?\s*\Z")
Chosen = Annotated[datums.Datum, Form()]


class PinUnclear(Invalid):
    """Where is it? Type a latitude and a longitude, such as 48.1372, 11.5755."""

    code = "pin_unclear"


def read_pin(typed: str, datum: datums.Datum) -> Position | None:
    """What maps copy: latitude, then longitude; None where nothing was typed. Raises PinUnclear."""
    if not typed.strip():
        return None
    found = _PIN.match(typed)
    if found is None:
        raise PinUnclear
    return datums.to_wgs84((float(found[2]), float(found[1])), datum)


def write_pin(place: Position | None) -> str:
    """A position as it is typed, to about 10 cm."""
    return "" if place is None else f"{place[1]:.6f}, {place[0]:.6f}"
