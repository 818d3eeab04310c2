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
from server.requests import InTransaction, Now, remember_language, texts_for
from server.texts import Texts

COOKIE = "muster_session"
# Over HTTPS under a name of its own. Cookies know no ports: a browser that signed in at https://host:8443 would not let
# http://host:8080 replace that cookie, and nobody could sign in there any more.
SECURE_COOKIE = "__Host-muster_session"

_described = APIKeyCookie(name=COOKIE, auto_error=False, description="Given by signing in.")


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


def token_of(connection: HTTPConnection) -> str:
    """The token of the browser's session, empty if it has none."""
    cookies = connection.cookies
    return cookies.get(SECURE_COOKIE) or cookies.get(COOKIE) or ""


def _viewer_if_any(
    connection: HTTPConnection, session: InTransaction, now: Now, _token: Annotated[str | None, Depends(_described)]
) -> Member | None:
    token = token_of(connection)
    member = people.member_of(session, token=token, now=now) if token else None
    remember_language(connection, None if member is None else member.language)
    return member


ViewerIfAny = Annotated[Member | None, Depends(_viewer_if_any)]


def _texts(connection: HTTPConnection, _viewer: ViewerIfAny) -> Texts:
    return texts_for(connection)


# The texts in the language of who asks.
Say = Annotated[Texts, Depends(_texts)]


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
