"""Turns templates into responses: the Jinja environment, local times, hashed static addresses, security headers."""

import datetime
import hashlib
import urllib.parse
import zoneinfo
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import jinja2
from babel import dates
from sqlalchemy.orm import object_session
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server import clocks, requests, texts
from server.inbox import service as inbox
from server.people.model import Member
from server.requests import texts_for
from server.texts import CHINESE, ENGLISH, Texts

FOLDER = Path(__file__).parent
STATIC_FOLDER = FOLDER / "static"
STATIC_PATH = "/static"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",  # the map's own controls are data images in its style sheet
        "connect-src 'self'",
        "worker-src 'self'",
        "font-src 'self'",
        "frame-src 'self'",  # the phone beside the demonstration's map
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",  # a one-time link must not travel to another site
    "Cross-Origin-Opener-Policy": "same-origin",
}

# What a browser may give to a page's scripts if its reader agrees: closed unless the page's template says it `uses` it.
FEATURES = ("camera", "geolocation", "publickey-credentials-create", "publickey-credentials-get")
_used: ContextVar[set[str]] = ContextVar("used")

# A page shows who is where: no shared cache may keep it.
PAGE_CACHE_CONTROL = "no-store"
# The hash is part of the path, so what is under it never changes; a year is the longest that caches honour.
HASHED_CACHE_CONTROL = "public, max-age=31536000, immutable"
HASH_LENGTH = 12  # hex digits: 48 bits tell the versions of one product apart for ever, and stay readable


@lru_cache(maxsize=1)
def static_version() -> str:
    """The hash of all static files together, as hex digits.

    One hash for the whole tree and not one per file: modules import each other by relative paths, and so
    stay within their own version.
    """
    digest = hashlib.sha256()
    for path in sorted(STATIC_FOLDER.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC_FOLDER).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:HASH_LENGTH]


def static_url(path: str) -> str:
    """The address of a file of the static folder, for example ``css/base.css``."""
    return f"{STATIC_PATH}/{static_version()}/{path}"


class _VersionedFiles(StaticFiles):
    """Serves ``/<any version>/<path>``: only the version of now may be kept by caches."""

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        return str(Path(*Path(path).parts[1:]))

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        current = f"/{static_version()}/" in scope["path"]
        response.headers["Cache-Control"] = HASHED_CACHE_CONTROL if current else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        # A worker obeys the policy that came with its own script, not the page's.
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


def static_files() -> StaticFiles:
    """The application to mount at `STATIC_PATH`."""
    return _VersionedFiles(directory=STATIC_FOLDER)


def local_time(moment: datetime.datetime, time_zone: str) -> str:
    """A clock time at a place, ``19:28`` in every language; `time_zone` is an IANA name."""
    return moment.astimezone(zoneinfo.ZoneInfo(time_zone)).strftime("%H:%M")


def local_day(moment: datetime.datetime, time_zone: str, language: str = ENGLISH) -> str:
    """A day at a place, ``Fri 13 March`` or ``周五 3月13日``; `time_zone` is an IANA name."""
    return _date(moment, time_zone, language, {ENGLISH: "EEE d MMMM", CHINESE: "EEE M月d日"})


def local_date(moment: datetime.datetime, time_zone: str, language: str = ENGLISH) -> str:
    """A day of any year at a place, ``13 March 2026`` or ``2026年3月13日``; `time_zone` is an IANA name."""
    return _date(moment, time_zone, language, {ENGLISH: "d MMMM y", CHINESE: "y年M月d日"})


def local_when(
    starts_at: datetime.datetime, ends_at: datetime.datetime, time_zone: str, say: Texts = texts.IN_ENGLISH
) -> str:
    """A day and from when to when at a place, ``Fri 13 March, 19:00 to 21:00``; both ends' days where it takes days."""
    hours = clocks.hours(starts_at, ends_at, time_zone, say)
    if clocks.takes_days(clocks.there(starts_at, time_zone), clocks.there(ends_at, time_zone)):
        return hours
    return say.gettext("%(day)s, %(hours)s", day=local_day(starts_at, time_zone, say.language), hours=hours)


def local_weekday(moment: datetime.datetime, time_zone: str, language: str = ENGLISH) -> str:
    """The day of the week at a place, short, ``Fri`` or ``周五``; `time_zone` is an IANA name."""
    return _date(moment, time_zone, language, {ENGLISH: "EEE", CHINESE: "EEE"})


def _date_name(date: datetime.date, language: str) -> str:
    """A day of this week, ``Friday`` or ``星期五``."""
    return dates.format_date(date, "EEEE", locale=texts.TAGS[language].replace("-", "_"))


