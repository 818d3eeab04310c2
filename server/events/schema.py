"""What the API says of events and their steps: never who signed up."""

from typing import Annotated

from pydantic import Field

from server.events import service as events
from server.events.model import Event, Step
from server.fields import Incoming, Moment, Name, NewId, OfId, Outgoing

Dwell = Annotated[float, Field(ge=0, le=events.MAX_DWELL_S)]


class NewStep(Incoming):
    """A step to be made; what is left out takes the server's check-in rule."""

    id: NewId
    name: Name
    venue: OfId
    zone: OfId | None = None
    starts_at: Moment
    ends_at: Moment
    opens_at: Moment | None = None
    dwell_signed_up_s: Dwell | None = None
    dwell_walk_in_s: Dwell | None = None
    capacity: Annotated[int, Field(ge=1, le=events.MAX_CAPACITY)] | None = None


class NewEvent(Incoming):
    """An event to be made; without an organizer it is yours."""

    id: NewId
    name: Name
    organizer: OfId | None = None
    community: OfId | None = None
    approval: bool = False
    steps: Annotated[list[NewStep], Field(min_length=1, max_length=events.MAX_STEPS)]


class EventChange(Incoming):
    """What of an event is to be otherwise; what is left out stays. community: null for one that is open to all."""

    name: Name | None = None
    community: OfId | None = None


class StepOut(Outgoing):
    """A step with its check-in rule; dwell: seconds that somebody has to be heard. version: for `If-Match`."""

    id: str
    name: str
    venue: str
    zone: str | None
    opens_at: Moment
    starts_at: Moment
    ends_at: Moment
    dwell_signed_up_s: float
    dwell_walk_in_s: float
    capacity: int | None
    version: int


class EventOut(Outgoing):
    """An event; organizer: whether you are; signed_up: whether you mean to come; approval: the host lets in others."""

    id: str
    name: str
    community: str | None
    organizer: bool
    signed_up: bool
    approval: bool
    simulated: bool
    steps: list[StepOut]


def show_step(step: Step) -> StepOut:
    """A step as the API shows it."""
    return StepOut(
        id=step.id,
        name=step.name,
        venue=step.venue_id,
        zone=step.zone_id,
        opens_at=step.opens_at,
        starts_at=step.starts_at,
        ends_at=step.ends_at,
        dwell_signed_up_s=step.dwell_signed_up_s,
        dwell_walk_in_s=step.dwell_walk_in_s,
        capacity=step.capacity,
        version=step.version,
    )


def show(event: Event, steps: list[Step], hosts: bool, signed_up: bool) -> EventOut:
    """An event as the API shows it to a viewer; hosts: whether she organizes or hosts it."""
    return EventOut(
        id=event.id,
        name=event.name,
        community=event.community_id,
        organizer=hosts,
        signed_up=signed_up,
        approval=event.approval,
        simulated=event.simulated,
        steps=[show_step(step) for step in steps],
    )
