"""The pages of a venue's and a house's fans: figures, a picture over time, and by name who agreed to it."""

import datetime as dt

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.fans import rounding, routes
from server.fans import service as fans
from server.fans.brought import Way
from server.fans.coming import HOURS, PARTS
from server.fans.service import OFTEN, Fans, Span
from server.pages import render
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now
from server.texts import CHINESE, Texts

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
SHADES = 5  # of the week's picture


@router.api_route("/venues/{venue_id}/fans", methods=READ)
def show_fans_of_venue(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    span: Span = "quarter",
) -> Response:
    """Who comes to a venue; for who keeps it."""
    venue = routes.kept(session, viewer, venue_id)
    found = fans.of_venue(session, venue, span=span, now=now)
    of = {"kind": "venue", "href": f"/venues/{venue.id}", "name": say.name(venue.name, venue.simulated)}
    return _page(request, viewer, of, found, span, say)


@router.api_route("/communities/{community_id}/fans", methods=READ)
def show_fans_of_house(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    span: Span = "quarter",
) -> Response:
    """Who comes to what a house publishes; for its source and its hosts."""
    house = routes.decided(session, viewer, community_id)
    found = fans.of_house(session, house, span=span, time_zone=viewer.time_zone or routes.UTC, now=now)
    of = {"kind": "house", "href": f"/communities/{house.id}", "name": say.name(house.name, house.simulated)}
    return _page(request, viewer, of, found, span, say)


def _page(request: Request, viewer: Member, of: Fact, found: Fans, span: Span, say: Texts) -> Response:
    busiest = max([1, *(figure.least for parts in found.slots for figure in parts)])
    ways = {
        Way.POST: say.gettext("a post in the community"),
        Way.COMMUNITY: say.gettext("the community itself"),
        Way.LINK: say.gettext("an invitation's link"),
        Way.WALKED_BY: say.gettext("they walked by"),
    }
    return render.page(
        request,
        "fans.html",
        viewer=viewer,
        of=of,
        span=span,
        since=say.day(found.since),
        until=say.day(found.until),
        people=_figure(found.people),
        first_timers=_figure(found.first_timers),
        drifting=_figure(found.drifting),
        often=[
            {"from": low, "to": high, **_figure(figure)} for (low, high), figure in zip(OFTEN, found.often, strict=True)
        ],
        brought=[{"words": ways[way], **_figure(figure)} for way, figure in found.brought.items()],
        parts=[f"{part * HOURS:02}:00" for part in range(PARTS)],
        week=[
            {
                "date": _some_day(weekday),
                "parts": [
                    {**_figure(figure), "shade": -(-figure.least * SHADES // busiest)}
                    for figure in found.slots[weekday]
                ],
            }
            for weekday in range(7)
        ],
        points=[
            {
                "when": _short(point.since, say),
                "since_day": say.day(point.since),
                "until_day": say.day(point.until),
                "people": _figure(point.people),
                "first_timers": _figure(point.first_timers),
            }
            for point in found.points
        ],
        most=max([1, *(point.people.least for point in found.points)]),
        named=[
            {
                "name": fan.name,
                "days": fan.days,
                "first": say.day(fan.first_on),
                "last": say.day(fan.last_on),
                "gap": None if fan.rhythm is None else round(fan.rhythm.gap_days),
                "silent": None if fan.rhythm is None else fan.rhythm.silent_days,
                "drifting": fan.drifting,
            }
            for fan in found.named
        ],
        most_named=fans.MOST_NAMED,
        k=rounding.K,
    )


def _figure(figure: rounding.Figure) -> Fact:
    """least: at least so many, 0 for none that could be told; named: of whom so many by name."""
    return {"least": figure.least, "named": figure.named, "others": figure.others}


def _short(day: dt.date, say: Texts) -> str:
    return f"{day.month}月{day.day}日" if say.language == CHINESE else f"{day.day} {day:%b}"


def _some_day(weekday: int) -> dt.date:
    """A day of this weekday, for its name; Monday is 0."""
    return dt.date(2024, 1, 1) + dt.timedelta(days=weekday)
