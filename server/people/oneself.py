"""Oneself over HTTP: name, language and address, passkeys, sessions, tokens, password, and what one helps to run."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from config.settings import Settings
from server import versions
from server.limits.callers import InCaller
from server.limits.service import Caller
from server.people import access, codes, cookies, guests, passkeys, passwords, profile, roles, schema, sessions, tokens
from server.people import service as people
from server.people.model import Member
from server.requests import IfMatch, InPage, InSettings, InTransaction, Now, Number

router = APIRouter(prefix="/api/me", tags=["people"])

FRESH = dt.timedelta(minutes=15)  # as long as a form is filled in: after that a phone may have changed hands


@router.get("")
def get_me(viewer: access.Viewer, response: Response) -> schema.MeOut:
    """Who is signed in."""
    versions.tell(response, viewer)
    return schema.show_me(viewer)


@router.patch("")
def change_me(
    wanted: schema.MeChange,
    viewer: access.Viewer,
    response: Response,
    session: InTransaction,
    if_match: IfMatch = None,
) -> schema.MeOut:
    """Changes your name, what you say of yourself, your language or your time zone."""
    changes = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    member = profile.change(session, viewer.id, if_match=if_match, **changes)
    versions.tell(response, member)
    return schema.show_me(member)


@router.post("/email", status_code=202)
def ask_for_address(
    wanted: schema.AskCode,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
) -> schema.AskedOut:
    """Sends a code to the address that is to be yours. A guest who leaves one is none any more."""
    lifetime = dt.timedelta(minutes=settings.people.code_minutes)
    asked = codes.ask(
        session,
        caller,
        email=wanted.email,
        language=wanted.language or say.language,
        lifetime=lifetime,
        url=settings.server.url,
        for_id=viewer.id,
    )
    return schema.AskedOut(asked=asked, expires_at=caller.now + lifetime)


@router.post("/email/prove")
def prove_address(
    wanted: schema.UseCode,
    viewer: access.InPerson,
    request: Request,
    response: Response,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
) -> schema.MeOut:
    """Makes the address yours by its code. Of a guest whose address a member has, all becomes that member's."""
    proved = codes.prove(session, caller, asked=wanted.asked, code=wanted.code)
    if proved.for_id != viewer.id:
        raise codes.CodeSpent
    entered = guests.enter(session, proved, now=caller.now)
    cookies.enter(request, response, session, settings, member_id=entered.member_id, how="code", now=caller.now)
    return schema.show_me(people.get(session, entered.member_id))


@router.get("/sessions")
def list_sessions(
    viewer: access.Viewer, request: Request, session: InTransaction, page: InPage, now: Now
) -> list[schema.SessionOut]:
    """The browsers that you are signed in with, the last used first."""
    token = access.session_token(request)
    found = sessions.list_of(session, member_id=viewer.id, now=now, page=page)
    return [schema.show_session(row, sessions.is_this(row, token)) for row in found]


@router.delete("/sessions", status_code=204)
def end_other_sessions(viewer: access.InPerson, request: Request, session: InTransaction) -> None:
    """Signs you out everywhere but here."""
    sessions.end_others(session, member_id=viewer.id, token=access.session_token(request))


@router.delete("/sessions/{number}", status_code=204)
def end_session(number: Number, viewer: access.InPerson, session: InTransaction) -> None:
    """Signs you out there."""
    sessions.end(session, member_id=viewer.id, number=number)


@router.get("/tokens")
def list_tokens(viewer: access.Viewer, session: InTransaction, now: Now) -> list[schema.TokenOut]:
    """Your API tokens, the newest first."""
    return [schema.show_token(token) for token in tokens.list_of(session, member_id=viewer.id, now=now)]


