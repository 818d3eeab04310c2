"""Personal codes: who she is, signed by the server, so that a door without a network can believe it."""

import base64
import binascii
import datetime as dt
import json
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import constraints, names
from server.doors.model import PassKey

# Long enough to be shown tonight and tomorrow without a network; whoever photographs one cannot use it next week.
LIFETIME = dt.timedelta(hours=48)
KEY_LIFETIME = dt.timedelta(days=30)  # a stolen key signs no longer than that
# What a door without a network scanned within its patience is still checked.
KEY_KEPT = KEY_LIFETIME + LIFETIME + dt.timedelta(days=7)
NAME_SIGNS = 24  # what a volunteer reads; more makes the code too fine for a scratched phone
TEXT_MAX = 400
_PATH = "/q/"


class Pass(NamedTuple):
    """What a personal code says."""

    key_id: int
    member_id: str
    name: str
    expires_at: dt.datetime


def read(text: str) -> tuple[Pass, bytes, bytes] | None:
    """What a personal code says, what was signed and the signature; unproven; None when it is none.

    text: the token, or the address that carries it.
    """
    token = text.strip()[-TEXT_MAX:].rpartition(_PATH)[2]
    said, dot, signed = token.partition(".")
    if not dot or len(text) > 2 * TEXT_MAX:
        return None
    try:
        payload, signature = _from_base64(said), _from_base64(signed)
        key_id, member_id, name, expires_s = json.loads(payload)
        if not (isinstance(key_id, int) and isinstance(member_id, str) and isinstance(name, str)):
            return None
        if isinstance(expires_s, bool) or not isinstance(expires_s, int) or not names.is_id(member_id):
            return None
        expires_at = dt.datetime.fromtimestamp(expires_s, dt.UTC)
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        return None
    if not 0 < key_id < 1 << 63:
        return None
    return Pass(key_id, member_id, name[:NAME_SIGNS], expires_at), payload, signature


def is_signed(session: Session, found: tuple[Pass, bytes, bytes]) -> bool:
    """Whether a key of ours that is kept signed this."""
    told, payload, signature = found
    key = session.get(PassKey, told.key_id)
    if key is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, payload)
    except InvalidSignature:
        return False
    return True


def make(session: Session, *, member_id: str, name: str, now: dt.datetime) -> tuple[str, dt.datetime]:
    """A member's code and until when it is good."""
    key = current_key(session, now)
    expires_at = (now + LIFETIME).replace(microsecond=0)
    told = [key.id, member_id, name[:NAME_SIGNS], int(expires_at.timestamp())]
    payload = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    signature = Ed25519PrivateKey.from_private_bytes(key.private).sign(payload)
    return f"{_to_base64(payload)}.{_to_base64(signature)}", expires_at


def current_key(session: Session, now: dt.datetime) -> PassKey:
    """The key that signs now; made when there is none or the last is too old. Of two servers at once one makes it."""
    newest = select(PassKey).order_by(PassKey.created_at.desc(), PassKey.id.desc()).limit(1)
    key = session.scalar(newest)
    if key is not None and now < key.created_at + KEY_LIFETIME:
        return key
    constraints.take_turn(session, "doors.pass_key")
    key = session.scalar(newest.execution_options(populate_existing=True))
    if key is None or now >= key.created_at + KEY_LIFETIME:
        made = Ed25519PrivateKey.generate()
        key = PassKey(private=made.private_bytes_raw(), public=made.public_key().public_bytes_raw(), created_at=now)
        session.add(key)
        session.execute(text("DELETE FROM pass_key WHERE created_at < :before"), {"before": now - KEY_KEPT})
        session.flush()
    return key


def public_keys(session: Session, now: dt.datetime) -> dict[str, str]:
    """The keys that a door may meet, by their numbers, as hex digits."""
    current_key(session, now)
    kept = select(PassKey).where(PassKey.created_at >= now - KEY_KEPT).order_by(PassKey.id)
    return {str(key.id): key.public.hex() for key in session.scalars(kept)}


def _to_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError from error
