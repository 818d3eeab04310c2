"""What the API takes from phones, and says of them and of venues' beacons."""

from typing import Annotated, Any, Literal

from pydantic import Field

from server.fields import Datum, Incoming, Moment, Name, Outgoing, Position
from server.phones import beacons
from server.phones import service as phones
from server.phones.model import Phone, VenueBeacon
from server.phones.owntracks import ACCURACY_MAX_M

Number16 = Annotated[int, Field(ge=0, le=0xFFFF)]
Uuid = Annotated[str, Field(max_length=36)]


class FixIn(Incoming):
    """Where a browser says that it is, and to how many metres; at: by its clock, now if it is not said."""

    position: Position
    datum: Datum = "wgs84"
    accuracy_m: Annotated[float, Field(ge=0, le=ACCURACY_MAX_M)]
    at: Moment | None = None


class NewPhone(Incoming):
    """A phone to be let tell where its owner is."""

    name: Name


class PhoneOut(Outgoing):
    """A phone of one's own. login: how it signs in, and below `owntracks/` the topic that it writes.

    trouble: what was wrong with what it said last, such as `encrypted`. over_mqtt: it has a login at the broker, too.
    """

    number: int
    name: str
    device: str
    login: str
    over_mqtt: bool
    made_at: Moment
    heard_at: Moment | None
    trouble: str | None


class PhoneMade(PhoneOut):
    """A phone that was just made. password, link: shown this once; link: OwnTracks opens it and is set up."""

    password: str
    link: str


class HeardIn(Incoming):
    """A phone heard a venue's own beacon. event: it came into hearing, still hears it, or does not any more."""

    uuid: Uuid
    major: Number16
    minor: Number16
    event: Literal["enter", "inside", "leave"] = "inside"
    at: Moment | None = None


class HeardOut(Outgoing):
    """What came of it. venue: whose beacon it is. results: `in`, or why not, by code; empty where nothing is on."""

    venue: str
    results: list[str]


class NewBeacon(Incoming):
    """A beacon that stands at a venue for phones to hear."""

    uuid: Uuid
    major: Number16
    minor: Number16


class BeaconOut(Outgoing):
    """A venue's own beacon."""

    number: int
    uuid: str
    major: int
    minor: int
    made_at: Moment


def show_phone(phone: Phone) -> PhoneOut:
    """A phone as the API tells it."""
    return PhoneOut(**_facts(phone))


def show_made(phone: Phone, password: str, link: str) -> PhoneMade:
    """A new phone, with what is shown once."""
    return PhoneMade(**_facts(phone), password=password, link=link)


def show_beacon(row: VenueBeacon) -> BeaconOut:
    """A beacon as the API tells it."""
    shown, major, minor = beacons.parts(row.identity)
    return BeaconOut(number=row.number, uuid=shown.lower(), major=major, minor=minor, made_at=row.made_at)


def _facts(phone: Phone) -> dict[str, Any]:
    return {
        "number": phone.number,
        "name": phone.name,
        "device": phone.device,
        "login": phones.login_of(phone),
        "over_mqtt": phone.at_broker,
        "made_at": phone.made_at,
        "heard_at": phone.heard_at,
        "trouble": phone.trouble,
    }
