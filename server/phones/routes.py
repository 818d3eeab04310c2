"""What phones say over HTTP, their logins, and venues' own beacons."""

import base64
import binascii
import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from geo import areas, datums
from server.errors import Conflict, Invalid, Refused, TooLarge
from server.jobs import service as jobs
from server.limits import service as limits
from server.limits.callers import InCaller
from server.limits.service import Rate
from server.people import access
from server.phones import at_broker, beacons, hearing, owntracks, schema, setup
from server.phones import service as phones
from server.phones.model import Phone
from server.phones.owntracks import Beacon
from server.phones.service import Told
from server.positions import schema as positions_schema
from server.positions import service as positions
from server.positions.service import Fix, Source
from server.requests import Id, InSettings, InTransaction, Now, Number
from server.venues import service as venues

strangers = APIRouter(prefix="/api", tags=["phones"])
router = APIRouter(prefix="/api", tags=["phones"])


class Paused(Conflict):
    """You are paused: nothing is kept of where you are. End the pause first."""

    code = "paused"


class FixOld(Invalid):
    """That is where you were some time ago, or will be. Look anew where you are."""

    code = "fix_old"


class HearingOff(Refused):
    """You have not said that your phone may tell where you came. Switch that on first, on your page "Where you are"."""

    code = "hearing_off"


async def _payload(request: Request) -> bytes:
    return await request.body()


async def _basic(request: Request) -> tuple[str, str]:
    """The login and password of a request (RFC 7617); empty where there is none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


Payload = Annotated[bytes, Depends(_payload)]
Basic = Annotated[tuple[str, str], Depends(_basic)]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": ["object", "array"]}, "example": {"_type": "lwt"}}},
    },
    "security": [{"phone": []}],
}


@strangers.post("/owntracks", openapi_extra=_BODY)
def take_owntracks(
    request: Request,
    payload: Payload,
    basic: Basic,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    u: Annotated[str, Query(max_length=200, description="the member, as OwnTracks says it")] = "",
    d: Annotated[str, Query(max_length=200, description="the device, as OwnTracks says it")] = "",
) -> list[dict[str, Any]]:
    """Takes what OwnTracks sends in HTTP mode, signed in with the login of a phone (Basic); answers an empty list.

    Whose it is says the login alone; X-Limit-U and X-Limit-D, or u and d, may not contradict it.
    """
    with limits.guessing(session, caller, "phone login", phones.PhoneUnknown):
        phone = phones.sign_in(session, login=basic[0][:200], password=basic[1][:200])
    rate = Rate(settings.limits.phone_at_once, settings.limits.phone_per_h)
    limits.take(caller.engine, "phone", phones.login_of(phone), now=caller.now, rate=rate)
    _check_names(phone, request.headers.get("x-limit-u") or u, request.headers.get("x-limit-d") or d)
    if len(payload) > owntracks.PAYLOAD_MAX_BYTES:
        raise TooLarge("More than %(bytes)s bytes are not taken at once.", bytes=owntracks.PAYLOAD_MAX_BYTES)
    read = owntracks.read(payload, has_topic=False)
    phones.check_topics(read, phone)
    told = Told(phone.number, phone.member_id, phone.device, read)
    phones.take_told(session, [told], now=caller.now, settings=settings)
    phones.check(read)
    return []


@router.post("/me/position")
def take_position(
    wanted: schema.FixIn, viewer: access.Viewer, caller: InCaller, session: InTransaction, settings: InSettings
) -> positions_schema.PositionOut:
    """Says where one is, as a browser was asked in this moment; a cell of it is kept for an hour."""
    _slow_down(caller, settings.limits.phone_at_once, settings.limits.phone_per_h, viewer.id)
    try:
        place = areas.check_position(datums.to_wgs84(areas.check_position(wanted.position), wanted.datum))
    except areas.PlaceError as error:
        raise Invalid("Your position: %(why)s", why=error) from None
    if positions.paused(session, [viewer.id]):
        raise Paused
    fix = Fix(viewer.id, Source.BROWSER, "", place, wanted.accuracy_m, wanted.at or caller.now)
    if not positions.is_timely(fix, now=caller.now):
        raise FixOld
    phones.take(session, [fix], now=caller.now, settings=settings)
    found = positions.list_of(session, member_id=viewer.id, now=caller.now)
    kept, device = next(one for one in found if one[0].source is Source.BROWSER)
    return positions_schema.show(kept, device)


@router.post("/heard")
def take_heard(
    wanted: schema.HeardIn, viewer: access.Viewer, caller: InCaller, session: InTransaction, settings: InSettings
) -> schema.HeardOut:
    """Says that one's phone heard a venue's own beacon; by that she is checked in as by going through a door."""
    _slow_down(caller, settings.limits.phone_at_once, settings.limits.phone_per_h, viewer.id)
    identity = owntracks.identity_of(wanted.uuid, wanted.major, wanted.minor)
    beacon = Beacon(identity, "", None)
    found = beacons.venues_of(session, [beacon])
    if beacon not in found:
        raise beacons.BeaconUnknown("No venue here has this beacon.")
    if positions.paused(session, [viewer.id]):
        raise Paused
    if not positions.uses_of(session, member_id=viewer.id).fences:
        raise HearingOff
    said = hearing.Said(viewer.id, beacon, wanted.event, wanted.at or caller.now)
    gap = dt.timedelta(seconds=settings.phones.heard_gap_s)
    counts = hearing.take(session, [said], now=caller.now, gap=gap)
    if counts["beacon_old"]:
        raise FixOld
    return schema.HeardOut(venue=found[beacon], results=sorted(one.removeprefix("heard_") for one in counts))


@router.get("/me/phones")
def list_phones(viewer: access.Viewer, session: InTransaction) -> list[schema.PhoneOut]:
    """One's phones that tell where one is by themselves, the newest first; at most ten."""
    return [schema.show_phone(phone) for phone in phones.list_of(session, member_id=viewer.id)]


