"""Which version of a thing somebody edited: who saves over what another has changed meanwhile is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from server.errors import Precondition

if TYPE_CHECKING:  # a gateway uses the services, and has no web framework
    from starlette.responses import Response


class EditedMeanwhile(Precondition):
    """Somebody changed this meanwhile: look at it again, then save."""

    code = "edited_meanwhile"


class Versioned(Protocol):
    """A row with a version that counts up."""

    version: int


def etag(row: Versioned) -> str:
    """The version as an ETag."""
    return f'"{row.version}"'


def tell(response: Response, row: Versioned) -> None:
    """Says in the answer which version this is."""
    response.headers["ETag"] = etag(row)


def check(row: Versioned, if_match: str | None) -> None:
    """Raises EditedMeanwhile when `if_match` names another version than the row has.

    The row has to be read with a lock (`with_for_update`), or two that edit it at once would both be right.
    """
    if if_match is not None and if_match.strip() not in ("*", etag(row), f"W/{etag(row)}"):
        raise EditedMeanwhile


def edit(row: Versioned, if_match: str | None) -> None:
    """Counts the version up; raises what `check` does."""
    check(row, if_match)
    row.version += 1
