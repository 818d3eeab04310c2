"""Taking everything about oneself along, handing over what others need, and being erased."""

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from server.audit import service as audit
from server.erasure import export, schema
from server.erasure import service as erasure
from server.errors import Invalid
from server.events import service as events
from server.people import access, cookies
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now

router = APIRouter(prefix="/api", tags=["leaving"])

HEADERS = {"Content-Disposition": 'attachment; filename="muster.zip"', "Cache-Control": "no-store"}


class NameDiffers(Invalid):
    """That is not your name as it is shown here; type it to say that you mean it."""

    code = "name_differs"


@router.get("/me/export", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def export_me(viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say) -> StreamingResponse:
    """Everything about you: a zip of JSON files, one for each kind of thing, with a README in your language."""
    audit.note(session, "file.taken", of=f"member/{viewer.id}", by=viewer.id, now=now, what="everything")
    found = export.write(session, member=viewer, now=now, say=say)
    return StreamingResponse(export.chunks(found), media_type="application/zip", headers=HEADERS)


@router.delete("/me")
def erase_me(
    wanted: schema.EraseMe,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    response: Response,
) -> schema.ReceiptOut:
    """Erases you, now and for good; what was counted stays a number. Type your name to say that you mean it."""
    check_typed(viewer, wanted.name)
    receipt = erasure.erase(session, member_id=viewer.id, now=now, presence=settings.presence)
    cookies.forget(response)
    return schema.show(receipt)


@router.post("/events/{event_id}/hand-over", status_code=204)
def hand_over(event_id: Id, wanted: schema.HandOver, viewer: access.Viewer, session: InTransaction) -> None:
    """Makes somebody else the organizer of an event; for its organizer and operators."""
    access.check_organizes(viewer, events.get(session, event_id))
    events.hand_over(session, event_id=event_id, to_id=wanted.to)


def check_typed(viewer: Member, typed: str) -> None:
    """Raises NameDiffers unless she typed her name; how letters are cased and spaced does not matter."""
    if " ".join(typed.casefold().split()) != " ".join(viewer.name.casefold().split()):
        raise NameDiffers
