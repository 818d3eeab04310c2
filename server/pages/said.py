"""What a form says of a gathering or of one of its steps, as it was typed, and how that is read."""

import datetime as dt
import re
import zoneinfo
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from geo import datums
from server.errors import Invalid
from server.events import recurrence, schema, spots
from server.events.model import Step
from server.pages import misread
from server.pages.facts import Fact
from server.pages.pins import read_pin, write_pin
from server.venues import local_time
from server.venues import service as venues
from server.venues.model import Zone

HOURS = ("1", "1.5", "2", "3", "4", "6", "8", "24")
USUAL_HOURS = "2"
ELSEWHERE = ""
MINUTE_S = 60
CAPACITY_SIGNS = 7
_NUMBER = re.compile(r"\d{1,7}(?:[.,]\d{1,6})?", re.ASCII)
_DAY = dt.timedelta(days=1)

Short = Annotated[str, Field(max_length=1000)]


class WhenNeeded(Invalid):
    """Say the day and the time at which it begins."""

    code = "when_needed"


class EndNeeded(Invalid):
    """Say the time at which it ends, and the day where it is another one."""

    code = "step_end_needed"


class WhereNeeded(Invalid):
    """Say where it is: choose a place, or write its name."""

    code = "where_needed"


class ZoneElsewhere(Invalid):
    """This zone is not of the place that you chose: choose one of its own, or the whole place."""

    code = "zone_elsewhere"


class NoPlaces(Invalid):
    """The number of places is a number, or nothing where there is no bound."""

    code = "no_places"


class RuleUnclear(Invalid):
    """Minutes and seconds are numbers, such as 60, or nothing where it is as usual."""

    code = "rule_unclear"


class SaidStep(BaseModel):
    """What a form says of a step. position: latitude, longitude, as maps of `datum` copy them.

    A new one lasts `hours`, one that is there until `ends`: on `ends_day`, else on the same day, or in the night after
    it. opens: minutes before it begins; signed_up, walk_in: seconds to be heard; what is empty is as usual. version: of
    what was shown.
    """

    model_config = ConfigDict(frozen=True)

    name: Short = ""
    venue: Short = ELSEWHERE
    zone: Short = ""
    place: Short = ""
    position: Short = ""
    datum: datums.Datum = "wgs84"
    day: Short = ""
    time: Short = ""
    hours: Short = USUAL_HOURS
    ends: Short = ""
    ends_day: Short = ""
    places: Short = ""
    opens: Short = ""
    signed_up: Short = ""
    walk_in: Short = ""
    time_zone: Short = ""
    version: Short = ""


class Said(SaidStep):
    """What a form says of a gathering, and of its first step."""

    about: Annotated[str, Field(max_length=10_000)] = ""
    kind: Short = "other"
    price: Short = ""
    community: Short = ""
    guests: Short = "0"
    repeat: Short = ""
    approval: bool = False
    open_to_all: bool = False
    draft: bool = False
    nonce: Short = ""
    interest: Annotated[list[Short], Field(max_length=200)] = []


def step_of(session: Session, said: SaidStep, name: str, before: Step | None = None) -> Fact:
    """The step that a form describes, as the API takes it.

    The clock is that of the place; somewhere else the one at its pin, and without a pin the one that was typed.
    before: the step as it was shown; where the form still says what that shows it stays as it was, to the second. With
    another name or pin of the spot where it is, it is at a new one.
    Raises WhenNeeded, EndNeeded, WhereNeeded, ZoneElsewhere, NoPlaces, RuleUnclear, PinUnclear, Invalid.
    """
    at = None if said.venue == ELSEWHERE else venues.get(session, said.venue)
    if at is not None and before is not None and at.kind == spots.SPOT and at.id == before.venue_id:
        at = at if _spot(said) == _spot(of_step(session, before)) else None
    if at is None and not said.place.strip():
        raise WhereNeeded
    pin = read_pin(said.position, said.datum) if at is None else None
    time_zone = (local_time.find(pin) or said.time_zone.strip()) if at is None else at.time_zone
    if time_zone not in zoneinfo.available_timezones():
        raise Invalid("The clock is named like Europe/Berlin; %(time_zone)r is not known.", time_zone=time_zone[:80])
    starts = _moment(begins(said), time_zone, None if before is None else before.starts_at)
    hours = float(said.hours) if said.hours in HOURS else float(USUAL_HOURS)
    ends = starts + dt.timedelta(hours=hours)
    opened_s = signed_up_s = walk_in_s = None
    if before is not None:
        ends = _moment(_ends(said), time_zone, before.ends_at)
        opened_s = (before.starts_at - before.opens_at).total_seconds()
        signed_up_s, walk_in_s = before.dwell_signed_up_s, before.dwell_walk_in_s
    opens_s = _seconds(said.opens, MINUTE_S, opened_s)
    step: Fact = {
        "name": name,
        "starts_at": starts,
        "ends_at": ends,
        "opens_at": None if opens_s is None else starts - dt.timedelta(seconds=opens_s),
        "dwell_signed_up_s": _seconds(said.signed_up, 1, signed_up_s),
        "dwell_walk_in_s": _seconds(said.walk_in, 1, walk_in_s),
        "capacity": capacity(said),
    }
    if at is None:
        return step | {"spot": {"name": said.place, "time_zone": time_zone, "location": pin}}
    if said.zone:
        zone = session.get(Zone, said.zone)
        if zone is None or zone.venue_id != at.id:
            raise ZoneElsewhere
    return step | {"venue": at.id, "zone": said.zone or None}


