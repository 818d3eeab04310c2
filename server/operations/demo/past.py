"""Gatherings of the demonstration that are over: with who came, by what evidence, and what the Pis heard of them."""

import datetime as dt
import zoneinfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Settings
from server import times
from server.badges.model import Pairing
from server.checkins.model import CheckIn
from server.events import service as events
from server.events.details import Details
from server.events.model import SignUp, Step
from server.fleet.model import Placement
from server.operations.demo import memories, tales
from server.presence import rule
from server.presence.model import Coverage, Stay, Visit, reach_of
from server.venues import service as venues

DAY = dt.timedelta(days=1)
MINUTE_MS = 60_000
LISTENED = dt.timedelta(minutes=45)  # before it opened and after it ended: somebody is always early, or the last


def at(day: dt.datetime, hour: int, time_zone: str) -> dt.datetime:
    """That hour of the day, by the neighbourhood's clock."""
    local = day.astimezone(zoneinfo.ZoneInfo(time_zone))
    return local.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(dt.UTC)


def make(
    session: Session, settings: Settings, past: tales.Past, starts_at: dt.datetime, event_id: str | None = None
) -> Step:
    """Makes a gathering that is over, who came to it, and what was heard of them."""
    event_id = event_id or past.id
    ends_at = starts_at + dt.timedelta(hours=tales.CONVERSATION)
    events.create(
        session,
        id=event_id,
        name=past.name,
        organizer_id=past.organizer,
        community_id=past.community,
        about=Details(kind=past.kind, about=past.about),
        simulated=True,
        steps=[events.NewStep(past.name, past.venue, starts_at, ends_at, capacity=40)],
    )
    step = events.steps_of(session, event_id=event_id)[0]
    came = [(who, evidence) for evidence, people in past.came.items() for who in people]
    signed_up = [who for who, evidence in came if evidence != "manual"] + list(past.away)
    session.execute(
        insert(SignUp).values(
            [
                {"event_id": event_id, "member_id": who, "turn": turn, "at": starts_at - 3 * DAY + turn * DAY / 24}
                for turn, who in enumerate(signed_up, 1)
            ]
        )
    )
    # They come one after the other, in the first half an hour.
    check_in(session, step, came, starts_at, dt.timedelta(seconds=80))
    _hear(session, settings, step)
    return step


def check_in(
    session: Session, step: Step, who: list[tuple[str, str]], first_at: dt.datetime, apart: dt.timedelta
) -> None:
    """Checks these in, each by her evidence, one after the other."""
    rows = [
        {
            "step_id": step.id,
            "member_id": member_id,
            "at": first_at + number * apart,
            "recorded_at": first_at + number * apart,
            "evidence": evidence,
            "signed_up": evidence != "manual",
        }
        for number, (member_id, evidence) in enumerate(who)
    ]
    session.execute(insert(CheckIn).values(rows).on_conflict_do_nothing())


def _hear(session: Session, settings: Settings, step: Step) -> None:
    """What the Pis heard of those whose badges checked them in. Where anything was heard already, that stands."""
    rooms = memories.ROOMS.get(step.venue_id)
    if rooms is None:
        return
    venue = venues.get(session, step.venue_id)
    from_ms, to_ms = times.to_ms(step.opens_at - LISTENED), times.to_ms(step.ends_at + LISTENED)
    placed = session.execute(
        select(Placement.id, Placement.agent_id).where(
            Placement.venue_id == step.venue_id, Placement.valid.contains(step.opens_at - LISTENED)
        )
    ).all()
    if not placed:
        return
    listened = [
        {"placement_id": one.id, "agent_id": one.agent_id, "from_ms": from_ms, "to_ms": to_ms} for one in placed
    ]
    session.execute(insert(Coverage).values(listened).on_conflict_do_nothing())
    came = session.execute(
        select(Pairing.badge_id, CheckIn.at)
        .join(CheckIn, CheckIn.member_id == Pairing.member_id)
        .where(CheckIn.step_id == step.id, CheckIn.evidence == "beacon", Pairing.valid.contains(CheckIn.at))
        .order_by(CheckIn.at, Pairing.badge_id)
    ).all()
    if not came:
        return
    gap_ms = rule.make(settings.presence, venue.join_gap_s).join_gap_ms
    visits = []
    for number, one in enumerate(came):
        # Most leave around the end; every fifth has a bus to catch.
        until_ms = times.to_ms(step.ends_at) + (number * 7 % 20 - 12) * MINUTE_MS
        until_ms -= 40 * MINUTE_MS if number % 5 == 4 else 0
        since_ms = times.to_ms(one.at) - MINUTE_MS
        reach_ms = reach_of(until_ms, gap_ms)
        visits.append(
            {
                "badge_id": one.badge_id,
                "venue_id": step.venue_id,
                "from_ms": since_ms,
                "to_ms": until_ms,
                "reach_ms": reach_ms,
            }
        )
    made = insert(Visit).values(visits).on_conflict_do_nothing().returning(Visit.badge_id, Visit.from_ms)
    stays = [
        {"badge_id": badge_id, "venue_id": step.venue_id, "from_ms": begins_ms, "zone_id": zone_id}
        for badge_id, heard_ms in session.execute(made).all()
        for begins_ms, zone_id in ((heard_ms, rooms[0]), (heard_ms + 4 * MINUTE_MS, rooms[1]))
    ]
    if stays:
        session.execute(insert(Stay).values(stays).on_conflict_do_nothing())
