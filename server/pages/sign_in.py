"""The pages of signing in: an address, its code, a link, a password, the demonstration's people; and signing out."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server.errors import MusterError, NotFound, Refused, http_status
from server.limits import service as limits
from server.limits.callers import InCaller
from server.limits.service import Caller
from server.pages import facts, render
from server.people import access, codes, cookies, guests, passkeys, passwords
from server.people import routes as people_routes
from server.people import service as people
from server.people.model import Member
from server.requests import InSettings, InTransaction, Now

strangers = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
TOKEN_MAX_LENGTH = 200  # ours have 43
Path = Annotated[str, Form(max_length=2000)]
Text = Annotated[str, Form(max_length=2000)]


def check_next(path: str) -> str:
    """The path to go to after signing in: one of this site, whatever a link says; otherwise the start.

    Browsers read `//host` and `/\\host` as another site, and drop tabs and line ends from an address.
    """
    plain = path.isprintable() and path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if plain and not path.startswith("/sign-") else "/"


@strangers.api_route("/sign-in", methods=READ)
def show_sign_in(
    request: Request, session: InTransaction, settings: InSettings, say: access.Say, next: str = "/"
) -> Response:
    """One field for an address; in a demonstration the choice of a person before it."""
    return _page(request, session, settings, say, next=next)


@strangers.post("/sign-in")
def choose(
    request: Request,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    member: Annotated[str, Form(max_length=64)],
    next: Path = "/",
) -> Response:
    """Signs in as one of the demonstration's people."""
    chosen = people_routes.check_choosable(session, settings, member)
    response = RedirectResponse(check_next(next), status_code=303)
    cookies.enter(request, response, session, settings, member_id=chosen.id, how="name", now=now)
    return response


@strangers.post("/sign-in/email")
def ask_for_code(
    request: Request,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    viewer: access.ViewerIfAny,
    say: access.Say,
    email: Text = "",
    next: Path = "/",
) -> Response:
    """Sends a code to an address and leads to where it is typed; the same for every address."""
    try:
        asked = codes.ask(
            session,
            caller,
            email=email,
            language=say.language,
            lifetime=dt.timedelta(minutes=settings.people.code_minutes),
            url=settings.server.url,
            for_id=viewer.id if viewer is not None and viewer.guest else None,
        )
    except MusterError as error:
        return _page(request, session, settings, say, next=next, error=error, email=email)
    response = RedirectResponse(f"/sign-in/code?next={render.quote(check_next(next))}", status_code=303)
    cookies.keep_asked(request, response, asked, settings)
    return response


@strangers.api_route("/sign-in/code", methods=READ)
def show_code(
    request: Request, session: InTransaction, settings: InSettings, now: Now, say: access.Say, next: str = "/"
) -> Response:
    """One field for the six digits."""
    return code_page(request, session, settings, now, say, next=next)


@strangers.post("/sign-in/code")
def use_code(
    request: Request,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    code: Text = "",
    next: Path = "/",
) -> Response:
    """Signs in with a code."""
    try:
        proved = codes.prove(session, caller, asked=request.cookies.get(cookies.ASKED, ""), code=code)
        entered = guests.enter(session, proved, now=caller.now)
    except MusterError as error:
        return code_page(request, session, settings, caller.now, say, next=next, error=error)
    return _come_in(request, session, settings, caller.now, entered.member_id, "code", next)


@strangers.post("/sign-in/password")
def use_password(
    request: Request,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    email: Text = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Path = "/",
) -> Response:
    """Signs in with an address and its password."""
    passwords.check_allowed(settings)
    try:
        member_id = passwords.prove(session, caller, email=email, password=password)
    except MusterError as error:
        return _page(request, session, settings, say, next=next, error=error, email=email)
    return _come_in(request, session, settings, caller.now, member_id, "password", next)


@strangers.api_route("/sign-in/{token}", methods=READ)
def show_link(request: Request, token: str, session: InTransaction, now: Now) -> Response:
    """Asks whether to use a one-time link: whatever looks at links before people do must not use them up."""
    return _link_page(request, _whose(session, token, now))


