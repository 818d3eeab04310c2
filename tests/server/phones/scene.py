"""Dora's phone, the beacon at the cafe, and an evening there."""

import base64
import datetime as dt
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import times
from server.checkins.model import CheckIn
from server.events import service as events
from server.events import signups
from server.phones import beacons
from server.phones import service as phones
from server.phones.model import Phone
from server.positions import service as positions
from tests.server.places import CAFE, HOUR, NOW

MINUTE = dt.timedelta(minutes=1)
UUID = "f7826da6-4fa2-4e98-8024-bc5b71e0893e"
MAJOR, MINOR = 7, 9
IDENTITY = bytes.fromhex(UUID.replace("-", "")) + bytes([0, MAJOR, 0, MINOR])


def let_use(session: Session, member: str = "dora", *, fences: bool = True) -> None:
    positions.choose_uses(
        session, member_id=member, told=False, fences=fences, company=False, pop_ups=False, radius_m=5000, now=NOW
    )


def make_phone(session: Session, member: str = "dora", name: str = "Pixel") -> tuple[Phone, str]:
    return phones.add(session, member_id=member, name=name, now=NOW)


def make_beacon(session: Session) -> int:
    return beacons.add(session, venue_id="cafe", identity=IDENTITY, by="ben", now=NOW).number


def make_night(session: Session, *, going: str | None = "dora", **more: Any) -> None:
    """From an hour before NOW to two hours after; the step opens half an hour earlier."""
    step = events.NewStep("Talk", "cafe", NOW - HOUR, NOW + 2 * HOUR, **more)
    events.create(session, id="night", name="Night", organizer_id="cleo", steps=[step])
    if going is not None:
        signups.sign_up(session, event_id="night", member_id=going, now=NOW - HOUR)


def location(at: dt.datetime = NOW, *, east: float = 0.0, **more: Any) -> dict[str, Any]:
    told = {"_type": "location", "lat": CAFE[1], "lon": CAFE[0] + east, "acc": 12, "tid": "do"}
    return {**told, "tst": times.to_ms(at) // 1000, **more}


def transition(event: str, at: dt.datetime = NOW, **more: Any) -> dict[str, Any]:
    told = {"_type": "transition", "event": event, "t": "b", "desc": f"Lumen:{UUID}:{MAJOR}:{MINOR}", "tid": "do"}
    return {**told, "tst": times.to_ms(at) // 1000, **more}


def basic(login: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()}


def body(*messages: dict[str, Any]) -> bytes:
    return json.dumps(messages[0] if len(messages) == 1 else messages).encode()


def check_ins(session: Session, member: str = "dora") -> list[tuple[str | None, dt.datetime, str]]:
    """What stands: step (or venue), when, by what."""
    rows = session.scalars(select(CheckIn).where(CheckIn.member_id == member, CheckIn.undone_at.is_(None)))
    return [(row.step_id or row.venue_id, row.at, row.evidence) for row in rows.all()]
