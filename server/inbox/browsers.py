"""Browsers that are told by Web Push: taking in, listing, taking back; and the key that their services know us by."""

import base64
import binascii
import datetime as dt
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Push
from server import constraints
from server.errors import Conflict, Invalid, NotFound
from server.inbox import keys
from server.inbox.model import ToldBrowser
from server.outward import addresses

MOST_BROWSERS = 10  # of one member: her phones and computers; each note is a message to each
CALLED_MAX_LENGTH = 80
KEY_MAX_LENGTH = 100  # signs of base64url: 87 and 22 for keys of 65 and 16 bytes
SECRET_BYTES = 16  # RFC 8291 3.2
_POINT_BYTES = 65  # RFC 8291 3.1: a point of P-256, uncompressed


class BrowserUnknown(NotFound):
    """There is no such browser of yours."""

    code = "browser_unknown"


class TooManyBrowsers(Conflict):
    """Ten browsers of yours are told already; take one back first."""

    code = "too_many_browsers"


class BrowserKeysWrong(Invalid):
    """These are no keys of a browser: 65 bytes of a point and 16 of a secret, in base64url."""

    code = "browser_keys_wrong"


def take_in(
    session: Session,
    *,
    member_id: str,
    session_number: int | None,
    endpoint: str,
    public_key: str,
    secret: str,
    called: str,
    language: str | None,
    allow_private: bool,
    now: dt.datetime,
) -> ToldBrowser:
    """Tells a browser from now on; one that is told already, by whomever it was signed in, is hers then.

    session_number: of the browser's sign-in, with whose end it is told no more.
    Raises AddressWrong, AddressPrivate, BrowserKeysWrong, TooManyBrowsers.
    """
    addresses.check_url(endpoint, allow_private=allow_private)
    point, auth = _read_key(public_key, _POINT_BYTES), _read_key(secret, SECRET_BYTES)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, UnsupportedAlgorithm):
        raise BrowserKeysWrong from None
    constraints.take_turn(session, f"browsers of {member_id}")
    others = select(func.count()).where(ToldBrowser.member_id == member_id, ToldBrowser.endpoint != endpoint)
    if session.scalars(others).one() >= MOST_BROWSERS:
        raise TooManyBrowsers
    kept = {
        "member_id": member_id,
        "session_number": session_number,
        "public_key": point,
        "secret": auth,
        "called": called[:CALLED_MAX_LENGTH],
        "language": language,
        "made_at": now,
        "failing_since": None,
        "next_at": None,
    }
    # Another's row goes, and its number with it: what waits for that number is not told to whoever is here now.
    session.execute(delete(ToldBrowser).where(ToldBrowser.endpoint == endpoint, ToldBrowser.member_id != member_id))
    row = insert(ToldBrowser).values(endpoint=endpoint, **kept)
    made = row.on_conflict_do_update(index_elements=[ToldBrowser.endpoint], set_=kept).returning(ToldBrowser.id)
    return session.get_one(ToldBrowser, session.scalars(made).one(), populate_existing=True)


def list_of(session: Session, *, member_id: str) -> Sequence[ToldBrowser]:
    """Her browsers that are told, the newest first."""
    wanted = select(ToldBrowser).where(ToldBrowser.member_id == member_id).order_by(ToldBrowser.id.desc())
    return session.scalars(wanted).all()


def take_back(session: Session, *, member_id: str, browser_id: int) -> None:
    """Tells a browser no more; raises BrowserUnknown."""
    gone = delete(ToldBrowser).where(ToldBrowser.id == browser_id, ToldBrowser.member_id == member_id)
    if session.scalars(gone.returning(ToldBrowser.id)).one_or_none() is None:
        raise BrowserUnknown


def key(session: Session, push: Push, now: dt.datetime) -> Vapid02:
    """The key that signs what goes to push services (VAPID, RFC 8292): of the settings, else made once."""
    if push.key:
        return Vapid02.from_pem(push.key.encode()) if "BEGIN" in push.key else Vapid02.from_raw(push.key.encode())
    return Vapid02.from_pem(keys.get(session, "push", _make_key, now))


def public_key(vapid: Vapid02) -> str:
    """Its public half as browsers take it: base64url, without its end."""
    point = vapid.public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _make_key() -> bytes:
    made = Vapid02()
    made.generate_keys()
    pem: bytes = made.private_pem()
    return pem


def _read_key(text: str, length: int) -> bytes:
    try:
        found = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise BrowserKeysWrong from None
    if len(found) != length:
        raise BrowserKeysWrong
    return found