@strangers.post("/sign-in/{token}")
def use_link(request: Request, token: str, session: InTransaction, settings: InSettings, caller: InCaller) -> Response:
    """Uses a one-time link up and signs in: one of a letter, or one that an operator made."""
    try:
        member_id = _use(session, caller, token[:TOKEN_MAX_LENGTH])
    except (NotFound, Refused):
        return _link_page(request, None)
    return _come_in(request, session, settings, caller.now, member_id, "link", "/")


@strangers.post("/sign-out")
def sign_out(request: Request, session: InTransaction) -> Response:
    """Ends this browser's session; one that has ended already is fine."""
    people.sign_out(session, token=access.session_token(request))
    response = RedirectResponse("/", status_code=303)
    cookies.forget(response)
    return response


def code_page(
    request: Request,
    session: Session,
    settings: Settings,
    now: dt.datetime,
    say: access.Say,
    *,
    next: str,
    error: MusterError | None = None,
    viewer: Member | None = None,
    action: str = "/sign-in/code",
    back: str = "/sign-in",
) -> Response:
    """Where a code is typed; for signing in, and for an address that is to be a member's."""
    proof = codes.asked_for(session, asked=request.cookies.get(cookies.ASKED, ""), now=now)
    return render.page(
        request,
        "sign_in_code.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        address=proof.address if proof is not None else None,
        minutes=settings.people.code_minutes,
        posted=bool(settings.mail.host),
        action=action,
        back=back,
        next=check_next(next),
        sentence=say.gettext(error.template, **error.values) if error is not None else None,
    )


def _page(
    request: Request,
    session: Session,
    settings: Settings,
    say: access.Say,
    *,
    next: str,
    error: MusterError | None = None,
    email: str = "",
) -> Response:
    demo = settings.server.demo
    return render.page(
        request,
        "sign_in.html",
        status_code=http_status(error) if error is not None else 200,
        people=facts.choices(people.demo_members(session), say) if demo else [],
        next=check_next(next),
        email=email,
        passwords=settings.people.passwords,
        sentence=say.gettext(error.template, **error.values) if error is not None else None,
    )


def _come_in(
    request: Request, session: Session, settings: Settings, now: dt.datetime, member_id: str, how: str, next: str
) -> Response:
    """Signs in, and leads on; over the welcome page if there is something to ask or to offer."""
    member = people.get(session, member_id)
    local = request.url.hostname in ("localhost", "127.0.0.1")
    offers = how != "password" and (local or cookies.is_secure(request, settings))
    welcome = guests.is_placeholder(member) or (offers and not passkeys.has_any(session, member_id=member_id))
    onward = check_next(next)
    response = RedirectResponse(f"/me/welcome?next={render.quote(onward)}" if welcome else onward, status_code=303)
    response.delete_cookie(cookies.ASKED, httponly=True, samesite="lax")
    cookies.enter(request, response, session, settings, member_id=member_id, how=how, now=now)
    return response


def _whose(session: Session, token: str, now: dt.datetime) -> str | None:
    """Whom a link would sign in: a name, or the address of a letter; None when it does not any more."""
    if len(token) > TOKEN_MAX_LENGTH:
        return None
    proof = codes.look_at_link(session, link=token, now=now)
    if proof is not None:
        return proof.address
    try:
        return people.look_at_link(session, token=token, now=now).name
    except (NotFound, Refused):
        return None


def _use(session: Session, caller: Caller, token: str) -> str:
    with limits.guessing(session, caller, "link", NotFound):
        if codes.look_at_link(session, link=token, now=caller.now) is not None:
            return guests.enter(session, codes.use_link(session, link=token, now=caller.now), now=caller.now).member_id
        return people.use_link(session, token=token, now=caller.now)


def _link_page(request: Request, name: str | None) -> Response:
    return render.page(
        request,
        "sign_in_link.html",
        status_code=200 if name else 410,
        name=name,
        action=request.url.path,
    )
