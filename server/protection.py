"""What stands before every route: bounds of bodies, refusal of other sites' requests, headers for browsers."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import problems
from server.errors import Refused, TooLarge
from server.requests import texts_for

BODY_MAX_BYTES = 1_000_000  # a venue of hundreds of drawn zones has less; nothing else comes near it
_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


class OtherSite(Refused):
    """This request came from another site's page."""

    code = "other_site"


class Protection:
    """ASGI middleware around the whole app; a stream passes through it untouched."""

    def __init__(self, app: ASGIApp, own_url: str) -> None:
        """own_url: where members reach the server (server.public_url)."""
        self._app = app
        self._own_origin = "://".join(urlsplit(own_url)[:2]) if own_url else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in problems.HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] in _SAFE:
            await self._app(scope, receive, send_with_headers)
            return
        headers = Headers(scope=scope)
        say = texts_for(HTTPConnection(scope))
        if not self._is_own(headers, scope["scheme"]):
            await problems.of(OtherSite(), say)(scope, receive, send_with_headers)
            return
        body = await _read_body(headers, receive)
        if body is None:
            error = TooLarge("More than %(bytes)s bytes are not taken at once.", bytes=BODY_MAX_BYTES)
            too_large = problems.of(error, say)
            too_large.headers["Connection"] = "close"
            await too_large(scope, receive, send_with_headers)
            return
        await self._app(scope, _replay(body, receive), send_with_headers)

    def _is_own(self, headers: Headers, scheme: str) -> bool:
        """Whether a request that changes something was made by a page of ours, or by no page at all.

        HTTP and HTTPS of the same server are both ours, each at its own host and port. But whoever sits on the wire can
        put words into a page of plain HTTP, so that such a page never acts over HTTPS.
        """
        site = headers.get("sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        if scheme == "https" and not origin.startswith("https://"):
            return False
        # A proxy may have ended TLS without telling us: the scheme of a request to our host is the browser's to know.
        host = headers.get("host", "")
        return origin in {f"http://{host}", f"https://{host}", self._own_origin} - {"", "http://", "https://"}


async def _read_body(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body, None when it is too large."""
    stated = headers.get("content-length", "0")
    if not stated.isdecimal() or int(stated) > BODY_MAX_BYTES:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > BODY_MAX_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
