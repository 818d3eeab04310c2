"""The ways to see the demonstration: who of its people shows each, and on which page."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.badges import service as badges
from server.errors import NotFound
from server.events.model import Event, SignUp, Step
from server.events.states import SignUpState, State
from server.pages import tour
from server.pages.facts import Fact
from server.people import cookies
from server.people import routes as people_routes
from server.people import service as people
from server.people.model import Member
from server.requests import InSettings, InTransaction, Now
from server.texts import IN_ENGLISH, Texts
from server.venues import service as venues

strangers = APIRouter(include_in_schema=False)


class NobodyShows(NotFound):
    """Nobody in the demonstration shows that at the moment."""

    code = "nobody_shows"


@strangers.post("/be")
def be(
    request: Request,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    role: Annotated[str, Form(max_length=20)],
) -> Response:
    """Signs in as the one who shows this way, and leads to where it is seen."""
    people_routes.check_demo(settings)
    ways = ways_in(session, now)
    way = next((way for way in ways if way["role"] == role), None)
    if way is None and ways:  # whoever goes out sees what communities do, but for what only some see
        way = next((ways[0] | stop for stop in tour.stops(session, now, IN_ENGLISH) if stop["role"] == role), None)
    if way is None:
        raise NobodyShows
    response = RedirectResponse(way["next"], status_code=303)
    cookies.enter(request, response, session, settings, member_id=way["member"], how="name", now=now)
    return response


def ways_in(session: Session, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Fact]:
    """The ways that there are, {"role", "member", "name", "next"}: found by what people have, run and host."""
    members = people.demo_members(session)
    found = [
        _way("attendee", _first(members, lambda member: _holds_badge(session, member, now)), "/demo", say),
        _owner(session, members, say),
        _organizer(session, members, now, say),
        _way("operator", _first(members, lambda member: member.operator), "/operator", say),
    ]
    return [way for way in found if way is not None]


def _way(role: str, member: Member | None, leads_to: str, say: Texts) -> Fact | None:
    if member is None:
        return None
    return {"role": role, "member": member.id, "name": say.name(member.name, member.simulated), "next": leads_to}


def _first(members: Sequence[Member], has: Callable[[Member], bool]) -> Member | None:
    return next((member for member in members if has(member)), None)


def _holds_badge(session: Session, member: Member, now: dt.datetime) -> bool:
    return bool(badges.held_by(session, member_id=member.id, at=now))


def _owner(session: Session, members: Sequence[Member], say: Texts) -> Fact | None:
    for member in members:
        for venue in venues.owned_by(session, member_id=member.id):
            if venue.simulated:
                return _way("owner", member, f"/venues/{venue.id}/live", say)
    return None


def _organizer(session: Session, members: Sequence[Member], now: dt.datetime, say: Texts) -> Fact | None:
    """The one with the event that most signed up for; those that are on come first, then those to come."""
    hosts = {member.id: member for member in members}
    ends_at = func.max(Step.ends_at)
    on = and_(func.min(Step.opens_at) <= now, ends_at > now)
    going = select(func.count()).where(SignUp.event_id == Event.id, SignUp.state == SignUpState.GOING).scalar_subquery()
    wanted = (
        select(Event.id, Event.organizer_id)
        .join(Step, Step.event_id == Event.id)
        .where(Event.simulated, Event.state == State.PUBLISHED, Event.organizer_id.in_(hosts))
        .group_by(Event.id)
        .order_by(on.desc(), (ends_at > now).desc(), ends_at.desc(), going.desc(), Event.id)
        .limit(1)
    )
    found = session.execute(wanted).one_or_none()
    return None if found is None else _way("organizer", hosts[found.organizer_id], f"/events/{found.id}/live", say)
