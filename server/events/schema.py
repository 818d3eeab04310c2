"""What the API says of events, their steps, series and sign-ups; who signed up is for their hosts alone."""

import datetime as dt
import re
from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from sqlalchemy.orm import Session

from server.events import details, life, recurrence
from server.events import series as all_series
from server.events import service as events
from server.events.details import Details, Kind
from server.events.model import Event, Series, Step
from server.events.slots import Mine
from server.events.states import SignUpState, State
from server.fields import EARLIEST, LATEST, Incoming, Moment, Name, NewId, OfId, Outgoing, Position, Text
from server.interests.service import MOST_TAGS
from server.people.model import Member

WALL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"


def read_wall(value: object) -> dt.datetime:
    """A date and a time without an offset; raises ValueError with a sentence."""
    if isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(WALL, value):
        raise ValueError("a wall time has no offset, such as 2026-03-13T19:00:00")
    try:
        wall = dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such time") from None
    if not EARLIEST.year <= wall.year < LATEST.year:
        raise ValueError(f"a time lies between {EARLIEST.year} and {LATEST.year}")
    return wall


Dwell = Annotated[float, Field(ge=0, le=events.MAX_DWELL_S)]
Capacity = Annotated[int, Field(ge=1, le=events.MAX_CAPACITY)]
Guests = Annotated[int, Field(ge=0, le=details.MOST_GUESTS)]
Nonce = Annotated[
    str | None,
    Field(min_length=8, max_length=64, description="of this request: brought again, it is answered as the first time"),
]
Rule = Annotated[
    str, Field(max_length=recurrence.RULE_MAX_LENGTH, description="RFC 5545: FREQ=WEEKLY;BYDAY=FR; daily at most")
]
Wall = Annotated[
    dt.datetime,
    BeforeValidator(read_wall),
    PlainSerializer(lambda wall: wall.isoformat(timespec="seconds")),
    WithJsonSchema({"type": "string", "pattern": WALL, "description": "as the clock on the wall shows it"}),
]


class NewSpot(Incoming):
    """Somewhere on the map that is no venue: it is made with the step, is yours, and on no list.

    time_zone: the one at its location, else yours. contact: how whoever is responsible is reached; your name where
    nothing is said.
    """

    name: Name
    location: Position | None = None
    time_zone: Annotated[str, Field(max_length=80)] | None = None
    contact: Annotated[str, Field(max_length=200)] = ""


class NewStep(Incoming):
    """A step to be made, at a venue or a spot; what is left out takes the server's check-in rule."""

    id: NewId
    name: Name
    venue: OfId | None = None
    spot: NewSpot | None = None
    zone: OfId | None = None
    starts_at: Moment
    ends_at: Moment
    opens_at: Moment | None = None
    dwell_signed_up_s: Dwell | None = None
    dwell_walk_in_s: Dwell | None = None
    capacity: Capacity | None = None


class NewEvent(Incoming):
    """An event to be made; without an organizer it is yours. draft: it is announced later.

    about: at most 2,000 characters. price: in words. guests_max: how many each may bring. open_to_all: a community's
    event, for others too. needs: how many steps make it complete, null for all. by_step: one signs up for steps.
    """

    id: NewId
    name: Name
    organizer: OfId | None = None
    community: OfId | None = None
    kind: Kind = "other"
    about: Text = ""
    price: Annotated[str, Field(max_length=details.PRICE_MAX_LENGTH)] = ""
    approval: bool = False
    guests_max: Guests = 0
    open_to_all: bool = False
    needs: Annotated[int, Field(ge=1, le=events.MAX_STEPS)] | None = None
    by_step: bool = False
    picture: OfId | None = None
    interests: Annotated[list[OfId], Field(default_factory=list, max_length=MOST_TAGS)]
    draft: bool = False
    nonce: Nonce = None
    steps: Annotated[list[NewStep], Field(min_length=1, max_length=events.MAX_STEPS)]


class EventChange(Incoming):
    """What of an event is to be otherwise; what is left out stays. community: null for one that is open to all."""

    name: Name | None = None
    community: OfId | None = None
    kind: Kind | None = None
    about: Text | None = None
    price: Annotated[str, Field(max_length=details.PRICE_MAX_LENGTH)] | None = None
    approval: bool | None = None
    guests_max: Guests | None = None
    open_to_all: bool | None = None
    needs: Annotated[int, Field(ge=1, le=events.MAX_STEPS)] | None = None
    by_step: bool | None = None
    picture: OfId | None = None
    interests: Annotated[list[OfId], Field(max_length=MOST_TAGS)] | None = None


class Again(Incoming):
    """An event once more, on the next free date."""

    nonce: Nonce = None


class CallOff(Incoming):
    """Why an event is called off, in a line for who signed up."""

    reason: Annotated[str, Field(max_length=life.REASON_MAX_LENGTH)] = ""


class WantedSignUp(Incoming):
    """How you come. guests: whom you bring; nothing: as before. steps: where one signs up for steps; nothing: all."""

    guests: Guests | None = None
    steps: Annotated[list[OfId], Field(min_length=1, max_length=events.MAX_STEPS)] | None = None


