"""Says of what a form asked for and the API does not take what is in the way, in the words of that form."""

from pydantic import ValidationError

from server import names
from server.errors import Invalid
from server.events import details
from server.events import service as events
from server.fields import EARLIEST, LATEST
from server.interests.service import MOST_TAGS


def why(error: ValidationError) -> Invalid:
    """The refusal of the first thing that cannot be so."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = next((part for part in reversed(first["loc"]) if isinstance(part, str)), "")
    return _BY_FIELD.get(field, Invalid)()


def _price() -> Invalid:
    return Invalid("What it costs is said in one line of at most %(most)s characters.", most=details.PRICE_MAX_LENGTH)


def _about() -> Invalid:
    return Invalid("What is said of it has at most %(most)s characters.", most=names.TEXT_MAX_LENGTH)


def _guests() -> Invalid:
    return Invalid("Everybody may bring between 0 and %(most)s others.", most=details.MOST_GUESTS)


def _places() -> Invalid:
    return Invalid("There are between 1 and %(most)s places, or no bound.", most=events.MAX_CAPACITY)


def _interests() -> Invalid:
    return Invalid("Choose %(most)s interests at most.", most=MOST_TAGS)


def _time() -> Invalid:
    return Invalid(
        "A gathering lies between the years %(first)s and %(last)s.", first=EARLIEST.year, last=LATEST.year - 1
    )


def _dwell() -> Invalid:
    return Invalid("Somebody has to be heard for between 0 and %(most)s seconds.", most=events.MAX_DWELL_S)


_BY_FIELD = {
    "price": _price,
    "about": _about,
    "guests_max": _guests,
    "capacity": _places,
    "interests": _interests,
    "starts_at": _time,
    "ends_at": _time,
    "opens_at": _time,
    "dwell_signed_up_s": _dwell,
    "dwell_walk_in_s": _dwell,
}
