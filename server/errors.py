"""The families of what a service refuses, and the one table that turns them into HTTP."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from server.texts import IN_ENGLISH, Said


class MusterError(Exception):
    """Something went wrong that a person can act on."""

    code: ClassVar[str] = "error"
    # What was written before it was raised stays: a refusal at a door is a row. Otherwise all is as before.
    kept: ClassVar[bool] = False
    # What is wrong where, each in a sentence of its own; told as `faults` of the problem.
    faults: "Sequence[Fault]" = ()

    def __init__(self, template: str = "", **values: Any) -> None:
        """template: the sentence for a person, `%(name)s` where values go; if empty the class docstring's first line.

        Template and values are kept apart, so that the sentence can be told in another language.
        """
        self.template = template or (self.__doc__ or "").strip().splitlines()[0]
        self.values = values
        self.detail = IN_ENGLISH.gettext(self.template, **values)
        super().__init__(self.detail)


class Fault(NamedTuple):
    """What is wrong at one place of what was sent."""

    at: str
    why: Said


class NotFound(MusterError):
    """There is nothing here by that name."""

    code = "not_found"


class Conflict(MusterError):
    """This contradicts what is already there."""

    code = "conflict"


class Refused(MusterError):
    """You may not do this."""

    code = "refused"


class SignInNeeded(Refused):
    """Please sign in first."""

    code = "sign_in_needed"


class Invalid(MusterError):
    """This cannot be right; please look at it again."""

    code = "invalid"


class Precondition(MusterError):
    """This is not what it was when you looked at it."""

    code = "precondition"


class TooMany(MusterError):
    """That was tried too often; please wait a little."""

    code = "too_many"

    def __init__(self, template: str = "", *, retry_after_s: int = 60, **values: Any) -> None:
        """retry_after_s: when to try again."""
        super().__init__(template, **values)
        self.retry_after_s = retry_after_s


class NotAllowed(MusterError):
    """This address does not do that."""

    code = "method_not_allowed"


class TooLarge(MusterError):
    """That is more than this server takes at once."""

    code = "too_large"


class Unavailable(MusterError):
    """A part of muster is not reachable at the moment; please try again."""

    code = "unavailable"


# The first family that an error belongs to decides.
HTTP_STATUS: tuple[tuple[type[MusterError], int], ...] = (
    (SignInNeeded, 401),
    (NotFound, 404),
    (NotAllowed, 405),
    (Conflict, 409),
    (Refused, 403),
    (Precondition, 412),
    (TooLarge, 413),
    (Invalid, 422),
    (TooMany, 429),
    (Unavailable, 503),
    (MusterError, 500),
)


def http_status(error: MusterError) -> int:
    """The HTTP status of an error's family."""
    return next(status for family, status in HTTP_STATUS if isinstance(error, family))