@router.post("/me/phones", status_code=201)
def add_phone(
    wanted: schema.NewPhone, viewer: access.OwnAccount, session: InTransaction, settings: InSettings, now: Now
) -> schema.PhoneMade:
    """Makes a login for a phone; its password and the link that sets OwnTracks up are shown this once."""
    phone, password = phones.add(session, member_id=viewer.id, name=wanted.name, now=now)
    at_broker.admit(session, phone, password, at_broker.administers(settings))
    return schema.show_made(phone, password, setup.link(setup.over_http(settings, phone, password)))


@router.delete("/me/phones/{number}", status_code=204)
def remove_phone(number: Number, viewer: access.Viewer, session: InTransaction) -> None:
    """Takes a phone's login away and forgets where it was."""
    phones.remove(session, member_id=viewer.id, number=number)
    jobs.defer(session, "phones.sweep", only_one="phones.sweep")


@router.get("/venues/{venue_id}/beacons")
def list_beacons(venue_id: Id, viewer: access.Viewer, session: InTransaction) -> list[schema.BeaconOut]:
    """A venue's own beacons, which phones hear; for who keeps it and operators. At most 20."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    return [schema.show_beacon(row) for row in beacons.list_of(session, venue_id=venue_id)]


@router.post("/venues/{venue_id}/beacons", status_code=201)
def add_beacon(
    venue_id: Id, wanted: schema.NewBeacon, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.BeaconOut:
    """Says that a beacon stands at a venue, for phones to hear; for who keeps it and operators."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    identity = owntracks.identity_of(wanted.uuid, wanted.major, wanted.minor)
    made = beacons.add(session, venue_id=venue_id, identity=identity, by=viewer.id, now=now)
    return schema.show_beacon(made)


@router.delete("/venues/{venue_id}/beacons/{number}", status_code=204)
def remove_beacon(venue_id: Id, number: Number, viewer: access.Viewer, session: InTransaction) -> None:
    """Says that a beacon stands there no more; for who keeps the venue and operators."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    beacons.remove(session, venue_id=venue_id, number=number)


def _check_names(phone: Phone, member: str, device: str) -> None:
    """Raises OtherTopic where the app says that it is another's."""
    login = phones.login_of(phone)
    if member and member.lower() not in (phone.member_id, login):
        raise phones.OtherTopic
    if device and "/" in device and device.lower() != login:
        raise phones.OtherTopic


def _slow_down(caller: InCaller, at_once: int, per_h: int, member_id: str) -> None:
    limits.take(caller.engine, "position", member_id, now=caller.now, rate=Rate(at_once, per_h))
