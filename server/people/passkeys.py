"""Passkeys: keys that phones and computers keep for their owners (WebAuthn Level 3), read by the library `webauthn`.

They are discoverable, so signing in asks for no name, and only for this server's own name, so no other site can ask for
them. A challenge is used once. They exist only where browsers trust the connection, and for names, never for numbers.
"""

import datetime as dt
import ipaddress
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, structs
from webauthn.helpers.exceptions import WebAuthnException

from config.settings import Settings
from server import names
from server.errors import Conflict, Invalid, NotFound, Refused
from server.people.hashing import hash_token
from server.people.model import Challenge, Member, Passkey

CHALLENGE_LIFETIME = dt.timedelta(minutes=10)  # conditional ones lie in wait while somebody reads the page
MOST_PASSKEYS = 20  # of one member: a phone, a computer, two sticks, and what she forgot
LOCAL = "localhost"
TRANSPORTS = {transport.value for transport in structs.AuthenticatorTransport}


class PasskeyUnknown(Refused):
    """This passkey is none of ours. Sign in with a code instead, then add it again."""

    code = "passkey_unknown"


class PasskeyWrong(Refused):
    """This passkey did not answer what it was asked. Please try again."""

    code = "passkey_wrong"


class PasskeyCopied(Refused):
    """This passkey counts backwards: somebody may have a copy of it. Sign in with a code, and remove it."""

    code = "passkey_copied"


class PasskeyGone(NotFound):
    """You have no such passkey."""

    code = "passkey_gone"


class PasskeyThere(Conflict):
    """This passkey is yours already."""

    code = "passkey_there"


class TooManyPasskeys(Conflict):
    """You have as many passkeys as one can have; remove one first."""

    code = "too_many_passkeys"


class NoName(Invalid):
    """Passkeys are kept for names, and this server is reached by a number."""

    code = "no_name"


@dataclass(frozen=True, slots=True)
class Party:
    """Whom passkeys are for: this server by its name (id), at these addresses."""

    id: str
    origins: list[str]


def party(settings: Settings) -> Party:
    """This server as passkeys know it; on one's own machine its name is localhost. Raises NoName."""
    address = urlsplit(settings.server.url)
    host = address.hostname or ""
    origin = f"{address.scheme}://{address.netloc}"
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return Party(host, [origin])
    if not number.is_loopback:
        raise NoName
    port = f":{address.port}" if address.port else ""
    return Party(LOCAL, [f"{address.scheme}://{LOCAL}{port}"])


def offer(session: Session, *, member: Member, settings: Settings, now: dt.datetime) -> dict[str, Any]:
    """What a browser needs to make a passkey for a member; raises NoName, TooManyPasskeys."""
    mine = list_of(session, member_id=member.id)
    if len(mine) >= MOST_PASSKEYS:
        raise TooManyPasskeys
    options = webauthn.generate_registration_options(
        rp_id=party(settings).id,
        rp_name="muster",
        user_id=member.id.encode(),
        user_name=member.email or member.name,
        user_display_name=member.name,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=key.credential_id) for key in mine],
    )
    return _challenge(session, options, options.challenge, member.id, now)


def add(
    session: Session, *, member: Member, credential: dict[str, Any], name: str, settings: Settings, now: dt.datetime
) -> Passkey:
    """Keeps a passkey that a browser has just made; raises PasskeyWrong, PasskeyThere, Invalid."""
    challenge = _take_challenge(session, credential, member.id, now)
    named, here = names.check_name(name, "passkey"), party(settings)
    try:
        made = webauthn.verify_registration_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=here.id, expected_origin=here.origins
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyWrong from None
    if session.scalar(select(Passkey.number).where(Passkey.credential_id == made.credential_id)) is not None:
        raise PasskeyThere
    told = credential.get("response", {}).get("transports")
    passkey = Passkey(
        credential_id=made.credential_id,
        member_id=member.id,
        name=named,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=sorted(TRANSPORTS & set(told)) if isinstance(told, list) and all(map(_is_text, told)) else [],
        made_at=now,
    )
    session.add(passkey)
    session.flush()
    return passkey


