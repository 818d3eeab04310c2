"""The cookie that keeps a browser signed in."""

import datetime as dt

from starlette.requests import HTTPConnection
from starlette.responses import Response

from config.settings import Settings
from server.people.access import COOKIE, SECURE_COOKIE


def keep(request: HTTPConnection, response: Response, token: str, settings: Settings) -> None:
    """Gives the browser its session: out of reach for scripts and for requests of other sites.

    Asked over HTTPS, or through a proxy that serves HTTPS at server.public_url, it never travels over plain HTTP.
    """
    secure = request.url.scheme == "https" or settings.server.url.startswith("https://")
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        token,
        max_age=round(lifetime(settings).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )


def forget(response: Response) -> None:
    """Takes the session from the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    response.delete_cookie(SECURE_COOKIE, httponly=True, samesite="lax", secure=True)


def lifetime(settings: Settings) -> dt.timedelta:
    """How long a session lives."""
    return dt.timedelta(days=settings.server.session_days)