@router.post("/tokens", status_code=201)
def make_token(
    wanted: schema.NewToken, viewer: access.OwnAccount, session: InTransaction, now: Now
) -> schema.TokenMade:
    """Makes an API token, shown this once: a program that has it acts as you, but makes no tokens or sessions."""
    token, text = tokens.make(session, member_id=viewer.id, name=wanted.name, ends_at=wanted.ends_at, now=now)
    return schema.TokenMade(**schema.show_token(token).model_dump(), token=text)


@router.delete("/tokens/{number}", status_code=204)
def revoke_token(number: Number, viewer: access.InPerson, session: InTransaction) -> None:
    """Takes a token back, at once."""
    tokens.revoke(session, member_id=viewer.id, number=number)


@router.get("/passkeys")
def list_passkeys(viewer: access.Viewer, session: InTransaction) -> list[schema.PasskeyOut]:
    """Your passkeys, the newest first."""
    return [schema.show_passkey(passkey) for passkey in passkeys.list_of(session, member_id=viewer.id)]


@router.post("/passkeys/options")
def offer_passkey(viewer: access.OwnAccount, session: InTransaction, settings: InSettings, now: Now) -> dict[str, Any]:
    """What a browser needs to make a passkey (PublicKeyCredentialCreationOptions)."""
    return passkeys.offer(session, member=viewer, settings=settings, now=now)


@router.post("/passkeys", status_code=201)
def add_passkey(
    wanted: schema.Credential, viewer: access.OwnAccount, session: InTransaction, settings: InSettings, now: Now
) -> schema.PasskeyOut:
    """Keeps a passkey that your browser has just made."""
    passkey = passkeys.add(
        session,
        member=viewer,
        credential=wanted.credential.model_dump(exclude_none=True),
        name=wanted.name,
        settings=settings,
        now=now,
    )
    return schema.show_passkey(passkey)


@router.patch("/passkeys/{number}")
def rename_passkey(
    number: Number, wanted: schema.NewName, viewer: access.InPerson, session: InTransaction
) -> schema.PasskeyOut:
    """Calls a passkey something else."""
    return schema.show_passkey(passkeys.rename(session, member_id=viewer.id, number=number, name=wanted.name))


@router.delete("/passkeys/{number}", status_code=204)
def remove_passkey(number: Number, viewer: access.InPerson, session: InTransaction) -> None:
    """Removes a passkey: it signs nobody in any more."""
    passkeys.remove(session, member_id=viewer.id, number=number)


@router.put("/password", status_code=204)
def choose_password(
    wanted: schema.NewPassword,
    viewer: access.OwnAccount,
    request: Request,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
) -> None:
    """Makes this your password; where you have one, say it too, unless you have just signed in with a code."""
    set_password(
        session,
        caller,
        settings,
        viewer=viewer,
        token=access.session_token(request),
        password=wanted.password,
        current=wanted.current or "",
    )


@router.delete("/password", status_code=204)
def remove_password(viewer: access.InPerson, session: InTransaction) -> None:
    """Forgets your password; codes and passkeys still sign you in."""
    passwords.remove(session, member_id=viewer.id)


@router.get("/roles")
def list_roles(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.RoleOut]:
    """What you help to run beside what is yours."""
    return [
        schema.RoleOut.model_validate({"kind": role.kind, "id": role.of_id, "given_at": role.given_at})
        for role in roles.all_of(session, member_id=viewer.id, page=page)
    ]


def set_password(
    session: Session, caller: Caller, settings: Settings, *, viewer: Member, token: str, password: str, current: str
) -> None:
    """Makes this a member's password and ends her other sessions; raises NoPasswords, PasswordWrong, PasswordUnfit."""
    passwords.check_allowed(settings)
    if passwords.has_one(session, member_id=viewer.id) and not sessions.is_fresh(
        session, token=token, now=caller.now, within=FRESH
    ):
        passwords.prove(session, caller, email=viewer.email or "", password=current)
    passwords.choose(session, member_id=viewer.id, password=password, now=caller.now)
    sessions.end_others(session, member_id=viewer.id, token=token)
