"""Facts that change what was heard already: where agents stand, whose badges are, who means to come, and events."""

from fastapi import APIRouter, Response

from geo import datums
from server import versions
from server.badges import schema as badges_schema
from server.badges import service as badges
from server.checkins import rights as checkins_rights
from server.corrections import following, lists, making, placing, schema, steps
from server.corrections import service as corrections
from server.events import schema as events_schema
from server.events import series, signups, slots
from server.events import service as events
from server.fleet import rights as fleet_rights
from server.fleet import schema as fleet_schema
from server.fleet.placements import Wanted
from server.people import access
from server.requests import Id, IfMatch, InPage, InSettings, InTransaction, Now, Number
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
    location = None if wanted.location is None else datums.to_wgs84(wanted.location, wanted.datum)
    placed = placing.place(
        session,
        wanted=Wanted(agent_id, wanted.venue, wanted.zone, since, wanted.until, location, wanted.rssi_floor),
        presence=settings.presence,
        now=now,
    )
    return fleet_schema.show_placement(placed, fleet_rights.hidden_from(session, viewer, [placed]))


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
    wanted: events_schema.NewEvent, viewer: access.Account, session: InTransaction, settings: InSettings, now: Now
) -> events_schema.EventOut:
    """Makes an event: at your own spots for everybody with an account; at a venue for who keeps it, and operators.

    An organizer sees who is there. Who was heard there while it is open is checked in at once.
    """
    event = making.make(session, wanted, by=viewer, rule=settings.checkin, presence=settings.presence, now=now)
    return events_schema.show(session, event, hosts=access.hosts(session, viewer, event), signed_up=False)


@router.post("/events/{event_id}/publish", tags=["events"])
def publish_event(
    event_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now
) -> events_schema.EventOut:
    """Announces a draft; twice is as once. For its hosts and operators."""
    access.check_hosts(session, viewer, events.get(session, event_id))
    event = corrections.publish(session, event_id=event_id, presence=settings.presence, now=now)
    return events_schema.show(session, event, hosts=access.hosts(session, viewer, event), signed_up=False)


@router.post("/events/{event_id}/steps", status_code=201, tags=["events"])
def add_step(
    event_id: Id,
    wanted: events_schema.NewStep,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> events_schema.StepOut:
    """Adds a step to an event: at a spot, or at a venue where you may gather. For its hosts and operators.

    Who signed up is told. Who was heard there while it is open is checked in at once.
    """
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    step = making.add_step(
        session, event, wanted, by=viewer, rule=settings.checkin, presence=settings.presence, now=now
    )
    return events_schema.show_step(step)


@router.delete("/events/{event_id}/steps/{step_id}", status_code=204, tags=["events"])
def remove_step(event_id: Id, step_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Takes out a step that has not begun; who signed up is told. For its hosts and operators."""
    access.check_hosts(session, viewer, events.get(session, event_id))
    steps.remove(session, event_id=event_id, step_id=step_id, now=now)


@router.patch("/events/{event_id}/steps/{step_id}", tags=["events"])
def change_step(
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
    """Changes one step; its place and time: for who keeps both venues, its hosts who may gather there, and operators.

    What it is called, how many it takes and by which rule is for its hosts and operators. Who signed up is told when it
    moves. Check-ins by badge become as if it had always been so; all others stay. With `If-Match` (the step's version
    in quotes), unless somebody changed it meanwhile.
    """
    changed = making.change_step(
        session,
        events.get(session, event_id),
        step_id,
        wanted,
        by=viewer,
        if_match=if_match,
        rule=settings.checkin,
        presence=settings.presence,
        now=now,
    )
    versions.tell(response, changed)
    return events_schema.show_step(changed)


@router.post("/events/{event_id}/following", tags=["events"])
def change_following(
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    wanted: events_schema.Following | None = None,
) -> events_schema.SeriesOut:
    """Lets all dates of its series that follow become like this one; twice is as once. For its organizer and operators.

    Those that were changed by themselves stay as they are. Who signed up for a date that moves is told. From this date
    on the series is one of its own.
    """
    access.check_organizes(viewer, events.get(session, event_id))
    times = True if wanted is None else wanted.times
    event = following.change(session, event_id=event_id, times=times, presence=settings.presence, now=now)
    found = series.get(session, event.series_id or "")
    return events_schema.show_series(session, found, viewer, now)


@router.put("/events/{event_id}/sign-up", tags=["events"])
def sign_up(
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    wanted: events_schema.WantedSignUp | None = None,
) -> events_schema.SignUpOut:
    """Says that you mean to come; twice is as once. If you are there already, your badge checks you in at once.

    Where the host lets people in you have asked; where every place is taken you wait, and get the next one in turn.
    """
    events.get_seen(session, event_id, viewer)
    said = wanted or events_schema.WantedSignUp()
    corrections.sign_up(
        session,
        event_id=event_id,
        member_id=viewer.id,
        guests=said.guests,
        step_ids=said.steps,
        presence=settings.presence,
        now=now,
    )
    mine = slots.mine(session, event_id=event_id, member_id=viewer.id)
    assert mine is not None
    return events_schema.show_sign_up(mine)


@router.delete("/events/{event_id}/sign-up", status_code=204, tags=["events"])
def withdraw(event_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now) -> None:
    """Takes a sign-up back; a check-in stays."""
    corrections.withdraw(session, event_id=event_id, member_id=viewer.id, presence=settings.presence, now=now)


@router.get("/events/{event_id}/sign-ups", tags=["events"])
def list_sign_ups(
    event_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage, now: Now
) -> list[events_schema.ListedOut]:
    """Who signed up, asks or waits, in turn; for its hosts, and without names for operators."""
    hers = checkins_rights.check_sees(session, member=viewer, event_id=event_id)
    return [
        events_schema.ListedOut(
            number=row.number,
            name=row.name,
            state=row.mine.state,
            guests=row.mine.guests,
            steps=events_schema.show_slots(row.mine),
        )
        for row in lists.read(session, event_id=event_id, names=hers, page=page, now=now)
    ]


@router.put("/events/{event_id}/sign-ups/{number}", status_code=204, tags=["events"])
def answer_sign_up(
    event_id: Id,
    number: Number,
    wanted: events_schema.HostAnswer,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> None:
    """Your yes or no to somebody of the list, who is told; twice is as once. For its hosts and operators."""
    access.check_hosts(session, viewer, events.get(session, event_id))
    member_id = signups.find(session, event_id=event_id, number=number)
    corrections.answer(
        session, event_id=event_id, member_id=member_id, yes=wanted.yes, presence=settings.presence, now=now
    )
