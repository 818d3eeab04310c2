"""The cookie that keeps a browser signed in."""

import datetime as dt

from starlette.responses import Response

from config.settings import Settings
from server.people.access import COOKIE


def keep(response: Response, token: str, settings: Settings) -> None:
    """Gives the browser its session: out of reach for scripts and for requests of other sites."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=round(lifetime(settings).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=settings.server.url.startswith("https://"),
    )


def forget(response: Response) -> None:
    """Takes the session from the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")


def lifetime(settings: Settings) -> dt.timedelta:
    """How long a session lives."""
    return dt.timedelta(days=settings.server.session_days)
