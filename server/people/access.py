"""Who asks, and the roles of this server: each a few lines, so that they can be read at once and audited.

An operator runs the server and may do everything but see names; a shop owner and her staff run her venues; an
organizer and her hosts run her events; a member has herself. Whoever gives such a part away owns the thing itself. Who
may see who is where: server/presence/rights.py and server/checkins/rights.py. docs/access.md says it of each operation.
"""

from collections.abc import Iterable
from typing import Annotated, Protocol

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from server.errors import Refused, SignInNeeded
from server.limits import service as limits
from server.limits.callers import InCaller
from server.people import roles, tokens
from server.people import service as people
from server.people.model import Member
from server.requests import InTransaction, Now, remember_language, texts_for
from server.texts import Texts

COOKIE = "muster_session"
# Over HTTPS under a name of its own. Cookies know no ports: a browser that signed in at https://host:8443 would not let
# http://host:8080 replace that cookie, and nobody could sign in there any more.
SECURE_COOKIE = "__Host-muster_session"

_described = APIKeyCookie(name=COOKIE, scheme_name=COOKIE, auto_error=False, description="Given by signing in.")
_bearer = HTTPBearer(auto_error=False, description="An API token, mst_...; acts as its member.")


class OperatorsOnly(Refused):
    """Only operators of this server may do this."""

    code = "operators_only"


class NotYourVenue(Refused):
    """Only the shop owner of this venue and operators may do this."""

    code = "not_your_venue"


class NotYourEvent(Refused):
    """Only the organizer of this event and operators may do this."""

    code = "not_your_event"


class NotYourCommunity(Refused):
    """Only who hosts this community and operators may do this."""

    code = "not_your_community"


class NotYourBadge(Refused):
    """Only who holds this badge and operators may do this."""

    code = "not_your_badge"


class TokenUnknown(SignInNeeded):
    """This token is not one of ours, was taken back, or has ended."""

    code = "token_unknown"


class InPersonOnly(Refused):
    """A token acts as you, but this is yours to do: sign in with a browser."""

    code = "in_person_only"


class AccountNeeded(Refused):
    """You are a guest here. Leave an e-mail address first, then this is yours to do."""

    code = "account_needed"


class Kept(Protocol):
    """A venue: what somebody owns."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def owner_id(self) -> str | None:
        """Whose it is."""

    @property
    def kind(self) -> str:
        """What it is: "home" is somebody's, and no operator's."""


class Hosted(Protocol):
    """An event: what somebody organizes."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def organizer_id(self) -> str:
        """Who organizes it."""

    @property
    def at_home(self) -> bool:
        """Whether any of it is at a home that somebody owns: its hosts know where, so no operator becomes one."""


def token_of(connection: HTTPConnection) -> str | None:
    """By what the request says who asks: an API token, else the session of its browser; empty if it says nothing."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        # Anything else than a token of ours is one that is unknown, never a session.
        return given.strip() if tokens.is_token(given.strip()) else tokens.PREFIX
    kept = session_token(connection)
    return None if not kept or tokens.is_token(kept) else kept


def session_token(connection: HTTPConnection) -> str:
    """The token of the browser's session, empty if it has none."""
    cookies = connection.cookies
    return cookies.get(SECURE_COOKIE) or cookies.get(COOKIE) or ""


def is_token(connection: HTTPConnection) -> bool:
    """Whether a program asks, by an API token."""
    return tokens.is_token(token_of(connection) or "")


def _viewer_if_any(
    connection: HTTPConnection,
    session: InTransaction,
    now: Now,
    caller: InCaller,
    _cookie: Annotated[str | None, Depends(_described)],
    _token: Annotated[object | None, Depends(_bearer)],
) -> Member | None:
    token = token_of(connection)
    if token is None:
        return None
    member = people.member_of(session, token=token, now=now, seen=True)
    remember_language(connection, None if member is None else member.language)
    if member is None and tokens.is_token(token):
        limits.count_wrong(caller, "token")
        raise TokenUnknown
    return member


ViewerIfAny = Annotated[Member | None, Depends(_viewer_if_any)]


async def _texts(connection: HTTPConnection, _viewer: ViewerIfAny) -> Texts:
    return texts_for(connection)


# The texts in the language of who asks.
Say = Annotated[Texts, Depends(_texts)]


