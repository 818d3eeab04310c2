"""What a request says of facts that hold for a time: since when, now where nothing is said."""

from typing import Annotated

from pydantic import Field

from server.fields import Datum, Incoming, Moment, OfId, Position
from server.fleet.schema import Dbm

Since = Annotated[
    Moment | None, Field(description="now or a past time; what was heard since then is put right. Nothing: from now on")
]


class NewPairing(Incoming):
    """Whose a badge is, or was; until: for a loan. In that time it has to be registered, and nobody else's."""

    member: OfId
    since: Since = None
    until: Moment | None = None


class GivenBack(Incoming):
    """When a badge was given back."""

    at: Since = None


class NewPlacement(Incoming):
    """Where an agent stands, or stood; until: nothing for until it is known to have stood elsewhere, or for ever.

    rssi_floor: dBm, what is heard fainter makes no visit; from now on alone, since what was fainter was never kept.
    """

    venue: OfId
    zone: OfId
    since: Since = None
    until: Moment | None = None
    location: Position | None = None
    datum: Datum = "wgs84"
    rssi_floor: Dbm | None = None


class StepChange(Incoming):
    """Another time or place of a step; what is left out stays. zone: null for the whole venue."""

    venue: OfId | None = None
    zone: OfId | None = None
    opens_at: Moment | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
