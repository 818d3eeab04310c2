"""Makes a gathering of an offer, lets others join it, and ends it when they have left: all that concerns its event."""

import contextlib
import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config.settings import PopUps, Settings
from geo import cells, distances
from server import constraints, names, texts, times, topics
from server.corrections import service as corrections
from server.errors import MusterError
from server.events import service as events
from server.events import signups, spots
from server.events.details import Details
from server.events.model import Event
from server.events.spots import Spot
from server.events.states import SignUpState, State
from server.interests import service as interests
from server.interests.model import Interest
from server.jobs import service as jobs
from server.people import access
from server.people import service as people
from server.people.model import Member
from server.popups import rules, telling
from server.popups.model import PopUp, PopUpAsked
from server.venues import service as venues
from server.venues import welcome
from server.venues.model import Venue

# What is known of those who said yes. heard_ms: her badge at the place, last; left: every agent there listened for
# longer than the venue's gap after that. The position is one that she lets be used for this.
_SEEN = text("""
    SELECT asked.member_id, asked.answered_at, heard.to_ms AS heard_ms, placed.cell, placed.at AS placed_at,
           heard.to_ms IS NOT NULL AND EXISTS (SELECT FROM placement WHERE placement.venue_id = :venue
                                               AND placement.valid @> CAST(:now AS timestamptz))
           AND NOT EXISTS (
               SELECT FROM placement
               WHERE placement.venue_id = :venue AND placement.valid @> CAST(:now AS timestamptz)
                 AND NOT EXISTS (SELECT FROM coverage WHERE coverage.placement_id = placement.id
                                 AND coverage.from_ms <= heard.to_ms + :heard_gap_ms
                                 AND coverage.to_ms >= heard.to_ms + venue.join_gap_s * 1000)) AS gone
    FROM pop_up_asked AS asked
    JOIN venue ON venue.id = :venue
    LEFT JOIN LATERAL (
        SELECT visit.to_ms FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id AND visit.venue_id = :venue
        WHERE pairing.member_id = asked.member_id AND pairing.valid @> CAST(:now AS timestamptz)
          AND int8range(visit.from_ms, visit.reach_ms, '[]') && int8range(:since_ms, NULL)
        ORDER BY visit.to_ms DESC LIMIT 1
    ) AS heard ON true
    LEFT JOIN LATERAL (
        SELECT position.cell, position.at FROM position
        JOIN position_use ON position_use.member_id = position.member_id AND position_use.pop_ups
        WHERE position.member_id = asked.member_id AND position.source <> 'home'
          AND position.until > :now AND position.accuracy_m <= :accuracy_m
          AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = position.member_id
                          AND consent_pause.ended_at IS NULL)
        ORDER BY position.at DESC LIMIT 1
    ) AS placed ON true
    WHERE asked.pop_up_id = :pop_up AND asked.member_id = ANY(:members) AND asked.answered_at IS NOT NULL
""")


def begin(session: Session, pop_up: PopUp, said_yes: Sequence[str], *, now: dt.datetime, rule: PopUps) -> None:
    """Makes the event, now, with all who said yes, and tells them; the caller holds the pop-up's row.

    It is for whom is on its list alone (`server.events.seeing`): who was asked agreed to be asked with others, not to
    be announced to a city. So it stands in no list and on no map, and nobody signs up for it but by her answer.
    """
    assert pop_up.venue_id is not None
    assert pop_up.interest_id is not None
    venue, interest = venues.get(session, pop_up.venue_id), session.get_one(Interest, pop_up.interest_id)
    host = _host(session, said_yes, venue)
    say = texts.of(host.language)
    # Random, so that no name of a gathering can be taken in the moment in which it begins.
    event_id = people.new_id("gathering")
    event = events.create(
        session,
        id=event_id,
        name=_name(interests.name_of(interest, say), say.name(venue.name, venue.simulated)),
        organizer_id=host.id,
        steps=[
            events.NewStep(
                name=interests.name_of(interest, say),
                venue_id=_place(session, host, venue, pop_up.simulated),
                opens_at=now,
                starts_at=now,
                ends_at=now + dt.timedelta(hours=rule.longest_h),
            )
        ],
        about=Details(kind="other"),
        simulated=pop_up.simulated,
    )
    event.list_only = True
    session.flush()
    events.choose_interests(session, event, [interest.id])
    pop_up.state, pop_up.event_id, pop_up.on_at = "on", event_id, now
    session.flush()
    signups.bring(session, event_id=event_id, member_ids=said_yes, now=now)
    telling.on(session, pop_up, event, venue, host, said_yes, now)


