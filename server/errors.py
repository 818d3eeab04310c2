"""The families of what a service refuses, and the one table that turns them into HTTP."""

from typing import ClassVar


class MusterError(Exception):
    """Something went wrong that a person can act on."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str = "") -> None:
        """detail: the sentence for a person; the class docstring's first line if empty."""
        self.detail = detail or (self.__doc__ or "").strip().splitlines()[0]
        super().__init__(self.detail)


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


class Unavailable(MusterError):
    """A part of muster is not reachable at the moment; please try again."""

    code = "unavailable"


# The first family that an error belongs to decides.
HTTP_STATUS: tuple[tuple[type[MusterError], int], ...] = (
    (SignInNeeded, 401),
    (NotFound, 404),
    (Conflict, 409),
    (Refused, 403),
    (Invalid, 422),
    (Unavailable, 503),
    (MusterError, 500),
)


def http_status(error: MusterError) -> int:
    """The HTTP status of an error's family."""
    return next(status for family, status in HTTP_STATUS if isinstance(error, family))
