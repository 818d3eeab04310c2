"""What stands before every route: bounds of bodies, refusal of other sites' requests, headers for browsers."""

import asyncio
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import problems
from server.errors import MusterError, Refused, TooLarge, TooMany
from server.requests import texts_for

BODY_MAX_BYTES = 1_000_000  # a venue of hundreds of drawn zones has less; only a picture has more
FORM_MAX_BYTES = 1_000_000  # around a file: what else is typed
LARGE_TYPES = (
    "image/",
    "multipart/form-data",
    "application/zip",
    "application/octet-stream",
    "application/geo+json",
)
LARGE_AT_ONCE = 8  # each is held in memory: with the default upload_mb 88 MB of a Pi's
LARGE_S = 120.0  # 1 Mbit/s brings the largest; whoever takes longer holds the turn of others
DRAINED_MAX_BYTES = 100_000_000  # a browser shows the answer to a form only when it could send all of it
_AGAIN_S = 10
_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


class OtherSite(Refused):
    """This request came from another site's page."""

    code = "other_site"


class UploadsBusy(TooMany):
    """Many pictures are coming in at the moment; please try again in a few seconds."""

    code = "uploads_busy"


class Protection:
    """ASGI middleware around the whole app; a stream passes through it untouched."""

    def __init__(self, app: ASGIApp, own_url: str, upload_mb: int) -> None:
        """own_url: where members reach the server (server.public_url). upload_mb: of one file (server.upload_mb)."""
        self._app = app
        self._large_max_bytes = large_max_bytes(upload_mb)
        self._large = 0  # bodies beyond BODY_MAX_BYTES that are held at the moment
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
        body = _Body(headers, receive)
        try:
            read = await body.read(BODY_MAX_BYTES)
            if read is None and body.may_be_large:
                await self._take_large(body, scope, receive, send_with_headers)
                return
            if read is None:
                raise TooLarge("More than %(bytes)s bytes are not taken at once.", bytes=BODY_MAX_BYTES)
        except (TooLarge, UploadsBusy) as error:
            await _refuse(error, scope, receive, send_with_headers)
            return
        await self._app(scope, _replay(read, receive), send_with_headers)

    async def _take_large(self, body: "_Body", scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a connection that brings a picture; raises UploadsBusy, TooLarge."""
        if self._large >= LARGE_AT_ONCE:
            raise UploadsBusy(retry_after_s=_AGAIN_S)
        self._large += 1
        try:
            await self._app(scope, _replay(await _read_large(body, self._large_max_bytes), receive), send)
        finally:
            self._large -= 1

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


def large_max_bytes(upload_mb: int) -> int:
    """The most of a body with a picture (server/pictures) or a town's places (server/venues), its form with it."""
    return upload_mb * 1_000_000 + FORM_MAX_BYTES


class _Body:
    """What a request sends after its head, read as far as it is wanted."""

    def __init__(self, headers: Headers, receive: Receive) -> None:
        stated = headers.get("content-length", "0")
        # What is no number is more than anybody takes.
        self._stated = int(stated) if stated.isascii() and stated.isdecimal() else DRAINED_MAX_BYTES
        self._receive, self._read, self._ended = receive, bytearray(), False
        self.may_be_large = headers.get("content-type", "").lower().startswith(LARGE_TYPES)

    async def read(self, most: int) -> bytes | None:
        """All of it, None when it has more than `most` bytes; may be asked again with more."""
        if self._stated > most:
            return None
        while not self._ended and len(self._read) <= most:
            self._read += await self._piece()
        return bytes(self._read) if len(self._read) <= most else None

    async def drain(self, most: int) -> None:
        """Reads the rest and forgets it, unless it has more than `most` bytes."""
        self._read.clear()
        drained = 0
        while not self._ended and max(drained, self._stated) < most:
            drained += len(await self._piece())

    async def _piece(self) -> bytes:
        message = await self._receive()
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return bytes(message.get("body", b""))


async def _read_large(body: _Body, most: int) -> bytes:
    """All of a body with a picture; raises TooLarge."""
    try:
        async with asyncio.timeout(LARGE_S):
            read = await body.read(most)
            if read is not None:
                return read
            await body.drain(DRAINED_MAX_BYTES)
    except TimeoutError:
        raise TooLarge("What is sent has %(seconds)s seconds to arrive.", seconds=round(LARGE_S)) from None
    raise TooLarge("More than %(bytes)s bytes are not taken at once.", bytes=most)


async def _refuse(error: MusterError, scope: Scope, receive: Receive, send: Send) -> None:
    answer = problems.answer(Request(scope), error)
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