class HostAnswer(Incoming):
    """The host's yes or no to somebody."""

    yes: bool


class NewSeries(Incoming):
    """By which rule an event comes again; the event is its first date."""

    rule: Rule


class Following(Incoming):
    """How the dates after one become like it. times: whether they move along where it was moved by itself."""

    times: bool = True


class SeriesDate(Incoming):
    """A date of a series. reason: why it is called off."""

    date: Wall
    reason: Annotated[str, Field(max_length=life.REASON_MAX_LENGTH)] = ""


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
    """An event; organizer: whether you are; signed_up: whether you are going; approval: the host lets people in.

    state: a draft is seen by its hosts alone. reason: why it was called off.
    """

    id: str
    name: str
    community: str | None
    organizer: bool
    signed_up: bool
    state: State
    reason: str
    kind: Kind
    about: str
    price: str
    approval: bool
    guests_max: int
    open_to_all: bool
    needs: int | None
    by_step: bool
    series: str | None
    picture: str | None
    interests: list[str]
    simulated: bool
    steps: list[StepOut]


class SlotOut(Outgoing):
    """A step that you chose. before: how many wait in front of you."""

    step: str
    state: SignUpState
    before: int | None


class SignUpOut(Outgoing):
    """Your sign-up. before: how many wait in front of you; steps: those you chose, where one signs up for steps."""

    state: SignUpState
    guests: int
    before: int | None
    steps: list[SlotOut]


class ListedOut(Outgoing):
    """Somebody who signed up, asked or waits, in turn; number: in this list. A name of those who let you see it."""

    number: int
    name: str | None
    state: SignUpState
    guests: int
    steps: list[SlotOut]


class DateOut(Outgoing):
    """A date of a series. event: null until it is made, some weeks ahead, and where you may not know of it.

    left_out: called off for good.
    """

    date: Wall
    event: str | None
    state: State | None
    left_out: bool


class SeriesOut(Outgoing):
    """Events that come again. starts_at and dates: as the clock on the wall shows them at time_zone.

    next: the series in which it goes on from ends_before on, if you may see it.
    """

    id: str
    rule: str
    time_zone: str
    starts_at: Wall
    ends_before: Wall | None
    next: str | None
    dates: list[DateOut]


def details_of(wanted: NewEvent) -> Details:
    """What is said of a new event."""
    said = wanted.model_dump(include=set(Details.__slots__))
    return Details(**said, picture_id=wanted.picture)


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


def show(session: Session, event: Event, *, hosts: bool, signed_up: bool) -> EventOut:
    """An event as the API shows it to a viewer; hosts: whether she organizes or hosts it."""
    hosted, mine = ({event.id} if it_is else set() for it_is in (hosts, signed_up))
    return show_all(session, [event], hosted=hosted, mine=mine)[0]


def show_all(
    session: Session, found: Sequence[Event], *, hosted: Collection[str], mine: Collection[str]
) -> list[EventOut]:
    """Events as the API shows them to a viewer, in a few statements; hosted, mine: what she hosts, is going to."""
    ids = [event.id for event in found]
    steps, about = events.steps_of_all(session, ids), events.interests_of_all(session, ids)
    return [
        _show(event, steps[event.id], about[event.id], hosts=event.id in hosted, signed_up=event.id in mine)
        for event in found
    ]


def _show(event: Event, steps: list[Step], interests: list[str], *, hosts: bool, signed_up: bool) -> EventOut:
    said = events.details_of(event)
    return EventOut(
        id=event.id,
        name=event.name,
        community=event.community_id,
        organizer=hosts,
        signed_up=signed_up,
        state=State(event.state),
        reason=event.reason,
        kind=said.kind,
        about=said.about,
        price=said.price,
        approval=said.approval,
        guests_max=said.guests_max,
        open_to_all=said.open_to_all,
        needs=said.needs,
        by_step=said.by_step,
        series=event.series_id,
        picture=event.picture_id,
        interests=interests,
        simulated=event.simulated,
        steps=[show_step(step) for step in steps],
    )


def show_slots(mine: Mine) -> list[SlotOut]:
    """The steps that somebody chose."""
    return [
        SlotOut(
            step=slot.step_id,
            state=slot.state,
            before=slot.before if slot.state is SignUpState.WAITING else None,
        )
        for slot in mine.slots
        if slot.step_id is not None
    ]


def show_sign_up(mine: Mine) -> SignUpOut:
    """One's sign-up as the API shows it."""
    return SignUpOut(state=mine.state, guests=mine.guests, before=mine.before, steps=show_slots(mine))


def show_series(session: Session, series: Series, viewer: Member, now: dt.datetime) -> SeriesOut:
    """A series as the API shows it to a viewer."""
    return SeriesOut(
        id=series.id,
        rule=series.rule,
        time_zone=series.time_zone,
        starts_at=series.starts_at,
        ends_before=series.ends_before,
        next=all_series.next_seen(session, series, viewer),
        dates=[
            DateOut(
                date=date.wall,
                event=None if date.event is None else date.event.id,
                state=None if date.event is None else State(date.event.state),
                left_out=date.left_out,
            )
            for date in all_series.dates_seen(session, series, viewer, now)
        ],
    )