async def check_signed_in(viewer: ViewerIfAny) -> Member:
    """The member who asks; raises SignInNeeded. A dependency of every route but those that serve strangers."""
    if viewer is None:
        raise SignInNeeded
    return viewer


Viewer = Annotated[Member, Depends(check_signed_in)]


async def check_in_person(connection: HTTPConnection, viewer: Viewer) -> Member:
    """The member who asks with a browser, since no token may do this for her; raises SignInNeeded, InPersonOnly."""
    if is_token(connection):
        raise InPersonOnly
    return viewer


InPerson = Annotated[Member, Depends(check_in_person)]


async def check_account(viewer: Viewer) -> Member:
    """The member who asks and is no guest; raises SignInNeeded, AccountNeeded."""
    if viewer.guest:
        raise AccountNeeded
    return viewer


Account = Annotated[Member, Depends(check_account)]


async def check_own_account(viewer: InPerson) -> Member:
    """The member who asks with a browser and is no guest; raises SignInNeeded, InPersonOnly, AccountNeeded."""
    return await check_account(viewer)


OwnAccount = Annotated[Member, Depends(check_own_account)]


def check_operator(member: Member) -> Member:
    """The member, who is an operator; raises OperatorsOnly."""
    if not member.operator:
        raise OperatorsOnly
    return member


async def _operator(viewer: Viewer) -> Member:
    return check_operator(viewer)


Operator = Annotated[Member, Depends(_operator)]


def check_own_operator(viewer: InPerson) -> Member:
    """The operator who asks with a browser; raises SignInNeeded, InPersonOnly, OperatorsOnly."""
    return check_operator(viewer)


OwnOperator = Annotated[Member, Depends(check_own_operator)]


def keeps(session: Session, member: Member, venue: Kept) -> bool:
    """Whether she owns the venue or is of its staff."""
    return venue.owner_id == member.id or roles.holds(session, member_id=member.id, kind="venue", of_id=venue.id)


def _runs(viewer: Member, venue: Kept | None) -> bool:
    """Whether she may as an operator. Over somebody's home none has a say, or she could learn where it is."""
    return viewer.operator and (venue is None or venue.kind != "home" or venue.owner_id is None)


def may_keep(session: Session, viewer: Member, venue: Kept | None) -> bool:
    """Whether the viewer keeps a venue, or may as an operator. None: nobody's."""
    return _runs(viewer, venue) or (venue is not None and keeps(session, viewer, venue))


def check_keeps(session: Session, viewer: Member, venues: Iterable[Kept | None]) -> None:
    """Raises NotYourVenue unless the viewer keeps all these venues or is an operator. None: nobody's."""
    if not all(may_keep(session, viewer, venue) for venue in venues):
        raise NotYourVenue


def check_owns(viewer: Member, venue: Kept) -> None:
    """Raises NotYourVenue unless the viewer owns the venue herself or is an operator."""
    if not owns(viewer, venue):
        raise NotYourVenue


def owns(viewer: Member, venue: Kept) -> bool:
    """Whether the viewer owns the venue herself, or may as an operator."""
    return venue.owner_id == viewer.id or _runs(viewer, venue)


def hosts(session: Session, member: Member, event: Hosted) -> bool:
    """Whether she organizes the event or is one of its hosts."""
    return event.organizer_id == member.id or roles.holds(session, member_id=member.id, kind="event", of_id=event.id)


def _runs_event(viewer: Member, event: Hosted) -> bool:
    """Whether she may as an operator: not at somebody's home, or she could let herself in."""
    return viewer.operator and not event.at_home


def check_hosts(session: Session, viewer: Member, event: Hosted) -> None:
    """Raises NotYourEvent unless the viewer hosts it, or may as an operator."""
    if not hosts(session, viewer, event) and not _runs_event(viewer, event):
        raise NotYourEvent


def check_organizes(viewer: Member, event: Hosted) -> None:
    """Raises NotYourEvent unless the viewer organizes it herself, or may as an operator."""
    if event.organizer_id != viewer.id and not _runs_event(viewer, event):
        raise NotYourEvent


def check_holds(viewer: Member, holder_id: str | None) -> None:
    """Raises NotYourBadge unless the viewer holds it or is an operator."""
    if not viewer.operator and holder_id != viewer.id:
        raise NotYourBadge
