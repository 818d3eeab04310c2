"""Who asks, and the roles of this server: each a few lines, so that they can be read at once and audited.

An operator runs the server and may do everything but see names; a shop owner runs her venues; an organizer runs her
events; a member has herself. Who may see who is where: server/presence/rights.py and server/checkins/rights.py.
"""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyCookie
from starlette.requests import HTTPConnection

from server.errors import Refused, SignInNeeded
from server.people import service as people
from server.people.model import Member
from server.requests import InTransaction, Now

COOKIE = "muster_session"

_described = APIKeyCookie(name=COOKIE, scheme_name=COOKIE, auto_error=False, description="Given by signing in.")


class OperatorsOnly(Refused):
    """Only operators of this server may do this."""

    code = "operators_only"


class NotYourVenue(Refused):
    """Only the shop owner of this venue and operators may do this."""

    code = "not_your_venue"


class NotYourEvent(Refused):
    """Only the organizer of this event and operators may do this."""

    code = "not_your_event"


class NotYourBadge(Refused):
    """Only who holds this badge and operators may do this."""

    code = "not_your_badge"


def _viewer_if_any(
    connection: HTTPConnection, session: InTransaction, now: Now, _token: Annotated[str | None, Depends(_described)]
) -> Member | None:
    token = connection.cookies.get(COOKIE)
    return people.member_of(session, token=token, now=now) if token else None


ViewerIfAny = Annotated[Member | None, Depends(_viewer_if_any)]


def check_signed_in(viewer: ViewerIfAny) -> Member:
    """The member who asks; raises SignInNeeded. A dependency of every route but those that serve strangers."""
    if viewer is None:
        raise SignInNeeded
    return viewer


Viewer = Annotated[Member, Depends(check_signed_in)]


def check_operator(viewer: Viewer) -> Member:
    """The operator who asks; raises SignInNeeded, OperatorsOnly."""
    if not viewer.operator:
        raise OperatorsOnly
    return viewer


Operator = Annotated[Member, Depends(check_operator)]


def check_keeps(viewer: Member, owner_ids: Iterable[str | None]) -> None:
    """Raises NotYourVenue unless all these venues, told by their owners, are the viewer's or she is an operator."""
    if not viewer.operator and any(owner_id != viewer.id for owner_id in owner_ids):
        raise NotYourVenue


def check_hosts(viewer: Member, organizer_id: str) -> None:
    """Raises NotYourEvent unless the viewer organizes it or is an operator."""
    if not viewer.operator and organizer_id != viewer.id:
        raise NotYourEvent


def check_holds(viewer: Member, holder_id: str | None) -> None:
    """Raises NotYourBadge unless the viewer holds it or is an operator."""
    if not viewer.operator and holder_id != viewer.id:
        raise NotYourBadge
