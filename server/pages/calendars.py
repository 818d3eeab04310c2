"""The page of calendars: her own secret link, and those of her communities and places, to give to a program."""

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.calendars import schema
from server.calendars import service as calendars
from server.communities import service as communities
from server.pages import facts, render
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.requests import InSettings, InTransaction, Now
from server.sharing import place_words
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

MOST = 100  # of a kind; more than anybody subscribes to


@router.api_route("/calendars", methods=["GET", "HEAD"])
def show_calendars(
    request: Request, viewer: access.Viewer, session: InTransaction, settings: InSettings, say: access.Say
) -> Response:
    """All calendars that she may want; her own link stays covered."""
    return _page(request, session, viewer, settings, say)


@router.post("/calendars/show")
def show_link(
    request: Request, viewer: access.InPerson, session: InTransaction, settings: InSettings, say: access.Say
) -> Response:
    """The same with her own link to be read."""
    calendars.get_link(session, member_id=viewer.id)
    return _page(request, session, viewer, settings, say, shown=True)


@router.post("/calendars/make")
def make_link(
    request: Request, viewer: access.InPerson, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """Makes her link, or another one in its place, and shows it."""
    calendars.make_link(session, member_id=viewer.id, now=now)
    return _page(request, session, viewer, settings, say, shown=True)


@router.post("/calendars/end")
def end_link(viewer: access.InPerson, session: InTransaction) -> Response:
    """Ends her link."""
    calendars.end_link(session, member_id=viewer.id)
    return RedirectResponse("/calendars", status_code=303)


def _page(
    request: Request, session: Session, viewer: Member, settings: InSettings, say: Texts, *, shown: bool = False
) -> Response:
    own_url = settings.server.url
    link = calendars.find_link(session, member_id=viewer.id)
    return render.page(
        request,
        "calendars.html",
        viewer=viewer,
        made_at=None if link is None else link.made_at,
        time_zone=facts.clock_of(viewer),
        mine=_named("mine", "", schema.address_of(link, own_url)) if link is not None and shown else None,
        others=[
            *(
                _named(f"community-{one.id}", one.name, f"{own_url}/communities/{one.id}/calendar.ics")
                for one in communities.communities_of(session, member_id=viewer.id)[:MOST]
            ),
            *(
                _named(f"venue-{one.id}", say.name(one.name, one.simulated), f"{own_url}/venues/{one.id}/calendar.ics")
                for one in venues.owned_by(session, member_id=viewer.id)[:MOST]
                if not place_words.is_home(one)
            ),
        ],
    )


def _named(key: str, name: str, address: str) -> Fact:
    """A calendar of a name at an address; webcal: what programs of a phone or computer open by themselves."""
    return {"key": key, "name": name, "address": address, "webcal": f"webcal://{address.partition('://')[2]}"}
