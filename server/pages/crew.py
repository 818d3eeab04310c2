"""Who helps to run a venue, an event, a community or the server: a page with plain forms, and what was done there."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server import paging
from server.audit import service as audit
from server.communities import rights as community_rights
from server.communities import service as communities
from server.errors import MusterError, NotFound, http_status
from server.events import service as events
from server.limits import service as limits
from server.limits.callers import InCaller
from server.pages import facts, notes, render
from server.people import access, roles
from server.people import service as people
from server.people.model import Member
from server.people.roles import Kind
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

Plural = Literal["venues", "events", "communities"]
KINDS: dict[str, Kind] = {"venues": "venue", "events": "event", "communities": "community"}
NOTES_SHOWN = 50


def _check(session: Session, viewer: Member, kind: Kind, of_id: str, say: Texts) -> str:
    """The name of the thing, when the viewer may say who helps to run it; raises Refused, NotFound."""
    if kind == "venue":
        venue = venues.get(session, of_id)
        access.check_owns(viewer, venue)
        return say.name(venue.name, venue.simulated)
    if kind == "event":
        event = events.get(session, of_id)
        access.check_organizes(viewer, event)
        return say.name(event.name, event.simulated)
    community = communities.get(session, of_id)
    community_rights.check_decides(session, viewer, community)
    community_rights.check_has_hosts(community)
    return say.name(community.name, community.simulated)


@router.api_route("/operator/crew", methods=["GET", "HEAD"])
def show_operators(
    request: Request, operator: access.Operator, session: InTransaction, settings: InSettings, say: access.Say
) -> Response:
    """Who runs the server."""
    return _operators_page(request, operator, session, settings, say)


@router.post("/operator/crew")
def change_operators(
    request: Request,
    operator: access.OwnOperator,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    who: Annotated[str, Form(max_length=600)] = "",
    end: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Makes somebody an operator, or ends that."""
    try:
        if end:
            roles.end_operator(session, member_id=end, by=operator.id, now=caller.now)
        else:
            with limits.guessing(session, caller, "who", NotFound):
                found = roles.find(session, who)
            roles.make_operator(session, member_id=found.id, by=operator.id, now=caller.now)
    except MusterError as error:
        return _operators_page(request, operator, session, settings, say, error)
    return RedirectResponse("/operator/crew" if end != operator.id else "/", status_code=303)


@router.api_route("/{plural}/{of_id}/crew", methods=["GET", "HEAD"])
def show_crew(
    request: Request,
    plural: Plural,
    of_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
) -> Response:
    """Who helps to run it, for whose it is."""
    return _page(request, plural, of_id, viewer, session, settings, say)


@router.post("/{plural}/{of_id}/crew")
def change_crew(
    request: Request,
    plural: Plural,
    of_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    who: Annotated[str, Form(max_length=600)] = "",
    called: Annotated[str, Form(max_length=1000)] = "",
    end: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Lets somebody help to run it, or ends that."""
    kind = KINDS[plural]
    _check(session, viewer, kind, of_id, say)
    try:
        if end:
            roles.take_back(session, member_id=end, kind=kind, of_id=of_id, by=viewer.id, now=caller.now)
        else:
            # Who lists helpers could ask for one address after the other, to learn who is known here.
            with limits.guessing(session, caller, "who", NotFound):
                found = roles.find(session, who)
            roles.give(
                session, member_id=found.id, kind=kind, of_id=of_id,
                called=called.strip() or who.strip(), by=viewer.id, now=caller.now,
            )  # fmt: skip
    except MusterError as error:
        return _page(request, plural, of_id, viewer, session, settings, say, error)
    return RedirectResponse(request.url.path, status_code=303)


@router.post("/me/parts/end")
def lay_down(
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    kind: Annotated[Kind, Form()],
    of_id: Annotated[str, Form(max_length=64)],
) -> Response:
    """Ends her own part in something."""
    roles.take_back(session, member_id=viewer.id, kind=kind, of_id=of_id, by=viewer.id, now=now)
    return RedirectResponse("/me", status_code=303)


def _page(
    request: Request,
    plural: Plural,
    of_id: str,
    viewer: Member,
    session: Session,
    settings: Settings,
    say: Texts,
    error: MusterError | None = None,
) -> Response:
    kind = KINDS[plural]
    name = _check(session, viewer, kind, of_id, say)
    rows = [
        {"member": role.member_id, "called": role.called, "since": role.given_at}
        for role in roles.helpers_of(session, kind=kind, of_id=of_id)
    ]
    return _render(request, viewer, session, settings, say, error, kind=kind, name=name, of=of_id, rows=rows)


def _operators_page(
    request: Request,
    viewer: Member,
    session: Session,
    settings: Settings,
    say: Texts,
    error: MusterError | None = None,
) -> Response:
    rows = [{"member": member.id, "called": member.id, "since": None} for member in roles.operators(session)]
    return _render(request, viewer, session, settings, say, error, kind="server", name="", of="", rows=rows)


def _render(
    request: Request,
    viewer: Member,
    session: Session,
    settings: Settings,
    say: Texts,
    error: MusterError | None,
    *,
    kind: str,
    name: str,
    of: str,
    rows: list[facts.Fact],
) -> Response:
    subject = None if kind == "server" else f"{kind}/{of}"
    called = {row["member"]: row["called"] for row in rows}
    if settings.server.demo:  # its people are nobody's secret
        called |= {member.id: say.name(member.name, member.simulated) for member in people.demo_members(session)}
    noted = audit.read(session, of=subject, page=paging.Page(limit=NOTES_SHOWN))
    return render.page(
        request,
        "crew.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        action=request.url.path,
        kind=kind,
        name=name,
        of=of,
        rows=rows,
        notes=notes.read_out(noted, viewer_id=viewer.id, called=called, say=say),
        time_zone=viewer.time_zone or "UTC",
        sentence=say.gettext(error.template, **error.values) if error is not None else None,
    )
