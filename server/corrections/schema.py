"""What a request says of facts that hold for a time: since when, now where nothing is said."""

from typing import Annotated

from pydantic import Field

from server.events.model import Step
from server.events.schema import Capacity, Dwell, NewSpot, NewStep, show_step
from server.fields import Datum, Incoming, Moment, Name, OfId, Position
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
    """What of a step is to be otherwise; what is left out stays. zone: null for the whole venue.

    capacity: null for no bound. dwell: seconds that somebody has to be heard, null for the server's rule.
    """

    name: Name | None = None
    venue: OfId | None = None
    spot: NewSpot | None = None
    zone: OfId | None = None
    opens_at: Moment | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    dwell_signed_up_s: Dwell | None = None
    dwell_walk_in_s: Dwell | None = None
    capacity: Capacity | None = None

    def put_on(self, step: Step) -> NewStep:
        """The whole step as it is to be."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        nothing = ("name", "venue", "spot", "opens_at", "starts_at", "ends_at")
        said = {name: value for name, value in said.items() if value is not None or name not in nothing}
        now = show_step(step).model_dump(include=set(NewStep.model_fields) - {"id"})
        if "spot" in said:
            now |= {"venue": None, "zone": None}
        elif "venue" in said:
            now["zone"] = None
        return NewStep.model_validate(now | said)
