"""Pop-ups: what it is, the switch, what one is asked now, and one's answer."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from server.interests import service as interests
from server.pages import facts, render
from server.people import access
from server.popups import candidates, words
from server.popups import service as popups
from server.positions import service as positions
from server.requests import Id, InSettings, InTransaction, Now

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]


@router.api_route("/pop-ups", methods=READ)
def show_pop_ups(
    request: Request, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """The switch, and what she is asked now."""
    known = [one for one, _ in positions.list_of(session, member_id=viewer.id, now=now)]
    return render.page(
        request,
        "pop_ups.html",
        viewer=viewer,
        on=positions.uses_of(session, member_id=viewer.id).pop_ups,
        asked_now=viewer.id in candidates.willing(session, [viewer.id]),
        located=any(one.source is not positions.Source.HOME for one in known),
        likes=len(interests.of_member(session, member_id=viewer.id)),
        asked=[
            {
                "id": one.pop_up.id,
                "why": words.why(one, say),
                "stands": words.stands(one, say),
                "on": one.pop_up.state == "on",
                "answer": one.answer,
                "until": one.pop_up.answer_by,
                "venue": f"/venues/{one.venue.id}",
                "place": say.name(one.venue.name, one.venue.simulated),
                "event": f"/events/{one.pop_up.event_id}" if one.answer and one.pop_up.event_id else None,
                "time_zone": one.venue.time_zone,
            }
            for one in popups.of_member(session, member_id=viewer.id, now=now)
        ],
        people=settings.pop_ups.people,
        yes=settings.pop_ups.yes,
        minutes=round(settings.pop_ups.offer_s / 60),
        time_zone=facts.clock_of(viewer),
    )


@router.post("/pop-ups")
def choose(viewer: access.Viewer, session: InTransaction, now: Now, on: Annotated[bool, Form()]) -> Response:
    """Keeps whether she wants to be asked; what else her positions may be used for stays."""
    positions.choose_uses(session, member_id=viewer.id, pop_ups=on, now=now)
    return RedirectResponse("/pop-ups", status_code=303)


@router.post("/pop-ups/{pop_up_id}/answer")
def answer(
    pop_up_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    yes: Annotated[bool, Form()],
) -> Response:
    """Keeps her yes or no; of a yes that makes it a gathering, or joins it, she sees that one."""
    rule = settings.pop_ups
    pop_up = popups.answer(session, pop_up_id=pop_up_id, member_id=viewer.id, yes=yes, now=now, rule=rule)
    happens = yes and pop_up.state == "on"
    return RedirectResponse(f"/events/{pop_up.event_id}" if happens else "/pop-ups", status_code=303)
