"""What an error looks like from outside: problem+json for programs, a designed page for browsers."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from server.errors import Invalid, MusterError, NotAllowed, NotFound, TooLarge, TooMany, Unavailable, http_status
from server.pages import render
from server.requests import texts_for
from server.texts import IN_ENGLISH, Texts, later

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# For what is no page (pages bring their own, server/pages/render.py): it loads nothing and stands in no frame.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SHOWN_FAULTS = 3  # of what is wrong with a request in the sentence; all are in `faults`
# What is answered before any route of ours is reached.
_BEFORE: Mapping[int, MusterError] = {
    400: Invalid(later("This cannot be read: a body is JSON in UTF-8.")),
    404: NotFound(later("There is nothing at this address.")),
    405: NotAllowed(),
    413: TooLarge(),
}


def install(app: FastAPI) -> None:
    """Makes the app answer every error in this way."""
    app.add_exception_handler(MusterError, _answer_ours)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, _answer_no_database)
    app.add_exception_handler(DataError, _answer_no_text)
    app.add_exception_handler(Exception, _answer_fault)


def problem(status: int, code: str, detail: str, say: Texts = IN_ENGLISH, **more: Any) -> JSONResponse:
    """An RFC 9457 problem. say: the texts in whose language the detail is."""
    headers = render.language_headers(say)
    return JSONResponse({**_body(status, code, detail), **more}, status, headers, MEDIA_TYPE)


def of(error: MusterError, say: Texts = IN_ENGLISH) -> JSONResponse:
    """An error of ours as a problem, in that language."""
    return problem(http_status(error), error.code, say.gettext(error.template, **error.values), say)


def body(error: MusterError) -> dict[str, Any]:
    """What a problem of this error says."""
    return _body(http_status(error), error.code, error.detail)


def _body(status: int, code: str, detail: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    return {"type": f"urn:muster:{code}", "title": title, "status": status, "detail": detail, "code": code}


def _answer_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, MusterError)
    return answer(request, error)


def answer(request: Request, error: MusterError) -> Response:
    """The answer to who asked: a problem, or a page to who wants one."""
    say = texts_for(request)
    detail = say.gettext(error.template, **error.values)
    faults = [{"at": fault.at, "says": say.gettext(fault.why.template, **fault.why.values)} for fault in error.faults]
    more = {"faults": faults} if faults else {}
    response = _answer(request, http_status(error), error.code, detail, **more)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [{"at": _place(fault["loc"]), "says": _sentence(fault)} for fault in error.errors()]
    shown = "; ".join(
        f"{fault['at']}: {fault['says']}" if fault["at"] else fault["says"] for fault in faults[:SHOWN_FAULTS]
    )
    say = texts_for(request)
    detail = say.gettext("%(faults)s.", faults=shown)
    if len(faults) > SHOWN_FAULTS:
        detail = say.gettext("%(faults)s; and %(num)s more.", faults=shown, num=len(faults) - SHOWN_FAULTS)
    return _answer(request, http_status(Invalid()), Invalid.code, detail, faults=faults)


def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    ours = _BEFORE.get(error.status_code, Invalid(str(error.detail)))
    status = error.status_code if error.status_code != HTTPStatus.BAD_REQUEST else http_status(ours)
    response = _answer(request, status, ours.code, texts_for(request).gettext(ours.template))
    response.headers.update(error.headers or {})
    return response


def _answer_no_database(request: Request, error: Exception) -> Response:
    log.error("the database did not answer: %s", str(error).splitlines()[0])
    detail = texts_for(request).gettext(Unavailable().template)
    return _answer(request, http_status(Unavailable()), Unavailable.code, detail)


def _answer_no_text(request: Request, error: Exception) -> Response:
    """A character that no text has in PostgreSQL: in an address it names nothing, elsewhere it is refused."""
    if "NUL (0x00)" not in str(error):
        raise error
    if "\0" in request.url.path or "%00" in request.url.path:
        return answer(request, NotFound(_BEFORE[404].template))
    return answer(request, Invalid(later("A text here has a character that cannot be kept: type it anew.")))


def _answer_fault(request: Request, error: Exception) -> Response:
    # The exception itself is logged by whoever runs the app.
    kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
    log.error("%s %s failed: %s", request.method, request.url.path, kind)
    detail = texts_for(request).gettext("This is our fault, not yours. It was noted.")
    response = _answer(request, 500, MusterError.code, detail)
    for name, value in HEADERS.items():  # it is made outside of what gives them to all others
        response.headers.setdefault(name, value)
    return response


def _answer(request: Request, status: int, code: str, detail: str, **more: Any) -> Response:
    if _is_for_people(request):
        return _page(request, status, detail)
    return problem(status, code, detail, texts_for(request), **more)


def _is_for_people(request: Request) -> bool:
    path = request.url.path
    told_in_json = path.startswith(("/api/", "/metrics")) and path != "/api/docs"
    return "text/html" in request.headers.get("accept", "") and not told_in_json


def _page(request: Request, status: int, detail: str) -> Response:
    # Sentences of the service say more than the page's own, but for who is a stranger and for what is our fault.
    shown = None if status in (401, 404, 405) or status >= 500 else detail
    return render.page(request, "error.html", status_code=status, status=status, detail=shown)


def _place(location: Sequence[Any]) -> str:
    """Where in a request something is wrong: `steps.0.starts_at`."""
    return ".".join(str(part) for part in location if part not in ("body", "query", "path"))


def _sentence(fault: dict[str, Any]) -> str:
    if fault.get("type") == "json_invalid":
        return "this is no JSON"
    if fault.get("type") == "extra_forbidden":
        return "there is no such field"
    message: str = fault["msg"]
    return message.removeprefix("Value error, ")
