"""People who stand together, and their phones' positions."""

import datetime as dt
import secrets
from typing import Any

from sqlalchemy.orm import Session

from server import times
from server.badges import service as badges
from server.doors.arrivals import Fix
from server.doors.rules import Evidence
from server.face_to_face import proof
from server.face_to_face import service as gathers
from server.face_to_face.proof import Proof, Said
from server.people import service as people
from server.people.model import Member
from server.presence.model import Visit
from tests.server.places import CAFE, IDENTITY, NOW

METRE = 1 / 111_320  # of latitude, in degrees


def north(metres: float) -> tuple[float, float]:
    """So far north of the cafe."""
    return CAFE[0], CAFE[1] + metres * METRE


def phone(metres: float = 0) -> Proof:
    """A phone that says it is there."""
    return Proof(Evidence.PHONE, None, north(metres))


def fix(metres: float = 0, accuracy_m: float = 20, taken_at: dt.datetime | None = None) -> Said:
    """What a phone tells of its position."""
    return Said(fix=Fix(*north(metres), accuracy_m, taken_at))


def gather(session: Session, who: str | None = "cleo", metres: float = 0, now: dt.datetime = NOW, **more: Any) -> Any:
    """Somebody gathers by her phone's position; None: whoever is not known."""
    founder = None if who is None else people.get(session, who)
    given = {"proof": phone(metres), "name": "Us", **more}
    return gathers.gather(session, founder=founder, now=now, **given).gather


def join(
    session: Session, typed: str, who: str | None, metres: float = 0, now: dt.datetime = NOW, **more: Any
) -> gathers.Joined:
    """Somebody types digits where her phone says she is."""
    member: Member | None = None if who is None else people.get(session, who)
    given = {"proofs": [phone(metres)], **more}
    return gathers.join(session, typed=typed, now=now, member=member, **given)


def hear(session: Session, who: str, now: dt.datetime = NOW, minor: int = 1) -> None:
    """Her badge is heard at the cafe until now."""
    identity = IDENTITY[:-1] + bytes([minor])
    badge_id = badges.register(session, identity=identity, since=NOW - dt.timedelta(hours=9))
    badges.pair(session, badge_id=badge_id, member_id=who, since=NOW - dt.timedelta(hours=8))
    now_ms = times.to_ms(now)
    session.add(
        Visit(badge_id=badge_id, venue_id="cafe", from_ms=now_ms - 60_000, to_ms=now_ms, reach_ms=now_ms + 300_000)
    )
    session.flush()


def prove(session: Session, said: Said, who: str | None = None, now: dt.datetime = NOW) -> list[Proof]:
    """What says where she is."""
    return proof.find(session, said, member_id=who, now=now)


def nonce() -> str:
    """A number for one tap."""
    return secrets.token_hex(16)
