"""QR codes of this server's own addresses, as pictures."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from starlette.responses import Response

from server import qr
from server.errors import Refused
from server.requests import InSettings

router = APIRouter(prefix="/api", tags=["pictures"])

LABEL_MAX_LENGTH = 200

Text = Annotated[
    str,
    Query(
        min_length=1,
        max_length=qr.TEXT_MAX_BYTES,
        description="an address of this server, or its path",
        openapi_examples={"a door": {"value": "/d/K7PM2X"}},
    ),
]


class NotOurAddress(Refused):
    """QR codes are made of this server's own addresses alone."""

    code = "not_our_address"


@router.get(
    "/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "The code."}},
)
def get_qr_svg(
    text: Text, settings: InSettings, label: Annotated[str, Query(max_length=LABEL_MAX_LENGTH)] = ""
) -> Response:
    """An address of this server as a QR code that scales; label: what a screen reader says, else the address."""
    address = check_ours(text, settings.server.url)
    return Response(qr.svg(address, label=label or address), media_type="image/svg+xml")


@router.get(
    "/qr.png", response_class=Response, responses={200: {"content": {"image/png": {}}, "description": "The code."}}
)
def get_qr_png(text: Text, settings: InSettings) -> Response:
    """An address of this server as a QR code to print."""
    return Response(qr.png(check_ours(text, settings.server.url)), media_type="image/png")


def check_ours(text: str, own_url: str) -> str:
    """The whole address; raises NotOurAddress for one of another site, so that nobody hides theirs behind ours."""
    plain = text.isprintable() and "\\" not in text and " " not in text
    address = own_url + text if text.startswith("/") and not text.startswith("//") else text
    try:
        parts, own = urlsplit(address), urlsplit(own_url)
    except ValueError:
        raise NotOurAddress from None
    if not plain or (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
        raise NotOurAddress
    return address
