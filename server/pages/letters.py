"""The operator's page of letters: those that nobody sends for want of a mail server, and those that were refused."""

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.mail import service as mail
from server.pages import render
from server.people import access, codes
from server.requests import InSettings, InTransaction, Now

router = APIRouter(include_in_schema=False)


@router.api_route("/operator/letters", methods=["GET", "HEAD"])
def show_letters(
    request: Request, operator: access.OwnOperator, session: InTransaction, settings: InSettings, now: Now
) -> Response:
    """What waits and what did not arrive. Texts are shown only where there is no mail server to send them."""
    waiting = mail.waiting(session, now=now)
    return render.page(
        request,
        "operator_letters.html",
        viewer=operator,
        posted=bool(settings.mail.host),
        waiting=waiting,
        digits={letter.id: _digits(letter.subject) for letter in waiting},
        refused=mail.refused(session),
        time_zone=operator.time_zone or "UTC",
        now=now,
    )


def _digits(subject: str) -> str:
    """The code that a subject speaks of, as one reads it out; the subject where there is none."""
    found = re.search(rf"\d{{{codes.DIGITS}}}", subject)
    return f"{found[0][:3]} {found[0][3:]}" if found else subject
