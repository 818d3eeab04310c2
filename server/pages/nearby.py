"""The page of what is near: gatherings and venues, best first, each with why; what is asked stands in the address."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo import areas, datums
from geo.areas import Position
from server import names, paging
from server.communities.model import Community
from server.errors import Invalid, MusterError, http_status
from server.interests import service as interests
from server.nearby import service as nearby
from server.nearby.asking import WITHIN
from server.nearby.candidates import FARTHEST_M, Asked
from server.nearby.moments import Mood
from server.nearby.person import Person
from server.nearby.rings import Kind, Wanted
from server.nearby.service import Found, Order
from server.pages import facts, nearby_cards, render
from server.pages.doors import told
from server.pages.facts import Fact
from server.pages.pins import PinUnclear, read_pin
from server.people import access
from server.people.model import Member
from server.positions import service as positions
from server.positions.service import Where
from server.requests import InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
HERE = "/nearby"
SHOWN = 20  # what somebody reads before she would rather ask for something else
RADII_KM = (1, 2, 5, 10, 25, 50)  # as /me/positions offers them: a walk to a drive
# What is said of a place stands in the address, and so in the browser's history: to about 100 m, which is no door.
DECIMALS = 3
_INSTANT = dt.timedelta(microseconds=1)
_DAY = dt.timedelta(days=1)
_LATEST_DAY = dt.date(9000, 1, 1)  # behind it clocks of time zones end

When = Literal["", "now", "today", "week", "day"]
WHENS: tuple[When, ...] = ("", "now", "today", "week", "day")


class DayUnclear(Invalid):
    """Which day? Choose one that is not over, such as 2026-05-03."""

    code = "day_unclear"


class Filters(NamedTuple):
    """What of it is wanted, as the address says it; empty: whatever it is. day: of when `day`. radius_km: 0 for any."""

    kind: str
    order: Order
    when: When
    day: str
    interests: tuple[str, ...]
    community: str
    places_left: bool
    moods: tuple[Mood, ...]
    radius_km: int

    def pairs(self, **changed: Any) -> list[tuple[str, str]]:
        """As an address says them, with some of them changed."""
        one = self._replace(**changed)
        said = [
            ("kind", one.kind),
            ("order", "" if one.order is Order.BEST else one.order.value),
            ("when", one.when),
            ("day", one.day if one.when == "day" else ""),
            *(("interest", each) for each in one.interests),
            ("community", one.community),
            ("places_left", "true" if one.places_left else ""),
            *(("mood", each.value) for each in one.moods),
            ("radius_km", str(one.radius_km or "")),
        ]
        return [(key, value) for key, value in said if value]


class Around(NamedTuple):
    """The place that is asked about. known: by what, where she did not say it herself."""

    place: Position
    known: Where | None


@router.api_route(HERE, methods=READ)
def show_nearby(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    lon: Annotated[float | None, Query(ge=-180, le=180)] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
    pin: Annotated[str, Query(max_length=1000)] = "",
    datum: Annotated[datums.Datum, Query()] = "wgs84",
    kind: Annotated[Literal["", "event", "venue"], Query()] = "",
    order: Annotated[Literal["", "best", "nearest"], Query()] = "",
    when: Annotated[When, Query()] = "",
    day: Annotated[str, Query(max_length=40)] = "",
    interest: Annotated[list[str] | None, Query(max_length=20)] = None,
    community: Annotated[str, Query(max_length=200)] = "",
    places_left: Annotated[bool, Query()] = False,
    mood: Annotated[list[Mood] | None, Query(max_length=len(Mood))] = None,
    radius_km: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str | None, Query(max_length=paging.CURSOR_MAX_LENGTH)] = None,
) -> Response:
    """What is near her, or near the place that she says; nothing of where she asks is kept."""
    words = {one.id: interests.name_of(one, say) for one in interests.list_all(session, retired=True)}
    filters = Filters(
        kind,
        Order(order or Order.BEST),
        when,
        day if when == "day" else "",
        tuple(sorted({one for one in interest or () if one in words})),
        community if _is_there(session, community) else "",
        places_left,
        tuple(one for one in Mood if one in (mood or ())),
        int(radius_km) if radius_km in map(str, RADII_KM) else 0,
    )
    zone = facts.clock_of(viewer)
    around, wanted, refused = None, None, None
    try:
        around = _around(session, viewer, lon, lat, pin, datum, now)
        wanted = None if around is None else _wanted(filters, around.place, zone, now)
    except MusterError as error:
        refused = error
    said = _said(around)
    cards, following = [], None
    if wanted is not None and (wanted.events or wanted.venues):
        found, following = _find(session, viewer, wanted, filters.order, cursor, now)
        cards = nearby_cards.of(session, *found, words, now=now, say=say)
    return render.page(
        request,
        "nearby.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        around=_tell(around, now, say),
        pin=pin if refused is not None else "" if not said else f"{said['lat']}, {said['lon']}",
        cards=cards,
        first=cursor is None,
        map=_map(around, cards),
        filters=filters,
        today=now.astimezone(zoneinfo.ZoneInfo(zone)).date().isoformat(),
        choices=_choices(session, viewer, filters, words, say),
        whens=[(one, _address(filters.pairs(when=one), said)) for one in WHENS if one != "day"],
        orders=[(one.value, _address(filters.pairs(order=one), said)) for one in Order],
        applied=_applied(session, filters, words, said, say),
        everything=_address([], said),
        more=None if following is None else _address([*filters.pairs(), ("cursor", following)], said),
        paused=bool(positions.paused(session, [viewer.id])),
        says=told(refused, say),
    )


def _around(
    session: Session,
    viewer: Member,
    lon: float | None,
    lat: float | None,
    pin: str,
    datum: datums.Datum,
    now: dt.datetime,
) -> Around | None:
    """Where: as she typed it, as the address says it, or as it is known. Raises Invalid."""
    typed = read_pin(pin, datum)
    if typed is None and (lon is not None or lat is not None):
        typed = (lon, lat)  # type: ignore[assignment]  # half of one is refused below
    if typed is not None:
        try:
            lon, lat = areas.check_position(typed)
        except areas.PlaceError:
            raise PinUnclear from None
        return Around((round(lon, DECIMALS), round(lat, DECIMALS)), None)
    found = positions.where(session, member_id=viewer.id, now=now)
    return None if found is None else Around(found.place, found)


def _wanted(filters: Filters, place: Position, zone: str, now: dt.datetime) -> Wanted:
    """What is looked for; days are those of the reader's clock. Raises DayUnclear."""
    at, until = now, now + WITHIN
    midnight = now.astimezone(zoneinfo.ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    if filters.when == "now":
        until = now + _INSTANT
    elif filters.when == "today":
        until = midnight + _DAY
    elif filters.when == "week":
        until = midnight + dt.timedelta(days=7 - midnight.weekday())
    elif filters.when == "day":
        wanted = midnight.replace(**_read_day(filters.day, midnight.date()))
        at, until = max(now, wanted), wanted + _DAY
    asked = Asked(
        place,
        at,
        until,
        filters.radius_km * 1000.0 or FARTHEST_M,
        filters.interests,
        filters.community or None,
        filters.places_left,
    )
    kinds = frozenset({Kind(filters.kind)} if filters.kind else Kind)
    is_now = filters.when == "now"
    return Wanted(asked, kinds, open_now=is_now, on_now=is_now and filters.kind == "event", moods=_moods(filters))


def _moods(filters: Filters) -> frozenset[Mood]:
    """How lively it shall be: of another day nobody knows that yet."""
    return frozenset() if filters.when == "day" else frozenset(filters.moods)


def _read_day(typed: str, today: dt.date) -> dict[str, Any]:
    try:
        day = dt.date.fromisoformat(typed)
    except ValueError:
        raise DayUnclear from None
    if not today <= day < _LATEST_DAY:
        raise DayUnclear
    return {"year": day.year, "month": day.month, "day": day.day}


def _find(
    session: Session, viewer: Member, wanted: Wanted, order: Order, cursor: str | None, now: dt.datetime
) -> tuple[tuple[Person, list[Found]], str | None]:
    return paging.with_next(
        paging.Page(SHOWN, cursor),
        lambda page: nearby.find(session, viewer, wanted, order=order, now=now, page=page),
    )


def _said(around: Around | None) -> dict[str, str]:
    """The place as addresses go on saying it; nothing where it is known without."""
    if around is None or around.known is not None:
        return {}
    lon, lat = around.place
    return {"lon": f"{lon:.{DECIMALS}f}", "lat": f"{lat:.{DECIMALS}f}"}


def _address(pairs: list[tuple[str, str]], said: Mapping[str, str]) -> str:
    query = urlencode([*said.items(), *pairs])
    return f"{HERE}?{query}" if query else HERE


def _tell(around: Around | None, now: dt.datetime, say: Texts) -> Fact | None:
    """Where it is looked, in words."""
    if around is None:
        return None
    return {"says": nearby_cards.where_from(around.known, now, say), "said": around.known is None}


def _map(around: Around | None, cards: list[Fact]) -> Fact | None:
    """What js/nearby.js draws: the place itself, how far off it may be, and what stands in the list with a position."""
    if around is None:
        return None
    return {
        "here": list(around.place),
        "within_m": 0 if around.known is None else round(around.known.accuracy_m),
        "pins": [[card["number"], card["name"], card["kind"], *card["at"]] for card in cards if card["at"]],
    }


def _choices(
    session: Session, viewer: Member, filters: Filters, words: Mapping[str, str], say: Texts
) -> dict[str, list[tuple[Any, str]]]:
    """What the form offers to choose from, each with its words."""
    offered = {one.id for one in interests.list_all(session)} | set(filters.interests)
    hers = dict(nearby_cards.communities_of(session, viewer, say))
    if filters.community and filters.community not in hers:
        hers[filters.community] = _name_of(session, filters.community, say)
    return {
        "interests": sorted(((one, words[one]) for one in offered), key=lambda one: one[1]),
        "communities": sorted(hers.items(), key=lambda one: one[1]),
        "moods": [(one.value, nearby_cards.mood(one, say)) for one in Mood],
        "radii": [(km, say.gettext("%(km)s km", km=km)) for km in RADII_KM],
    }


def _applied(
    session: Session, filters: Filters, words: Mapping[str, str], said: Mapping[str, str], say: Texts
) -> list[Fact]:
    """The filters that are set, each with the address without it."""
    found: list[tuple[str, dict[str, Any]]] = []
    if filters.kind:
        found.append((say.gettext("Gatherings") if filters.kind == "event" else say.gettext("Places"), {"kind": ""}))
    if filters.when:
        found.append((nearby_cards.when(filters.when, filters.day, say), {"when": ""}))
    found += [
        (words[one], {"interests": tuple(each for each in filters.interests if each != one)})
        for one in filters.interests
    ]
    if filters.community:
        found.append((_name_of(session, filters.community, say), {"community": ""}))
    if filters.places_left:
        found.append((say.gettext("Places left"), {"places_left": False}))
    for mood in filters.moods:
        rest = tuple(each for each in filters.moods if each != mood)
        found.append((nearby_cards.mood(mood, say), {"moods": rest}))
    if filters.radius_km:
        found.append((say.gettext("Within %(km)s km", km=filters.radius_km), {"radius_km": 0}))
    return [{"says": says, "without": _address(filters.pairs(**without), said)} for says, without in found]


def _is_there(session: Session, community_id: str) -> bool:
    return names.is_id(community_id) and session.get(Community, community_id) is not None


def _name_of(session: Session, community_id: str, say: Texts) -> str:
    of = session.get_one(Community, community_id)
    return say.name(of.name, of.simulated)
