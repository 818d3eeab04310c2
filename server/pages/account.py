"""One's own page: name, language, address, passkeys, browsers, tokens, a password where allowed; and the welcome."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server.errors import MusterError, http_status
from server.interests import service as interests
from server.limits.callers import InCaller
from server.pages import render
from server.pages.hosted import part
from server.pages.interests import offered
from server.pages.sign_in import READ, Path, Text, check_next, code_page
from server.people import access, codes, cookies, guests, oneself, passkeys, passwords, profile, roles, sessions, tokens
from server.people.model import Member
from server.requests import InSettings, InTransaction, Now, Number
from server.texts import Texts

router = APIRouter(include_in_schema=False)

CONSENT = "/me/consent"
TOKEN_DAYS = (7, 30, 90, 365)  # what the form offers: a trial, a month, a season, a year
LOCAL_TIME_ZONE = "UTC"  # for the times of somebody who has not said hers


@router.api_route("/me", methods=READ)
def show_me(
    request: Request, viewer: access.InPerson, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """Everything about how she is known here."""
    return _page(request, viewer, session, settings, now, say)


@router.api_route("/me/welcome", methods=READ)
def show_welcome(request: Request, viewer: access.InPerson, session: InTransaction, next: str = "/") -> Response:
    """After signing in: how she wants to be called, and a passkey for the next time; both can wait."""
    return render.page(
        request,
        "account_welcome.html",
        viewer=viewer,
        nameless=guests.is_placeholder(viewer),
        has_passkey=passkeys.has_any(session, member_id=viewer.id),
        next=check_next(next),
    )


@router.post("/me")
def change_me(
    request: Request,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    name: Annotated[str, Form(max_length=1000)] = "",
    language: Annotated[str | None, Form(max_length=10)] = None,
    time_zone: Annotated[str | None, Form(max_length=64)] = None,
    version: Annotated[str | None, Form(max_length=40)] = None,
    next: Path = "/me",
) -> Response:
    """Changes name, language and time zone; the welcome page asks for the name alone."""
    wanted: dict[str, str | None] = {"name": name}
    if language is not None:
        wanted["language"] = language if language in ("en", "zh") else None
    if time_zone is not None:
        wanted["time_zone"] = time_zone.strip() or None
    try:
        with session.begin_nested():
            profile.change(session, viewer.id, if_match=version, **wanted)
    except MusterError as error:
        return _page(request, viewer, session, settings, now, say, error=error)
    return RedirectResponse(check_next(next), status_code=303)


@router.post("/me/interests")
def choose_interests(
    request: Request,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    interest: Annotated[list[str], Form(max_length=200)] = [],  # noqa: B006 -- FastAPI copies it
) -> Response:
    """Keeps what she is interested in: exactly these."""
    try:
        with session.begin_nested():
            interests.choose_for_member(session, member_id=viewer.id, ids=interest)
    except MusterError as error:
        return _page(request, viewer, session, settings, now, say, error=error)
    return RedirectResponse("/me#interests", status_code=303)


@router.post("/me/email")
def ask_for_address(
    request: Request,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    email: Text = "",
) -> Response:
    """Sends a code to the address that is to be hers."""
    try:
        asked = codes.ask(
            session,
            caller,
            email=email,
            language=say.language,
            lifetime=dt.timedelta(minutes=settings.people.code_minutes),
            url=settings.server.url,
            for_id=viewer.id,
        )
    except MusterError as error:
        return _page(request, viewer, session, settings, caller.now, say, error=error)
    response = RedirectResponse("/me/email", status_code=303)
    cookies.keep_asked(request, response, asked, settings)
    return response


@router.api_route("/me/email", methods=READ)
def show_code(
    request: Request, viewer: access.InPerson, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """One field for the six digits."""
    return code_page(
        request, session, settings, now, say, next="/me", viewer=viewer, action="/me/email/prove", back="/me"
    )


@router.post("/me/email/prove")
def prove_address(
    request: Request,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    code: Text = "",
) -> Response:
    """Makes the address hers."""
    try:
        proved = codes.prove(session, caller, asked=request.cookies.get(cookies.ASKED, ""), code=code)
        if proved.for_id != viewer.id:
            raise codes.CodeSpent
        entered = guests.enter(session, proved, now=caller.now)
    except MusterError as error:
        return code_page(
            request, session, settings, caller.now, say,
            next="/me", error=error, viewer=viewer, action="/me/email/prove", back="/me",
        )  # fmt: skip
    response = RedirectResponse("/me", status_code=303)
    response.delete_cookie(cookies.ASKED, httponly=True, samesite="lax")
    cookies.enter(request, response, session, settings, member_id=entered.member_id, how="code", now=caller.now)
    return response


@router.post("/me/passkeys/{number}/name")
def rename_passkey(
    number: Number,
    viewer: access.InPerson,
    session: InTransaction,
    name: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Calls a passkey something else."""
    passkeys.rename(session, member_id=viewer.id, number=number, name=name)
    return RedirectResponse("/me#passkeys", status_code=303)


