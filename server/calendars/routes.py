"""Calendars for programs that ask again and again, a gathering as a file, and a member's own link."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from server import texts
from server.calendars import schema, writing
from server.calendars import service as calendars
from server.communities import service as communities
from server.errors import Refused, SignInNeeded
from server.people import access
from server.requests import Id, InSettings, InTransaction, Now
from server.sharing import reading
from server.sharing.gathering import Gathering, Veiled
from server.texts import Texts
from server.venues import service as venues

strangers = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/api", tags=["calendars"])

READ = ["GET", "HEAD"]
FRESH_S = 300  # a program that asks every minute is answered by what it has
MEDIA_TYPE = "text/calendar; charset=utf-8"
Secret = Annotated[str, Path(max_length=64)]
IfNoneMatch = Annotated[str, Header(max_length=1000)]


class ForMembersOnly(Refused):
    """This gathering is for the members of its community; sign in as one of them."""

    code = "for_members_only"


@strangers.api_route("/g/{event_id}/event.ics", methods=READ)
def get_event(
    event_id: Id,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """A gathering for a calendar program, as far as its page says it to who asks."""
    gathering = reading.see(session, event_id, viewer=viewer, say=say)
    if isinstance(gathering, Veiled):
        raise SignInNeeded if viewer is None else ForMembersOnly
    answer = _answer([gathering], gathering.name, settings.server.url, now, say, if_none_match, gathering.for_all)
    answer.headers["Content-Disposition"] = f'attachment; filename="{event_id}.ics"'
    answer.headers["Vary"] = "Accept-Language, Cookie"
    return answer


@strangers.api_route("/calendars/{secret}.ics", methods=READ)
def get_member_calendar(
    secret: Secret, session: InTransaction, settings: InSettings, now: Now, if_none_match: IfNoneMatch = ""
) -> Response:
    """What a member signed up for, for whoever has her link."""
    member = calendars.member_of(session, secret)
    say = texts.of(member.language)
    found = calendars.of_member(session, member, now=now, say=say)
    name = say.gettext("My gatherings")
    return _answer(found, name, settings.server.url, now, say, if_none_match, False)


@strangers.api_route("/communities/{community_id}/calendar.ics", methods=READ)
def get_community_calendar(
    community_id: Id,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """What a community does for everybody."""
    found = calendars.of_community(session, community_id, now=now, say=say)
    name = communities.get(session, community_id).name
    return _answer(found, name, settings.server.url, now, say, if_none_match, True)


@strangers.api_route("/venues/{venue_id}/calendar.ics", methods=READ)
def get_venue_calendar(
    venue_id: Id,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """What is on at a venue for everybody."""
    found = calendars.of_venue(session, venue_id, now=now, say=say)
    venue = venues.get(session, venue_id)
    name = say.name(venue.name, venue.simulated)
    return _answer(found, name, settings.server.url, now, say, if_none_match, True)


@router.get("/me/calendar")
def get_my_calendar(viewer: access.InPerson, session: InTransaction, settings: InSettings) -> schema.CalendarOut:
    """The address of your calendar, as it was made."""
    return schema.show(calendars.get_link(session, member_id=viewer.id), settings.server.url)


@router.post("/me/calendar", status_code=201)
def make_my_calendar(
    viewer: access.InPerson, session: InTransaction, settings: InSettings, now: Now
) -> schema.CalendarOut:
    """Makes an address for your calendar; the one before ends."""
    return schema.show(calendars.make_link(session, member_id=viewer.id, now=now), settings.server.url)


@router.delete("/me/calendar", status_code=204)
def end_my_calendar(viewer: access.InPerson, session: InTransaction) -> None:
    """Ends the address of your calendar."""
    calendars.end_link(session, member_id=viewer.id)


def _answer(
    gatherings: Sequence[Gathering],
    name: str,
    own_url: str,
    now: dt.datetime,
    say: Texts,
    if_none_match: str,
    public: bool,
) -> Response:
    body = writing.write(gatherings, name=name, own_url=own_url, now=now, say=say)
    tag = writing.etag(body)
    headers = {"ETag": tag, "Cache-Control": f"{'public' if public else 'private'}, max-age={FRESH_S}"}
    headers["Vary"] = "Accept-Language"
    if tag in if_none_match or if_none_match.strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=MEDIA_TYPE, headers=headers)
