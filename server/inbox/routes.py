"""Notes over HTTP: reading one's own."""

from fastapi import APIRouter

from server.inbox import schema
from server.inbox import service as inbox
from server.people import access
from server.requests import InPage, InTransaction, Now

router = APIRouter(prefix="/api/me/notifications", tags=["inbox"])


@router.get("")
def list_notifications(
    viewer: access.Viewer, session: InTransaction, page: InPage, say: access.Say
) -> list[schema.NotificationOut]:
    """What you should know, the newest first; kept for 90 days."""
    return [schema.show(note, say) for note in inbox.list_of(session, member_id=viewer.id, page=page)]


@router.post("/read", status_code=204)
def read_notifications(wanted: schema.ReadUpTo, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Says how far you have read."""
    inbox.read(session, member_id=viewer.id, up_to=wanted.up_to, now=now)


@router.get("/letters")
def get_letters(viewer: access.Viewer, session: InTransaction) -> schema.Letters:
    """Whether your notes go out by e-mail as well."""
    return schema.Letters(letters=inbox.wants_letters(session, member_id=viewer.id))


@router.put("/letters")
def choose_letters(wanted: schema.Letters, viewer: access.Viewer, session: InTransaction) -> schema.Letters:
    """Chooses whether your notes go out by e-mail as well."""
    inbox.choose_letters(session, member_id=viewer.id, wanted=wanted.letters)
    return wanted
