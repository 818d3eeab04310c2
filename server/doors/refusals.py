"""Why somebody is not let in: each with a code, and a sentence that names what is nearest to right."""

import datetime as dt
import zoneinfo
from typing import Any

from server.doors import rules
from server.errors import Conflict, Invalid, MusterError, NotFound, Refused


class NotLetIn(Refused):
    """You cannot be let in by this."""

    code = "not_let_in"
    kept = True


class NotOpenYet(NotLetIn):
    """Check-in to %(event)s opens in %(minutes)s minutes."""

    code = "not_open_yet"


class Ended(NotLetIn):
    """%(event)s ended %(minutes)s minutes ago. Ask the host if you were there."""

    code = "ended"


class OtherEvening(NotLetIn):
    """This code is of another evening: %(event)s, %(day)s."""

    code = "other_evening"


class OtherPlace(NotLetIn):
    """This is the code of another place: %(place)s."""

    code = "other_place"


class NothingHere(NotLetIn):
    """Nothing takes place behind this door any more."""

    code = "nothing_here"


class Recording(NotLetIn):
    """%(place)s is a recording: its people came long ago, and nobody comes in by a door now."""

    code = "recording"


class CodeUnknown(NotFound):
    """No door has this code. Look at it once more, or scan it."""

    code = "code_unknown"
    kept = True


class CodeChanged(NotLetIn):
    """This code has changed meanwhile. Scan the one that the screen shows now."""

    code = "code_changed"


class DoorUnknown(NotFound):
    """This link opens no door."""

    code = "door_unknown"


class DoorRevoked(NotLetIn):
    """The host closed this door. Ask for the new one."""

    code = "door_revoked"


class DoorOver(NotLetIn):
    """This door closed at %(time)s."""

    code = "door_over"


class PositionImpossible(NotLetIn):
    """That is no position a phone can have. Try once more under the open sky, or use the door code."""

    code = "position_impossible"


class PositionOld(NotLetIn):
    """That is where your phone was %(seconds)s seconds ago. Tap again, so that it looks anew."""

    code = "position_old"


class PositionVague(NotLetIn):
    """Your phone knows where it is to %(accuracy)s m only. Step to a window and tap again, or use the door code."""

    code = "position_vague"


class TooFar(NotLetIn):
    """You are about %(metres)s m away from %(place)s. Come within %(radius)s m, or use the code at the door."""

    code = "too_far"


class PlaceUnknown(NotLetIn):
    """%(place)s has not said where it is. Use the code at the door."""

    code = "place_unknown"


class BadgesHeard(NotLetIn):
    """%(place)s listens for badges, so a phone's position does not count there. Use your badge or the door code."""

    code = "badges_heard"


class PassUnknown(NotLetIn):
    """This is no personal code of ours. Let them open theirs again: /me/pass."""

    code = "pass_unknown"


class PassOver(NotLetIn):
    """This personal code is too old. Let them open it again: /me/pass."""

    code = "pass_over"


class TakenBack(NotLetIn):
    """This check-in was taken back at %(time)s; what was before does not count."""

    code = "taken_back"


class HostSaidNo(NotLetIn):
    """The host cannot let you in this time. Talk to %(host)s if you think that is a mistake."""

    code = "host_said_no"


class NotIn(Conflict):
    """You are not checked in here, so there is nothing to leave."""

    code = "not_in"
    kept = True


class NotOfThisEvent(NotFound):
    """Nobody of this evening has that name. Let them in by the name they want shown."""

    code = "not_of_this_event"


class NameNeeded(Invalid):
    """Say which name to show."""

    code = "name_needed"


class NameNotNeeded(Invalid):
    """You are known here: leave the name away."""

    code = "name_not_needed"


class OneWay(Invalid):
    """Say one way in: a code, a position, a personal code, or whom to let in by hand."""

    code = "one_way"


class NonceWrong(Invalid):
    """A nonce has %(low)s to %(high)s plain letters and digits, made anew for each tap."""

    code = "nonce_wrong"


class NonceTaken(Conflict):
    """This number of a request was used by somebody else; make a new one."""

    code = "nonce_taken"


ONE_MINUTE: dict[type[MusterError], str] = {
    NotOpenYet: "Check-in to %(event)s opens in one minute.",
    Ended: "%(event)s has just ended. Ask the host if you were there.",
}
_BY_CODE: dict[str, type[MusterError]] = {
    refused.code: refused
    for refused in (
        NotOpenYet,
        Ended,
        OtherEvening,
        NothingHere,
        PositionImpossible,
        PositionOld,
        PositionVague,
        TooFar,
    )
}


def of(no: rules.No, *, event: str = "", place: str = "", time_zone: str = "UTC") -> MusterError:
    """The sentence for what a rule found in the way."""
    kind = _BY_CODE[no.code]
    values: dict[str, Any] = {**no.values, "event": event, "place": place}
    if "at" in values:
        values["day"] = local_day(values.pop("at"), time_zone)
    short = ONE_MINUTE.get(kind) if values.get("minutes", 2) <= 1 else None
    template = short or (kind.__doc__ or "").splitlines()[0]
    return kind(template, **{name: value for name, value in values.items() if f"%({name})s" in template})


def local_day(at: dt.datetime, time_zone: str) -> dt.date:
    """Which day it is where it takes place."""
    return at.astimezone(zoneinfo.ZoneInfo(time_zone)).date()
