"""What the API takes and says at doors."""

from typing import Annotated, Literal

from pydantic import Field

from geo import datums
from server import qr
from server.doors import codes, passes
from server.doors import service as doors
from server.doors.arrivals import Fix, Wanted
from server.doors.asks import AskRow
from server.doors.passing import NONCE_SIGNS, Outcome
from server.doors.volunteers import Hit
from server.events import service as events
from server.fields import Datum, Incoming, Moment, Name, OfId, Outgoing, Position
from server.people.model import Member

FIX_MOST_M = 1e7  # half around the world: what is further off says nothing
Token = Annotated[str, Field(max_length=200)]


class FixIn(Incoming):
    """One position of a phone, in degrees, and how far off it may be; taken_at by the phone's clock."""

    position: Position
    datum: Datum = "wgs84"
    accuracy_m: Annotated[float, Field(ge=0, le=FIX_MOST_M)]
    taken_at: Moment | None = None


class CheckIn(Incoming):
    """Wants to come in, by one of: a code (and a name, of who is not known on this phone); a position at an event or a
    venue; at a volunteer's door (door: its token) or as a host (event or venue): a personal code, a member, or a name.

    nonce: made anew for each tap, so that a retry is answered as the first time. at, sent_at: by the phone's own clock,
    when it happened and when this was sent; both or neither.
    """

    nonce: Annotated[str, Field(min_length=NONCE_SIGNS[0], max_length=NONCE_SIGNS[1])]
    direction: Literal["in", "out"] = "in"
    code: Annotated[str, Field(max_length=40)] | None = None
    fix: FixIn | None = None
    shown: Annotated[str, Field(max_length=2 * passes.TEXT_MAX, description="a personal code")] | None = None
    member: OfId | None = None
    name: Name | None = None
    door: Token | None = None
    event: OfId | None = None
    venue: OfId | None = None
    step: OfId | None = None
    at: Moment | None = None
    sent_at: Moment | None = None


class CheckInDone(Outgoing):
    """What came of it. result: `in`, `already` (at says since when), `out`, or `asked`: the host decides.

    check_in: its number; ask: of the question to the host. flags: what is remarkable, such as `late`, `over_capacity`.
    """

    result: Literal["in", "already", "out", "asked"]
    check_in: int | None
    ask: int | None
    at: Moment
    evidence: str
    flags: list[str]


class Search(Incoming):
    """Looks for somebody of a volunteer's event; door: the token of the link."""

    door: Token
    typed: Annotated[str, Field(max_length=200)]


class HitOut(Outgoing):
    """Somebody whose name begins so; in_at: she has come; left: she is out again."""

    member: str
    name: str
    in_at: Moment | None
    left: bool


class UndoAtDoor(Incoming):
    """Takes back what a volunteer's door has just done."""

    door: Token
    check_in: Annotated[int, Field(ge=1, le=2**63 - 1)]


class NewDoor(Incoming):
    """A door to be made. step: it leads to this one alone; ends_at: it closes then, if not sooner."""

    kind: Literal["poster", "screen", "volunteer"]
    name: Name
    step: OfId | None = None
    ends_at: Moment | None = None


class DoorOut(Outgoing):
    """A door. code, address: of a poster; link: of a screen or a volunteer, shown once, when it is made."""

    id: int
    kind: str
    name: str
    event: str | None
    venue: str | None
    step: str | None
    code: str | None
    address: str | None
    link: str | None
    created_at: Moment
    closes_at: Moment | None
    revoked_at: Moment | None


class ScreenOut(Outgoing):
    """What a screen shows until `until`: the code, the address in the picture, and the picture (SVG)."""

    code: str
    address: str
    svg: str
    now: Moment
    until: Moment


class AskOut(Outgoing):
    """Somebody asks to be let in. reason: full or approval; state: waiting, yes, no, in, or over."""

    id: int
    event: str
    step: str
    member: str
    name: str
    guest: bool
    reason: str
    asked_at: Moment
    answered_at: Moment | None
    state: str
    check_in: int | None


class Answer(Incoming):
    """The host's answer."""

    answer: Literal["yes", "no"]


class Places(Incoming):
    """How many a step takes; capacity: null for no bound."""

    step: OfId
    capacity: Annotated[int, Field(ge=1, le=events.MAX_CAPACITY)] | None


class Entry(Incoming):
    """How an event lets in; what is left out stays. approval: the host is asked about who did not sign up."""

    approval: bool | None = None
    places: Annotated[list[Places], Field(default_factory=list, max_length=events.MAX_STEPS)]


class PassOut(Outgoing):
    """One's personal code: the address in the picture, and until when it is good."""

    address: str
    expires_at: Moment


def read(wanted: CheckIn, asks: Member | None) -> Wanted:
    """A request as the service takes it."""
    fix = wanted.fix
    return Wanted(
        nonce=wanted.nonce,
        asks=asks,
        direction=wanted.direction,
        told_at=wanted.at,
        sent_at=wanted.sent_at,
        code=wanted.code,
        fix=None if fix is None else Fix(*datums.to_wgs84(fix.position, fix.datum), fix.accuracy_m, fix.taken_at),
        shown=wanted.shown,
        member_id=wanted.member,
        name=wanted.name,
        door_token=wanted.door,
        event_id=wanted.event,
        venue_id=wanted.venue,
        step_id=wanted.step,
    )


def show(found: Outcome) -> CheckInDone:
    """An outcome as the API tells it."""
    return CheckInDone.model_validate(
        {
            "result": found.result,
            "check_in": found.checkin_id,
            "ask": found.ask_id,
            "at": found.at,
            "evidence": found.evidence,
            "flags": list(found.flags),
        }
    )


def show_hit(hit: Hit) -> HitOut:
    """A hit as the API tells it."""
    return HitOut(member=hit.member_id, name=hit.name, in_at=hit.in_at, left=hit.left)


def show_door(seen: doors.Seen, url: str, token: str | None = None) -> DoorOut:
    """A door as the API tells it. token: of its link, at the moment when it is made."""
    door = seen.door
    return DoorOut(
        id=door.id,
        kind=door.kind,
        name=door.name,
        event=door.event_id,
        venue=door.venue_id,
        step=door.step_id,
        code=door.code,
        address=None if door.code is None else f"{url}/d/{door.code}",
        link=None if token is None else link(door.kind, url, token),
        created_at=door.created_at,
        closes_at=seen.closes_at,
        revoked_at=door.revoked_at,
    )


def link(kind: str, url: str, token: str) -> str:
    """The address of a screen or a volunteer's door."""
    return f"{url}/{'screen' if kind == 'screen' else 'door'}/{token}"


def show_screen(seen: doors.Seen, url: str, now: Moment) -> ScreenOut:
    """What a screen shows now."""
    code, until = doors.screen_code(seen.door, now)
    address = f"{url}/d/{code}"
    return ScreenOut(code=codes.show(code), address=address, svg=qr.svg(address, label=code), now=now, until=until)


def show_ask(row: AskRow) -> AskOut:
    """An ask as the API tells it."""
    return AskOut(
        id=row.id,
        event=row.event_id,
        step=row.step_id,
        member=row.member_id,
        name=row.name,
        guest=row.guest,
        reason=row.reason,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        state=row.state,
        check_in=row.checkin_id,
    )