def ask(session: Session, *, settings: Settings, now: dt.datetime) -> dict[str, Any]:
    """What a browser needs to sign somebody in with any passkey that it has for this server; raises NoName."""
    options = webauthn.generate_authentication_options(rp_id=party(settings).id)
    return _challenge(session, options, options.challenge, None, now)


def prove(session: Session, *, credential: dict[str, Any], settings: Settings, now: dt.datetime) -> str:
    """Whose passkey this is: the id of its member; raises PasskeyUnknown, PasskeyWrong, PasskeyCopied."""
    challenge = _take_challenge(session, credential, None, now)
    here = party(settings)
    try:
        credential_id = base64url_to_bytes(str(credential.get("rawId", "")))
    except ValueError:
        raise PasskeyWrong from None
    # The row is locked: two answers with the same count at once are one right and one copied.
    passkey = session.scalar(
        select(Passkey).where(Passkey.credential_id == credential_id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    if passkey is None:
        raise PasskeyUnknown
    try:
        # The count is compared below: with 0 here, a copy is told from a wrong answer.
        proved = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=here.id,
            expected_origin=here.origins,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyWrong from None
    # WebAuthn 7.2 step 22: both zero means that it does not count.
    if (proved.new_sign_count or passkey.sign_count) and proved.new_sign_count <= passkey.sign_count:
        raise PasskeyCopied
    passkey.sign_count, passkey.used_at = proved.new_sign_count, now
    session.flush()
    return passkey.member_id


def list_of(session: Session, *, member_id: str) -> list[Passkey]:
    """A member's passkeys, the newest first."""
    rows = select(Passkey).where(Passkey.member_id == member_id)
    return list(session.scalars(rows.order_by(Passkey.number.desc())))


def has_any(session: Session, *, member_id: str) -> bool:
    """Whether a member has a passkey."""
    return bool(session.scalar(select(func.count()).where(Passkey.member_id == member_id)))


def rename(session: Session, *, member_id: str, number: int, name: str) -> Passkey:
    """Calls a passkey something else; raises PasskeyGone, Invalid."""
    passkey = session.get(Passkey, number)
    if passkey is None or passkey.member_id != member_id:
        raise PasskeyGone
    passkey.name = names.check_name(name, "passkey")
    session.flush()
    return passkey


def remove(session: Session, *, member_id: str, number: int) -> None:
    """Removes a passkey; raises PasskeyGone."""
    gone = delete(Passkey).where(Passkey.member_id == member_id, Passkey.number == number)
    if session.execute(gone.returning(Passkey.number)).scalar_one_or_none() is None:
        raise PasskeyGone


def _challenge(
    session: Session, options: Any, challenge: bytes, member_id: str | None, now: dt.datetime
) -> dict[str, Any]:
    session.add(Challenge(hash=_hash(challenge), member_id=member_id, expires_at=now + CHALLENGE_LIFETIME))
    session.flush()
    told: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return told


def _take_challenge(session: Session, credential: dict[str, Any], member_id: str | None, now: dt.datetime) -> bytes:
    """The challenge that the browser says it answered, if we asked it and nobody answered yet; raises PasskeyWrong."""
    try:
        told = json.loads(base64url_to_bytes(str(credential["response"]["clientDataJSON"])))
        challenge = base64url_to_bytes(str(told["challenge"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise PasskeyWrong from None
    asked = delete(Challenge).where(
        Challenge.hash == _hash(challenge),
        Challenge.expires_at > now,
        Challenge.member_id.is_(None) if member_id is None else Challenge.member_id == member_id,
    )
    if session.execute(asked.returning(Challenge.hash)).scalar_one_or_none() is None:
        raise PasskeyWrong
    return challenge


def _hash(challenge: bytes) -> bytes:
    return hash_token(challenge.hex())


def _is_text(told: object) -> bool:
    return isinstance(told, str)
