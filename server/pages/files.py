"""The page of files: what can be taken out, and a list of who signed up elsewhere, looked at first and then taken."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from sqlalchemy.orm import Session
from starlette.responses import Response

from server.errors import Invalid, Refused
from server.events import service as events
from server.events import signups
from server.exports import service as exports
from server.exports import sign_up_list
from server.pages import render
from server.pages.facts import Fact
from server.pages.hosted import hosted
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now, texts_for

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
SHOWN = 20


@router.api_route("/files", methods=READ)
def show_files(request: Request, viewer: access.Viewer, session: InTransaction) -> Response:
    """The files of what she hosts and keeps."""
    things = [one for one in hosted(session, viewer, texts_for(request)) if one["what"] != "community"]
    return render.page(request, "files.html", viewer=viewer, hosted=things)


@router.api_route("/events/{event_id}/sign-ups", methods=READ)
def show_list(request: Request, event_id: Id, viewer: access.Viewer, session: InTransaction) -> Response:
    """A form for a list of who signed up elsewhere."""
    return _page(request, event_id, viewer, session)


@router.post("/events/{event_id}/sign-ups")
def take_list(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    list_file: Annotated[UploadFile | None, File(alias="list")] = None,
    text: Annotated[str | None, Form(max_length=sign_up_list.MAX_BYTES)] = None,
) -> Response:
    """Shows what a list would bring; the same list, sent back from there as text, is taken."""
    access.check_hosts(session, viewer, events.get(session, event_id))
    data = list_file.file.read(sign_up_list.MAX_BYTES + 1) if list_file is not None else (text or "").encode()
    found: Fact = {}
    try:
        if text is not None:
            outcome = exports.take(session, event_id=event_id, data=data, now=now, by=viewer.id)
        else:
            outcome = exports.look(session, event_id=event_id, data=data)
            found["text"] = sign_up_list.decode(data)
    except (Invalid, Refused) as error:
        says = texts_for(request).gettext(error.template, **error.values)
        return _page(request, event_id, viewer, session, status_code=422, says=says)
    found["new"] = [{"line": one.line, "name": one.name, "email": one.email} for one in outcome.new[:SHOWN]]
    found["more"] = max(0, len(outcome.new) - SHOWN)
    found["already"], found["repeated"] = outcome.already, list(outcome.read.repeated)[:SHOWN]
    found["ignored"] = list(outcome.read.ignored)
    return _page(request, event_id, viewer, session, found=found)


def _page(
    request: Request,
    event_id: str,
    viewer: Member,
    session: Session,
    *,
    status_code: int = 200,
    says: str | None = None,
    found: Fact | None = None,
) -> Response:
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    return render.page(
        request,
        "sign_up_list.html",
        status_code=status_code,
        viewer=viewer,
        event={"id": event.id, "name": texts_for(request).name(event.name, event.simulated)},
        signed_up=signups.count_sign_ups(session, event_id=event_id),
        says=says,
        found=found,
    )
