"""Links that end letters without signing in: each ends those of one group, or of a digest, of one member; no more."""

import base64
import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy.orm import Session

from server.errors import NotFound
from server.inbox import keys, wishes
from server.inbox.groups import Group, Letters
from server.people.model import Member

ALL, DIGEST = "all", "digest"
KEY_BYTES = 32
SIGNED_BYTES = 18  # 144 bits, a multiple of 3, so that it ends without a sign that links lose
TOKEN_MAX_LENGTH = 200


class StopUnknown(NotFound):
    """This link ends no letters: it is not whole, or who got it has left."""

    code = "stop_unknown"


def sign(session: Session, *, member_id: str, what: str, now: dt.datetime) -> str:
    """What stands in a link. what: a group, DIGEST or ALL. It never expires: old letters lie about for years."""
    key = keys.get(session, "stop", lambda: secrets.token_bytes(KEY_BYTES), now)
    return f"{member_id}.{what}.{_signature(key, member_id, what)}"


def read(session: Session, token: str, now: dt.datetime) -> tuple[Member, str]:
    """Whose letters a link ends, and which; raises StopUnknown."""
    member_id, _, rest = token.partition(".")
    what, _, signature = rest.partition(".")
    key = keys.get(session, "stop", lambda: secrets.token_bytes(KEY_BYTES), now)
    if not hmac.compare_digest(_signature(key, member_id, what).encode(), signature.encode()):
        raise StopUnknown
    member = session.get(Member, member_id)
    if member is None:
        raise StopUnknown
    return member, what


def stop(session: Session, token: str, now: dt.datetime) -> tuple[Member, str]:
    """Ends the letters that a link is for; twice is as once. Raises StopUnknown."""
    member, what = read(session, token, now)
    if what == ALL:
        wishes.choose_letters(session, member_id=member.id, wanted=False)
        return member, what
    for group, wish in wishes.of(session, member_id=member.id).items():
        digested = wish.letters in (Letters.DAILY, Letters.WEEKLY)
        if group is not Group.SAFETY and (what == group.value or (what == DIGEST and digested)):
            wishes.choose(session, member_id=member.id, group=group, wish=wish._replace(letters=Letters.NEVER))
    return member, what


def _signature(key: bytes, member_id: str, what: str) -> str:
    made = hmac.new(key, f"stop {member_id} {what}".encode(), hashlib.sha256).digest()[:SIGNED_BYTES]
    return base64.urlsafe_b64encode(made).decode()