def checked(step: Fact) -> schema.NewStep:
    """The step as the API takes it; raises Invalid, in the words of the form."""
    try:
        return schema.NewStep.model_validate(step)
    except ValidationError as error:
        raise misread.why(error) from None


def of_step(session: Session, step: Step) -> SaidStep:
    """What a form says of a step as it is; the pin of a spot stands where another one would be typed."""
    venue = venues.get(session, step.venue_id)
    starts, ends = (recurrence.wall(moment, venue.time_zone) for moment in (step.starts_at, step.ends_at))
    said = SaidStep(
        name=step.name,
        venue=venue.id,
        zone=step.zone_id or "",
        place=venue.name if venue.kind == spots.SPOT else "",
        position=write_pin(venues.location_of(venue)) if venue.kind == spots.SPOT else "",
        day=starts.date().isoformat(),
        time=f"{starts:%H:%M}",
        ends=f"{ends:%H:%M}",
        places=str(step.capacity or ""),
        opens=_write((step.starts_at - step.opens_at).total_seconds(), MINUTE_S),
        signed_up=_write(step.dwell_signed_up_s, 1),
        walk_in=_write(step.dwell_walk_in_s, 1),
        time_zone=venue.time_zone,
        version=str(step.version),
    )
    same = _ends(said) == _to_the_minute(ends)
    return said if same else said.model_copy(update={"ends_day": ends.date().isoformat()})


def begins(said: SaidStep) -> dt.datetime:
    """The wall time at which it begins; raises WhenNeeded."""
    try:
        return schema.read_wall(f"{said.day.strip()}T{said.time.strip()}:00"[:19])
    except ValueError:
        raise WhenNeeded from None


def capacity(said: SaidStep) -> int | None:
    """How many places there are, None for no bound; raises NoPlaces."""
    plain = said.places.strip()
    if plain and not (plain.isascii() and plain.isdecimal() and len(plain) <= CAPACITY_SIGNS):
        raise NoPlaces
    return int(plain) if plain else None


def if_match(said: SaidStep) -> str | None:
    """The version that a form carries, as `If-Match` says it."""
    return f'"{said.version}"' if said.version else None


def _spot(said: SaidStep) -> tuple[str, str, str]:
    position = said.position.strip()
    return said.place.strip(), position, said.datum if position else ""


def _ends(said: SaidStep) -> dt.datetime:
    day = said.ends_day.strip() or said.day.strip()
    try:
        ends = schema.read_wall(f"{day}T{said.ends.strip()}:00"[:19])
    except ValueError:
        raise EndNeeded from None
    return ends if said.ends_day.strip() or ends > begins(said) else ends + _DAY


def _moment(wall: dt.datetime, time_zone: str, before: dt.datetime | None) -> dt.datetime:
    if before is not None and _to_the_minute(recurrence.wall(before, time_zone)) == wall:
        return before  # its seconds, and which of two hours that come twice
    return recurrence.at(wall, time_zone)


def _to_the_minute(wall: dt.datetime) -> dt.datetime:
    return wall.replace(second=0, microsecond=0)


def _seconds(typed: str, unit_s: int, before_s: float | None) -> float | None:
    plain = typed.strip()
    if not plain:
        return None
    if before_s is not None and plain == _write(before_s, unit_s):
        return before_s
    if not _NUMBER.fullmatch(plain):
        raise RuleUnclear
    return float(plain.replace(",", ".")) * unit_s


def _write(seconds: float, unit_s: int) -> str:
    return f"{seconds / unit_s:.2f}".rstrip("0").rstrip(".")
