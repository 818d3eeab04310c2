"""Moving over HTTP: asking who comes along, taking the file, and opening one that came from elsewhere."""

import io
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import StreamingResponse

from server.moving import archive, arriving, asking, leaving, schema
from server.people import access
from server.requests import Id, InSettings, InTransaction, Now

router = APIRouter(prefix="/api/communities", tags=["moving"])

_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}, "example": ""}
            for kind in ("application/zip", "application/octet-stream")
        },
    }
}


async def _body(request: Request) -> bytes:
    return await request.body()


@router.get("/{community_id}/move")
def get_move(community_id: Id, viewer: access.Viewer, session: InTransaction) -> schema.MoveOut:
    """Whether your community moves to another server, and what you answered; for its members."""
    return schema.show(asking.look(session, viewer=viewer, community_id=community_id))


@router.post("/{community_id}/move", status_code=201)
def ask_move(
    community_id: Id, wanted: schema.AskMove, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.MoveOut:
    """Asks everybody of a house whether they come along, for its source; of a circle a vote of the kind `move` does.

    Asked anew, everybody says anew.
    """
    asking.ask(session, viewer=viewer, community_id=community_id, days=wanted.days, now=now)
    return schema.show(asking.look(session, viewer=viewer, community_id=community_id))


@router.put("/{community_id}/move/answer")
def answer_move(
    community_id: Id, wanted: schema.MyAnswer, viewer: access.Account, session: InTransaction, now: Now
) -> schema.MoveOut:
    """Says whether you come along; the last answer counts. You may say no at any time, until the file is taken."""
    asking.answer(session, viewer=viewer, community_id=community_id, come=wanted.come, now=now)
    return schema.show(asking.look(session, viewer=viewer, community_id=community_id))


@router.get("/{community_id}/export", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def export_community(
    community_id: Id, viewer: access.InPerson, session: InTransaction, settings: InSettings, now: Now
) -> StreamingResponse:
    """The community as a file that another server opens: its history, and its people who agreed; others as numbers.

    For who decides: of a house its source; of a circle that voted to move, whoever's word counts. It is noted.
    """
    asking.check_takes(session, viewer=viewer, community_id=community_id, now=now)
    written = leaving.write(session, community_id=community_id, settings=settings, now=now, by=viewer.id)
    headers = {
        "Content-Disposition": f'attachment; filename="{community_id}.zip"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(leaving.chunks(written.file), media_type="application/zip", headers=headers)


@router.post("/import", openapi_extra=_FILE)
def import_community(
    operator: access.Operator,
    session: InTransaction,
    now: Now,
    data: Annotated[bytes, Depends(_body)],
    host: Annotated[str | None, Query(max_length=64, description="hosts what nobody hosts who comes along")] = None,
    preview: Annotated[bool, Query(description="say what it would bring, and change nothing")] = False,
) -> schema.Arrival:
    """Opens a community that left another server; for operators. All of it or nothing; the same again is as once.

    A newer file of the same community updates it. Larger ones than a request may be: `muster community import`.
    """
    read = archive.read(io.BytesIO(data))
    inside = session.begin_nested()
    taken = arriving.take(session, read, host_id=host, by=operator.id, now=now)
    if preview:
        inside.rollback()
    return schema.show_taken(taken, preview)