@router.post("/me/passkeys/{number}/remove")
def remove_passkey(number: Number, viewer: access.InPerson, session: InTransaction) -> Response:
    """Removes a passkey."""
    passkeys.remove(session, member_id=viewer.id, number=number)
    return RedirectResponse("/me#passkeys", status_code=303)


@router.post("/me/sessions/{number}/end")
def end_session(number: Number, viewer: access.InPerson, session: InTransaction) -> Response:
    """Signs out there."""
    sessions.end(session, member_id=viewer.id, number=number)
    return RedirectResponse("/me#browsers", status_code=303)


@router.post("/me/sessions/end-others")
def end_others(request: Request, viewer: access.InPerson, session: InTransaction) -> Response:
    """Signs out everywhere else."""
    sessions.end_others(session, member_id=viewer.id, token=access.session_token(request))
    return RedirectResponse("/me#browsers", status_code=303)


@router.post("/me/tokens")
def make_token(
    request: Request,
    viewer: access.OwnAccount,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    name: Annotated[str, Form(max_length=1000)] = "",
    days: Annotated[int, Form(ge=1, le=tokens.MOST_DAYS)] = 90,
) -> Response:
    """Makes a token and shows it, this once."""
    try:
        _, made = tokens.make(session, member_id=viewer.id, name=name, ends_at=now + dt.timedelta(days=days), now=now)
    except MusterError as error:
        return _page(request, viewer, session, settings, now, say, error=error)
    return _page(request, viewer, session, settings, now, say, made=made)


@router.post("/me/tokens/{number}/revoke")
def revoke_token(number: Number, viewer: access.InPerson, session: InTransaction) -> Response:
    """Takes a token back."""
    tokens.revoke(session, member_id=viewer.id, number=number)
    return RedirectResponse("/me#tokens", status_code=303)


@router.post("/me/password")
def choose_password(
    request: Request,
    viewer: access.OwnAccount,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    password: Annotated[str, Form(max_length=1000)] = "",
    current: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Sets or changes her password."""
    try:
        oneself.set_password(
            session,
            caller,
            settings,
            viewer=viewer,
            token=access.session_token(request),
            password=password,
            current=current,
        )
    except MusterError as error:
        return _page(request, viewer, session, settings, caller.now, say, error=error)
    return RedirectResponse("/me#password", status_code=303)


@router.post("/me/password/remove")
def remove_password(viewer: access.InPerson, session: InTransaction) -> Response:
    """Forgets her password."""
    passwords.remove(session, member_id=viewer.id)
    return RedirectResponse("/me#password", status_code=303)


def _page(
    request: Request,
    viewer: Member,
    session: Session,
    settings: Settings,
    now: dt.datetime,
    say: Texts,
    *,
    error: MusterError | None = None,
    made: str | None = None,
) -> Response:
    token = access.session_token(request)
    mine = {one.id for one in interests.of_member(session, member_id=viewer.id)}
    shown: dict[str, Any] = {
        "browsers": [
            {
                "number": row.number,
                "browser": row.browser,
                "how": row.how,
                "since": row.created_at,
                "seen": row.seen_at,
                "this": sessions.is_this(row, token),
            }
            for row in sessions.list_of(session, member_id=viewer.id, now=now)
        ],
        "passkeys": passkeys.list_of(session, member_id=viewer.id),
        "tokens": tokens.list_of(session, member_id=viewer.id, now=now),
        "interests": [
            {"id": one.id, "name": interests.name_of(one, say), "mine": one.id in mine}
            for one in offered(session, mine)
        ],
        "parts": [part(session, role, say) for role in roles.all_of(session, member_id=viewer.id)],
        "has_password": passwords.has_one(session, member_id=viewer.id),
        "fresh": sessions.is_fresh(session, token=token, now=now, within=oneself.FRESH),
    }
    return render.page(
        request,
        "account.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        me=viewer,
        nameless=guests.is_placeholder(viewer),
        time_zone=viewer.time_zone or LOCAL_TIME_ZONE,
        guest_days=settings.people.guest_days,
        passwords=settings.people.passwords,
        token_days=TOKEN_DAYS,
        made=made,
        consent_href=CONSENT if _is_there(request, CONSENT) else None,
        sentence=say.gettext(error.template, **error.values) if error is not None else None,
        **shown,
    )


def _is_there(request: Request, path: str) -> bool:
    """Whether this server has such a page."""
    routers = (router for router in request.app.router.routes if hasattr(router, "effective_route_contexts"))
    return any(route.path == path for router in routers for route in router.effective_route_contexts())