def join(session: Session, pop_up: PopUp, member_id: str, *, yes: bool, now: dt.datetime) -> None:
    """Signs somebody up who said yes while it is on, or off who said no; raises what events refuse."""
    assert pop_up.event_id is not None
    if is_on_list(session, pop_up, member_id) is yes:
        return
    if not yes:
        signups.withdraw(session, event_id=pop_up.event_id, member_id=member_id, now=now)
        return
    signups.bring(session, event_id=pop_up.event_id, member_ids=[member_id], now=now)
    # What her badge told there since it began counts as of who signed up.
    jobs.defer(session, signups.JUDGE, event_id=pop_up.event_id, member_ids=[member_id])


def is_on_list(session: Session, pop_up: PopUp, member_id: str) -> bool:
    """Whether somebody is going to the event of a pop-up."""
    return pop_up.event_id is not None and signups.has_signed_up(session, event_id=pop_up.event_id, member_id=member_id)


def follow(session: Session, *, pop_up_id: str, now: dt.datetime, settings: Settings) -> bool:
    """Looks who is still there, and ends what is over; whether it did. Twice is as once."""
    pop_up = constraints.read(session, PopUp, pop_up_id, to_edit=True)
    if pop_up is None or pop_up.state != "on":
        return False
    event = None if pop_up.event_id is None else session.get(Event, pop_up.event_id)
    if event is None or event.state != State.PUBLISHED or pop_up.venue_id is None:
        pop_up.state, pop_up.ended_at = "over", now  # its host called it off, or nothing is left of it
        _tell_pages(session, pop_up)
        return True
    step = events.steps_of(session, event_id=event.id)[0]
    going = signups.members_of(session, event_id=event.id, among=[SignUpState.GOING])
    seen = _seen(session, pop_up, pop_up.venue_id, going, now, settings)
    verdict = rules.judge(seen, thin_at=pop_up.thin_at, ends_at=step.ends_at, now=now, rule=settings.pop_ups)
    pop_up.thin_at = verdict.thin_at
    if not verdict.over:
        session.flush()
        return False
    with topics.together(session):
        pop_up.state, pop_up.ended_at = "over", now
        session.flush()
        if step.starts_at < now < step.ends_at:
            corrections.move_step(
                session,
                event_id=event.id,
                step_id=step.id,
                venue_id=step.venue_id,
                zone_id=step.zone_id,
                opens_at=step.opens_at,
                starts_at=step.starts_at,
                ends_at=now,
                presence=settings.presence,
                now=now,
            )
        telling.over(session, pop_up, event, going, now)
        _tell_pages(session, pop_up)
    return True


def _seen(
    session: Session, pop_up: PopUp, venue_id: str, going: Sequence[str], now: dt.datetime, settings: Settings
) -> list[rules.Seen]:
    rule = settings.pop_ups
    middle = venues.location_of(venues.get(session, venue_id))
    rows = session.execute(
        _SEEN,
        {
            "pop_up": pop_up.id,
            "venue": venue_id,
            "members": list(going),
            "now": now,
            "since_ms": times.to_ms(pop_up.offered_at),
            "accuracy_m": rule.accuracy_m,
            "heard_gap_ms": round(settings.presence.heard_gap_s * 1000),
        },
    )
    found = []
    for row in rows:
        away_m = 0.0
        if row.cell is not None and middle is not None:
            away_m = distances.between_m(middle, cells.centre(row.cell))
        heard_at = None if row.heard_ms is None else times.from_ms(row.heard_ms)
        found.append(rules.Seen(row.answered_at, heard_at, bool(row.gone), row.placed_at, away_m))
    return found


def _host(session: Session, said_yes: Sequence[str], venue: Venue) -> Member:
    """The first who may gather there by herself, so that badges check in; else who said yes first."""
    found = [people.get(session, one) for one in said_yes]
    return next((one for one in found if _may_use(session, one, venue)), found[0])


def _may_use(session: Session, member: Member, venue: Venue) -> bool:
    return access.keeps(session, member, venue) or welcome.said_yes(session, member, venue)


def _place(session: Session, host: Member, venue: Venue, simulated: bool) -> str:
    """Where it takes place, for events; as for proposals (server/proposals/settling.py).

    A host sees who is at her event's venue. So of a place that she does not keep, and where she is not welcome, she
    gets a spot of the same name and pin, which hears nobody; phones and codes check in there.
    """
    if _may_use(session, host, venue):
        return venue.id
    spot = Spot(venue.name, venues.location_of(venue), venue.time_zone)
    return spots.make(session, spot, by=host, simulated=simulated).id


def _name(interest: str, place: str) -> str:
    with contextlib.suppress(MusterError):
        return names.check_name(f"{interest} · {place}", "event")
    return interest


def _tell_pages(session: Session, pop_up: PopUp) -> None:
    asked = session.scalars(select(PopUpAsked.member_id).where(PopUpAsked.pop_up_id == pop_up.id)).all()
    topics.bump(session, [f"member/{member_id}" for member_id in asked])
