"""Whom somebody met: the switch, what each meeting is evidence of, and hiding one."""

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from server import names, paging
from server.errors import MusterError, http_status
from server.met import reading, words
from server.met import service as met
from server.pages import facts, render
from server.pages.doors import told
from server.people import access
from server.people.model import Member
from server.requests import InPage, InTransaction, Now

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
Of = Annotated[str, Form(max_length=names.ID_MAX_LENGTH)]


@router.api_route("/me/met", methods=READ)
def show_met(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """The switch, and whom she met, by gathering, the latest first."""
    return _page(request, viewer, session, now, say, page)


@router.post("/me/met")
def choose(
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    willing: Annotated[bool, Form()],
    event: Annotated[str, Form(max_length=names.ID_MAX_LENGTH, pattern="^[a-z0-9-]*$")] = "",
) -> Response:
    """Keeps her answer. event: on whose page she was asked."""
    met.switch(session, member_id=viewer.id, willing=willing, now=now)
    return RedirectResponse(f"/events/{event}" if event and not willing else "/me/met", status_code=303)


@router.post("/me/met/forget")
def forget(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    member: Of = "",
) -> Response:
    """Hides somebody and her from each other."""
    try:
        met.forget(session, member_id=viewer.id, other_id=member, now=now)
    except MusterError as refused:
        return _page(request, viewer, session, now, say, paging.Page(paging.DEFAULT), refused)
    return RedirectResponse("/me/met", status_code=303)


def _page(
    request: Request,
    viewer: Member,
    session: InTransaction,
    now: Now,
    say: access.Say,
    page: paging.Page,
    refused: MusterError | None = None,
) -> Response:
    rows, next_cursor = paging.with_next(
        page, lambda page: reading.meetings(session, member_id=viewer.id, now=now, page=page)
    )
    gatherings = [
        {
            "name": say.name(name, simulated),
            "href": f"/events/{event_id}",
            "at": at,
            "people": [
                {"id": one.member_id, "name": say.name(one.name, one.simulated), "says": words.of_meeting(one, say)}
                for one in people
            ],
        }
        for (event_id, name, simulated, at), people in groupby(
            rows, key=lambda one: (one.event_id, one.event_name, one.event_simulated, one.at)
        )
    ]
    return render.page(
        request,
        "met.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        willing=met.willing(session, member_id=viewer.id),
        gatherings=gatherings,
        next_cursor=next_cursor,
        says=told(refused, say),
        time_zone=facts.clock_of(viewer),
    )
