"""Facts that change what was heard already: where agents stand, whose badges are, who means to come, and events."""

from fastapi import APIRouter, Response

from server import names, versions
from server.badges import schema as badges_schema
from server.badges import service as badges
from server.corrections import placing, schema
from server.corrections import service as corrections
from server.events import schema as events_schema
from server.events import service as events
from server.events.model import Event
from server.fleet import rights as fleet_rights
from server.fleet import schema as fleet_schema
from server.fleet.placements import Wanted
from server.people import access
from server.requests import Id, IfMatch, InSettings, InTransaction, Now, Number
from server.venues import service as venues

router = APIRouter(prefix="/api")


@router.post("/agents/{agent_id}/placements", status_code=201, tags=["fleet"])
def place_agent(
    agent_id: Id,
    wanted: schema.NewPlacement,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> fleet_schema.PlacementOut:
    """Says where an agent stands, from now on or for the past; for operators, and for a shop owner within her venues.

    For the past, visits, stays and check-ins become as if it had always been so.
    """
    since = wanted.since or now
    _, placements = fleet_rights.check_keeps(session, viewer=viewer, agent_id=agent_id)
    later = {place.venue_id for place in placements if place.valid.upper is None or place.valid.upper > since}
    access.check_keeps(session, viewer, [venues.get(session, venue_id) for venue_id in sorted({*later, wanted.venue})])
    placed = placing.place(
        session,
        wanted=Wanted(agent_id, wanted.venue, wanted.zone, since, wanted.until, wanted.location, wanted.rssi_floor),
        presence=settings.presence,
        now=now,
    )
    return fleet_schema.show_placement(placed)


@router.post("/badges/{badge_id}/pairings", status_code=201, tags=["badges"])
def pair_badge(
    badge_id: Number,
    wanted: schema.NewPairing,
    _operator: access.Operator,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> badges_schema.PairingOut:
    """Gives a badge to a member, from now on or for the past; for operators.

    What was heard of the badge in that time is hers, and checks her in.
    """
    pairing = corrections.pair(
        session,
        badge_id=badge_id,
        member_id=wanted.member,
        since=wanted.since or now,
        until=wanted.until,
        presence=settings.presence,
        now=now,
    )
    return badges_schema.show_pairing(pairing)


@router.post("/badges/{badge_id}/give-back", tags=["badges"])
def give_badge_back(
    badge_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    wanted: schema.GivenBack | None = None,
) -> badges_schema.PairingOut:
    """Takes a badge back from whoever holds it; for operators and for herself. For the past: for operators.

    What was heard of the badge after that time is not hers: what it alone had checked her in to is taken away.
    """
    at = now if wanted is None or wanted.at is None else wanted.at
    if at < now:
        access.check_operator(viewer)
    else:
        access.check_holds(viewer, badges.holder_of(session, badge_id=badge_id, at=now))
    pairing = corrections.give_back(session, badge_id=badge_id, at=at, presence=settings.presence, now=now)
    return badges_schema.show_pairing(pairing)


@router.post("/events", status_code=201, tags=["events"])
def create_event(
    wanted: events_schema.NewEvent, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now
) -> events_schema.EventOut:
    """Makes an event; for operators, and for the shop owner of all its venues: an organizer sees who is there.

    Who was heard there while it is open is checked in at once.
    """
    at = [venues.get(session, venue_id) for venue_id in sorted({step.venue for step in wanted.steps})]
    access.check_keeps(session, viewer, at)
    event = corrections.create_event(
        session,
        id=wanted.id or names.free_id(session, Event.id, wanted.name, "event"),
        name=wanted.name,
        organizer_id=wanted.organizer or viewer.id,
        community_id=wanted.community,
        approval=wanted.approval,
        steps=[
            events.NewStep(
                name=step.name,
                venue_id=step.venue,
                starts_at=step.starts_at,
                ends_at=step.ends_at,
                zone_id=step.zone,
                opens_at=step.opens_at,
                dwell_signed_up_s=step.dwell_signed_up_s,
                dwell_walk_in_s=step.dwell_walk_in_s,
                capacity=step.capacity,
                id=step.id,
            )
            for step in wanted.steps
        ],
        simulated=any(venue.simulated for venue in at),
        rule=settings.checkin,
        presence=settings.presence,
        now=now,
    )
    return events_schema.show(
        event, events.steps_of(session, event_id=event.id), access.hosts(session, viewer, event), False
    )


@router.patch("/events/{event_id}/steps/{step_id}", tags=["events"])
def move_step(
    event_id: Id,
    step_id: Id,
    wanted: schema.StepChange,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    response: Response,
    if_match: IfMatch = None,
) -> events_schema.StepOut:
    """Moves a step to another time or place; for operators, and for the shop owner of both venues.

    Check-ins by badge become as if it had always been so; all others stay. With `If-Match` (the step's version in
    quotes), unless somebody changed it meanwhile.
    """
    step = events.get_step(session, event_id=event_id, step_id=step_id, to_edit=True)
    venue_id = wanted.venue or step.venue_id
    access.check_keeps(session, viewer, [venues.get(session, one) for one in sorted({venue_id, step.venue_id})])
    versions.edit(step, if_match)
    says_where = {"zone", "venue"} & wanted.model_fields_set
    moved = corrections.move_step(
        session,
        event_id=event_id,
        step_id=step_id,
        venue_id=venue_id,
        zone_id=wanted.zone if says_where else step.zone_id,
        opens_at=wanted.opens_at or step.opens_at,
        starts_at=wanted.starts_at or step.starts_at,
        ends_at=wanted.ends_at or step.ends_at,
        presence=settings.presence,
        now=now,
    )
    versions.tell(response, moved)
    return events_schema.show_step(moved)


@router.put("/events/{event_id}/sign-up", status_code=204, tags=["events"])
def sign_up(event_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now) -> None:
    """Says that you mean to come; twice is as once. If you are there already, your badge checks you in at once."""
    corrections.sign_up(session, event_id=event_id, member_id=viewer.id, presence=settings.presence, now=now)


@router.delete("/events/{event_id}/sign-up", status_code=204, tags=["events"])
def withdraw(event_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now) -> None:
    """Takes a sign-up back; a check-in stays."""
    corrections.withdraw(session, event_id=event_id, member_id=viewer.id, presence=settings.presence, now=now)
