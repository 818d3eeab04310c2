"""Pictures: adding one, and the picture itself."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from server.limits.callers import InCaller
from server.people import access
from server.pictures import making, schema
from server.pictures import service as pictures
from server.requests import Id, InTransaction

router = APIRouter(prefix="/api/pictures", tags=["pictures"])
# Whoever knows a picture's id may see it: pages for strangers and previews of links show pictures.
strangers = APIRouter(prefix="/api/pictures", tags=["pictures"])

FOR_EVER = "public, max-age=31536000, immutable"  # what an id names never changes
_SENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary", "maxLength": making.MAX_BYTES}, "example": ""}
            for kind in ("image/jpeg", "image/png", "image/webp", "image/gif")
        },
    }
}
_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {making.MIME: {"schema": {"type": "string", "format": "binary"}}}, "description": "The picture."}
}


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("", status_code=201, openapi_extra=_SENT)
def add_picture(
    viewer: access.Viewer, session: InTransaction, caller: InCaller, data: Annotated[bytes, Depends(_body)]
) -> schema.PictureOut:
    """Takes a picture (JPEG, PNG, WebP or GIF, 10 MB at most) and makes it anew without where and when it was taken.

    Use its id within a day, or it is forgotten. The same picture again has the same id.
    """
    picture = pictures.take_sent(session, caller, data, by=viewer.id)
    if picture is None:
        raise making.PictureUnreadable
    return schema.show(picture)


@strangers.get("/{picture_id}", response_class=Response, responses=_IMAGE)
def get_picture(picture_id: Id, session: InTransaction) -> Response:
    """A picture, for whoever knows its id."""
    picture = pictures.get(session, picture_id)
    return Response(picture.data, media_type=picture.mime, headers={"Cache-Control": FOR_EVER})
