"""The cookie that keeps a browser signed in, and the session behind it."""

import datetime as dt
import re

from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection
from starlette.responses import Response

from config.settings import Settings
from server.people import access
from server.people import service as people
from server.people.access import COOKIE, SECURE_COOKIE

# What the newest thing asked a code for: only the browser that asked may try it.
ASKED = "muster_asked"
_BROWSERS = ("Edg", "OPR", "SamsungBrowser", "MicroMessenger", "Firefox", "FxiOS", "CriOS", "Chrome", "Safari")
_BROWSER_NAMES = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "MicroMessenger": "WeChat",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
}
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_PROGRAM = re.compile(r"[A-Za-z][\w.-]{0,30}")


def enter(
    request: HTTPConnection,
    response: Response,
    session: Session,
    settings: Settings,
    *,
    member_id: str,
    how: str,
    now: dt.datetime,
) -> None:
    """Signs this browser in as a member, and out as whoever it was; how: code, link, passkey, password, name."""
    people.sign_out(session, token=access.session_token(request))
    token = people.sign_in(
        session,
        member_id=member_id,
        now=now,
        lifetime=lifetime(settings),
        browser=describe(request.headers.get("user-agent", "")),
        how=how,
    )
    keep(request, response, token, settings)


def describe(user_agent: str) -> str:
    """A browser in two or three words, `Firefox on Android`; of a program its name; empty if it says nothing."""
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    browser = next((_BROWSER_NAMES.get(mark, mark) for mark in _BROWSERS if f"{mark}/" in user_agent), "")
    if not browser:
        program = _PROGRAM.match(user_agent)
        browser = program[0] if program else ""
    return f"{browser} on {system}" if browser and system else browser or system


def keep(request: HTTPConnection, response: Response, token: str, settings: Settings) -> None:
    """Gives the browser its session: out of reach for scripts and for requests of other sites.

    Asked over HTTPS, or through a proxy that serves HTTPS at server.public_url, it never travels over plain HTTP.
    """
    secure = is_secure(request, settings)
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


def keep_asked(request: HTTPConnection, response: Response, asked: str, settings: Settings) -> None:
    """Lets the browser that asked for a code try it, for as long as the code lives."""
    response.set_cookie(
        ASKED,
        asked,
        max_age=settings.people.code_minutes * 60,
        httponly=True,
        samesite="lax",
        secure=is_secure(request, settings),
    )


def is_secure(request: HTTPConnection, settings: Settings) -> bool:
    """Whether the browser speaks HTTPS, with us or with a proxy before us."""
    return request.url.scheme == "https" or settings.server.url.startswith("https://")


def lifetime(settings: Settings) -> dt.timedelta:
    """How long a session lives."""
    return dt.timedelta(days=settings.server.session_days)
