"""Makes an event, or a step, as somebody wants it: where she may, at places that are there or that come with it."""

import datetime as dt

from sqlalchemy.orm import Session

from config import settings
from config.settings import Presence
from server import names, topics
from server.communities import rights as community_rights
from server.corrections import service as corrections
from server.corrections import steps
from server.corrections.schema import StepChange
from server.errors import Invalid
from server.events import making, schema, spots
from server.events import service as events
from server.events.model import Event, Step
from server.events.states import State
from server.people import access
from server.people.model import Member
from server.pictures import service as pictures
from server.venues import service as venues
from server.venues import welcome
from server.venues.model import Venue


def make(
    session: Session,
    wanted: schema.NewEvent,
    *,
    by: Member,
    rule: settings.Checkin | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Event:
    """Makes an event; the same request again is answered with what it made.

    Raises NotYourVenue, JoinFirst, what spots.make and corrections.create_event raise.
    """
    if any((step.venue is None) == (step.spot is None) for step in wanted.steps):
        raise Invalid("A step takes place at a venue or at a spot.")
    at = [venues.get(session, venue) for venue in sorted({step.venue for step in wanted.steps if step.venue})]
    for venue in at:
        welcome.check_welcome(session, by, venue)
    organizer_id = wanted.organizer or by.id
    if organizer_id != by.id and not (at and all(access.may_keep(session, by, venue) for venue in at)):
        access.check_operator(by)
    if wanted.community is not None:
        community_rights.check_may_gather(session, by, wanted.community)
    if wanted.picture is not None:
        pictures.get(session, wanted.picture)
    made = events.made_by_nonce(session, organizer_id=organizer_id, nonce=wanted.nonce)
    if made is not None:
        return made
    simulated = any(venue.simulated for venue in at) or by.simulated
    event = corrections.create_event(
        session,
        id=wanted.id or names.free_id(session, Event.id, wanted.name, "event"),
        name=wanted.name,
        organizer_id=organizer_id,
        community_id=wanted.community,
        about=schema.details_of(wanted),
        state=State.DRAFT if wanted.draft else State.PUBLISHED,
        nonce=wanted.nonce,
        steps=[_step(session, step, by, simulated) for step in wanted.steps],
        simulated=simulated,
        rule=rule,
        presence=presence,
        now=now,
    )
    events.choose_interests(session, event, wanted.interests)
    return event


def add_step(
    session: Session,
    event: Event,
    wanted: schema.NewStep,
    *,
    by: Member,
    rule: settings.Checkin | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Step:
    """Adds a step to an event, where she may gather; raises NotYourVenue, what spots.make and steps.add raise."""
    if (wanted.venue is None) == (wanted.spot is None):
        raise Invalid("A step takes place at a venue or at a spot.")
    if wanted.venue is not None:
        welcome.check_welcome(session, by, venues.get(session, wanted.venue))
    with topics.together(session):
        step = _step(session, wanted, by, event.simulated)
        return steps.add(session, event_id=event.id, step=step, rule=rule, presence=presence, now=now)


def change_step(
    session: Session,
    event: Event,
    step_id: str,
    wanted: schema.NewStep | StepChange,
    *,
    by: Member,
    if_match: str | None = None,
    rule: settings.Checkin | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Step:
    """Changes one step to what is wanted, or of what it is by then what is wanted; it keeps its id, the others stay.

    Another place or time: for her who hosts it, where she may gather, and for who keeps both venues; all else for its
    hosts. Raises NotYourVenue, NotYourEvent, what spots.make and steps.change raise.
    """
    if wanted.venue is not None and wanted.spot is not None:
        raise Invalid("A step takes place at a venue or at a spot.")
    with topics.together(session):
        spot = None if wanted.spot is None else _make_spot(session, wanted.spot, by, event.simulated)
        to = wanted.venue if spot is None else spot.id
        event, step = steps.hold(session, event_id=event.id, step_id=step_id, venue_ids=[] if to is None else [to])
        whole = wanted.put_on(step) if isinstance(wanted, StepChange) else wanted
        settled = making.settle(_as(whole, whole.venue or to or ""), rule)
        _check_may_change(session, event, step, settled, by)
        return steps.change(session, event, step, settled, if_match=if_match, rule=rule, presence=presence, now=now)


def _check_may_change(session: Session, event: Event, step: Step, wanted: events.NewStep, by: Member) -> None:
    hosts = access.hosts(session, by, event)
    if not hosts or _where_and_when(wanted) != _where_and_when(step):
        at = [venues.get(session, one) for one in sorted({step.venue_id, wanted.venue_id})]
        if hosts:
            for venue in at:
                if (venue.kind, venue.id) != (spots.SPOT, step.venue_id):  # nobody is watched at a spot
                    welcome.check_welcome(session, by, venue)
        else:
            access.check_keeps(session, by, at)
    if _what(wanted) != _what(step):
        access.check_hosts(session, by, event)


def _where_and_when(step: events.NewStep | Step) -> tuple[object, ...]:
    return step.venue_id, step.zone_id, step.opens_at, step.starts_at, step.ends_at


def _what(step: events.NewStep | Step) -> tuple[object, ...]:
    return step.name, step.dwell_signed_up_s, step.dwell_walk_in_s, step.capacity


def _step(session: Session, wanted: schema.NewStep, by: Member, simulated: bool) -> events.NewStep:
    return _as(wanted, _place(session, wanted, by, simulated).id)


def _as(wanted: schema.NewStep, venue_id: str) -> events.NewStep:
    return events.NewStep(
        name=wanted.name,
        venue_id=venue_id,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        zone_id=wanted.zone,
        opens_at=wanted.opens_at,
        dwell_signed_up_s=wanted.dwell_signed_up_s,
        dwell_walk_in_s=wanted.dwell_walk_in_s,
        capacity=wanted.capacity,
        id=wanted.id,
    )


def _place(session: Session, step: schema.NewStep, by: Member, simulated: bool) -> Venue:
    if step.spot is None:
        return venues.get(session, step.venue or "")
    return _make_spot(session, step.spot, by, simulated)


def _make_spot(session: Session, said: schema.NewSpot, by: Member, simulated: bool) -> Venue:
    spot = spots.Spot(said.name, said.location, said.time_zone, said.contact)
    return spots.make(session, spot, by=by, simulated=simulated)
