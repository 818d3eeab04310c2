"""The share picture of a gathering, for whoever has its address."""

import datetime as dt
import hashlib
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from server import texts
from server.people import access
from server.requests import Id, InSettings, InTransaction, Now
from server.sharing import drawing, fonts, poster, reading, words
from server.sharing.gathering import Gathering, Veiled
from server.sharing.studio import Drawn, key_of
from server.texts import Texts

strangers = APIRouter(include_in_schema=False)

FRESH_S = 300  # a chat asks again after this; a time that was changed shows within five minutes
Language = Annotated[Literal["en", "zh"], Query(description="of what stands on it; the title stays as it is")]


@strangers.api_route("/g/{event_id}/picture.png", methods=["GET", "HEAD"])
def get_picture(
    request: Request,
    event_id: Id,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    lang: Language = "en",
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """The picture to post: 1080 x 1440. Of what is for members alone, others get one that says so."""
    fonts.check_there()
    say = texts.of(lang)
    gathering = reading.see(session, event_id, viewer=viewer, say=say)
    address = f"{settings.server.url}/g/{event_id}"
    background = reading.picture_of(session, gathering) if isinstance(gathering, Gathering) else None
    key = key_of(gathering, lang, address, _by_now(gathering, say, now), hashlib.sha256(background or b"").digest())
    headers = {"ETag": f'"{key}"', **cache_for(gathering)}
    if f'"{key}"' in if_none_match:
        return Response(status_code=304, headers=headers)
    return Drawn(request.app.state.studio, key, partial(_draw, gathering, say, now, address, background), headers)


def _draw(gathering: Gathering | Veiled, say: Texts, now: dt.datetime, address: str, background: bytes | None) -> bytes:
    return drawing.draw(poster.compose(gathering, say, now, address, drawing.measure), background)


def _by_now(gathering: Gathering | Veiled, say: Texts, now: dt.datetime) -> tuple[str, ...]:
    """What stands on a picture only for a time."""
    if isinstance(gathering, Veiled):
        return ()
    return gathering.phase(now), words.days_of(gathering, say, now)


def cache_for(gathering: Gathering | Veiled) -> dict[str, str]:
    """How long what is shared of a gathering may be kept, and by whom: what members alone see, by their browser."""
    if isinstance(gathering, Gathering) and gathering.for_all:
        return {"Cache-Control": f"public, max-age={FRESH_S}"}
    return {"Cache-Control": f"private, max-age={FRESH_S}", "Vary": "Cookie"}
