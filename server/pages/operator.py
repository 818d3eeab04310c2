"""The operator's page: whether everything listens and works."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.mail import service as mail
from server.pages import overview, render
from server.people import access
from server.requests import InSettings, InTransaction, Now

router = APIRouter(include_in_schema=False)


@router.api_route("/operator", methods=["GET", "HEAD"])
def show_operator(
    request: Request,
    operator: access.Operator,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """Which Pis listen, which parts are well, and how many there are of what; no names."""
    return render.page(
        request,
        "operator.html",
        viewer=operator,
        places=overview.places(session, settings, now, say),
        parts=overview.parts(session, settings, now, request.app.state.broker.is_connected),
        numbers=overview.numbers(session, now),
        letters=(0 if settings.mail.host else len(mail.waiting(session, now=now))) + len(mail.refused(session)),
        now=now,
    )
