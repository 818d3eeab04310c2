"""Signing in over HTTP: by a code from an e-mail, by a passkey, by a password where there are any."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Request, Response

from server.limits import service as limits
from server.limits.callers import InCaller
from server.limits.service import Rate
from server.people import access, codes, cookies, guests, passkeys, passwords, schema
from server.people import service as people
from server.requests import InSettings, InTransaction, Now

strangers = APIRouter(prefix="/api/sign-in", tags=["people"])


@strangers.post("/codes", status_code=202)
def ask_for_code(
    wanted: schema.AskCode,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    viewer: access.ViewerIfAny,
    say: access.Say,
) -> schema.AskedOut:
    """Sends a code of six digits, and a link, to an e-mail address. The answer is the same whether it is known here.

    Asked by a guest, the address becomes hers with the code, and what she did stays hers.
    """
    lifetime = dt.timedelta(minutes=settings.people.code_minutes)
    asked = codes.ask(
        session,
        caller,
        email=wanted.email,
        language=wanted.language or say.language,
        lifetime=lifetime,
        url=settings.server.url,
        for_id=viewer.id if viewer is not None and viewer.guest else None,
    )
    return schema.AskedOut(asked=asked, expires_at=caller.now + lifetime)


@strangers.post("/codes/use")
def use_code(
    wanted: schema.UseCode,
    request: Request,
    response: Response,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
) -> schema.MeOut:
    """Signs in with a code; five tries, ten minutes. Who was not known is from now on."""
    proved = codes.prove(session, caller, asked=wanted.asked, code=wanted.code)
    entered = guests.enter(session, proved, now=caller.now)
    cookies.enter(request, response, session, settings, member_id=entered.member_id, how="code", now=caller.now)
    return schema.show_me(people.get(session, entered.member_id))


@strangers.post("/passkey/options")
def ask_for_passkey(session: InTransaction, caller: InCaller, settings: InSettings, now: Now) -> dict[str, Any]:
    """What a browser needs to ask its owner for a passkey (PublicKeyCredentialRequestOptions)."""
    rate = Rate(caller.rates.asks_at_once, caller.rates.asks_per_h)
    limits.take(caller.engine, "passkeys from", caller.network, now=now, rate=rate)
    return passkeys.ask(session, settings=settings, now=now)


@strangers.post("/passkey")
def use_passkey(
    wanted: schema.Credential,
    request: Request,
    response: Response,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.MeOut:
    """Signs in with a passkey."""
    member_id = passkeys.prove(
        session, credential=wanted.credential.model_dump(exclude_none=True), settings=settings, now=now
    )
    cookies.enter(request, response, session, settings, member_id=member_id, how="passkey", now=now)
    return schema.show_me(people.get(session, member_id))


@strangers.post("/password")
def use_password(
    wanted: schema.UsePassword,
    request: Request,
    response: Response,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
) -> schema.MeOut:
    """Signs in with an address and its password, where the operator allows passwords."""
    passwords.check_allowed(settings)
    member_id = passwords.prove(session, caller, email=wanted.email, password=wanted.password)
    cookies.enter(request, response, session, settings, member_id=member_id, how="password", now=caller.now)
    return schema.show_me(people.get(session, member_id))