def local_day_number(moment: datetime.datetime, time_zone: str) -> int:
    """The day of the month at a place; `time_zone` is an IANA name."""
    return moment.astimezone(zoneinfo.ZoneInfo(time_zone)).day


def _date(moment: datetime.datetime, time_zone: str, language: str, patterns: Mapping[str, str]) -> str:
    local = moment.astimezone(zoneinfo.ZoneInfo(time_zone))
    return dates.format_date(local, patterns[language], locale=texts.TAGS[language].replace("-", "_"))


def rfc3339(moment: datetime.datetime) -> str:
    """A moment as RFC 3339 in UTC, for ``<time datetime>``; `moment` must know its zone."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def initials(name: str) -> str:
    """Up to two letters that stand for a name: ``LW`` for Li Wei, the first sign of a Chinese name."""
    words = [word for word in name.replace(".", " ").split() if word]
    if not words:
        return ""
    if not words[0].isascii():
        return words[0][0]
    return "".join(word[0] for word in words[:2]).upper()


def uses(*features: str) -> str:
    """Said by a template or macro of what its scripts ask the browser for: `{{ uses("camera") }}`; prints nothing.

    Raises ValueError for what is none of `FEATURES`.
    """
    for feature in features:
        if feature not in FEATURES:
            raise ValueError(f"{feature} is none of {', '.join(FEATURES)}")
    _used.get(set()).update(features)
    return ""


def permissions_policy(used: Collection[str]) -> str:
    """The header that opens what is used to our own pages, and closes everything else."""
    opened = [f"{feature}=({'self' if feature in used else ''})" for feature in FEATURES]
    return ", ".join([*opened, "microphone=()"])


@cache
def environment(language: str = ENGLISH) -> jinja2.Environment:
    """The Jinja environment of a language: autoescaped, a missing variable is a fault, texts pass through gettext."""
    say = texts.of(language)
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        say.look_up, say.look_up_plural, newstyle=True
    )
    made.globals["static"] = static_url
    made.globals["uses"] = uses
    made.globals["language"] = say.tag
    made.filters["local_time"] = local_time
    made.filters["local_day"] = partial(local_day, language=say.language)
    made.filters["local_date"] = partial(local_date, language=say.language)
    made.filters["local_hours"] = partial(clocks.hours, say=say)
    made.filters["local_when"] = partial(local_when, say=say)
    made.filters["local_weekday"] = partial(local_weekday, language=say.language)
    made.filters["week_day"] = partial(_date_name, language=say.language)
    made.filters["local_day_number"] = local_day_number
    made.filters["rfc3339"] = rfc3339
    made.filters["initials"] = initials
    return made


def page(
    request: Request,
    name: str,
    /,
    *,
    viewer: Member | None = None,
    say: Texts | None = None,
    status_code: int = 200,
    **context: Any,
) -> HTMLResponse:
    """A page from a template in the reader's language, or in `say`, with the headers that every page carries.

    Each template says at its top which `context` it takes; what the frame around it takes is found here.

    Raises:
        jinja2.UndefinedError: a variable that the template needs is missing.
    """
    say = say or texts_for(request)
    frame = {
        "viewer": None if viewer is None else _reader(viewer, say),
        "demo": requests.context(request).settings.server.demo,
        "path": request.url.path,
    }
    answer = respond(environment(say.language).get_template(name), {**frame, **context}, status_code)
    answer.headers.update(language_headers(say))
    return answer


def _reader(member: Member, say: Texts) -> dict[str, Any]:
    """Who looks, as the frame shows it. unread: how many notifications wait for her."""
    session = object_session(member)
    return {
        "id": member.id,
        "name": say.name(member.name, member.simulated),
        "operator": member.operator,
        "unread": 0 if session is None else inbox.count_unread(session, member_id=member.id),
    }


def respond(template: jinja2.Template, values: Mapping[str, Any], status_code: int = 200) -> HTMLResponse:
    """What a template makes, with the headers that every page carries; it may use what the template `uses`."""
    used: set[str] = set()
    token = _used.set(used)
    try:
        html = template.render(values)
    finally:
        _used.reset(token)
    headers = {
        **SECURITY_HEADERS,
        "Permissions-Policy": permissions_policy(used),
        "Cache-Control": PAGE_CACHE_CONTROL,
    }
    return HTMLResponse(html, status_code=status_code, headers=headers)


def quote(path: str) -> str:
    """A path as a part of a query."""
    return urllib.parse.quote(path, safe="/")


def language_headers(say: Texts) -> dict[str, str]:
    """Which language an answer is in, and by what it was chosen: the browser's, and who is signed in."""
    return {"Content-Language": say.tag, "Vary": "Accept-Language, Cookie"}
