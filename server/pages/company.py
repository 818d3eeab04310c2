"""Company: what it is, the switch, and who is near now."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from server.company import service as company
from server.company import words
from server.pages import facts, render
from server.people import access
from server.positions import service as positions
from server.requests import InSettings, InTransaction, Now

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]


@router.api_route("/company", methods=READ)
def show_company(
    request: Request, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """The switch, and who of her communities is near now."""
    on = positions.uses_of(session, member_id=viewer.id).company
    near = company.near_now(session, member_id=viewer.id, rule=settings.company, now=now) if on else []
    known = [one for one, _ in positions.list_of(session, member_id=viewer.id, now=now)]
    return render.page(
        request,
        "company.html",
        viewer=viewer,
        on=on,
        located=any(one.source is not positions.Source.HOME for one in known),
        near=[
            {"says": words.of(one, say), "href": f"/communities/{one.community_id}", "at": one.since} for one in near
        ],
        near_m=round(settings.company.near_m),
        per_day=settings.company.per_day,
        time_zone=facts.clock_of(viewer),
    )


@router.post("/company")
def choose(viewer: access.Viewer, session: InTransaction, now: Now, on: Annotated[bool, Form()]) -> Response:
    """Keeps whether she wants to know of company; what else her positions may be used for stays."""
    positions.choose_uses(session, member_id=viewer.id, company=on, now=now)
    return RedirectResponse("/company", status_code=303)
