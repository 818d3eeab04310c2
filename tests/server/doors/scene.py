"""An evening with doors: Cleo's supper in the Café Lumen, which is open, and who comes to it."""

import datetime as dt
import itertools
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.checkins.model import CheckIn
from server.doors import arrivals, passing
from server.doors import service as doors
from server.doors.passing import Outcome
from server.errors import MusterError
from server.events import service as events
from server.events import signups
from server.events.details import Details
from server.people.model import Member
from tests.server.places import CAFE, HOUR, NOW, make_cafe, make_members

MINUTE = dt.timedelta(minutes=1)
RADIUS_M = 150.0
_numbers = itertools.count(1)


def nonce() -> str:
    return f"nonce-number-{next(_numbers):06}"


def make_evening(session: Session, *, capacity: int | None = None, approval: bool = False, **more: Any) -> None:
    """The event `supper`: it opened an hour before NOW, begins at NOW and ends three hours later. Ben signed up."""
    make_members(session)
    make_cafe(session)
    step = events.NewStep(name="Supper", venue_id="cafe", starts_at=NOW, ends_at=NOW + 3 * HOUR, capacity=capacity)
    events.create(
        session,
        id="supper",
        name="Friday supper",
        organizer_id="cleo",
        steps=[step],
        about=Details(approval=approval),
        **more,
    )
    signups.sign_up(session, event_id="supper", member_id="ben", now=NOW - 2 * HOUR)
    if approval:
        signups.answer(session, event_id="supper", member_id="ben", yes=True, now=NOW - 2 * HOUR)


def make_door(session: Session, kind: str = "poster", **more: Any) -> doors.Made:
    to: dict[str, Any] = {} if "venue_id" in more else {"event_id": "supper"}
    return doors.make(session, kind=kind, name=f"the {kind}", now=NOW - HOUR, made_by="cleo", **to, **more)


def member(session: Session, id: str) -> Member:
    found = session.get(Member, id)
    assert found is not None
    return found


def enter(session: Session, now: dt.datetime = NOW, **given: Any) -> Outcome:
    """One request at a door; `who` is signed in on the phone."""
    who = given.pop("who", None)
    wanted = arrivals.Wanted(
        nonce=given.pop("nonce", None) or nonce(), asks=None if who is None else member(session, who), **given
    )
    return passing.pass_door(session, wanted, now=now, radius_m=RADIUS_M)


def near(metres: float, accuracy_m: float = 20.0) -> arrivals.Fix:
    """A fix so far north of the café."""
    return arrivals.Fix(CAFE[0], CAFE[1] + metres / 111_195, accuracy_m)


def refused(session: Session, now: dt.datetime = NOW, **given: Any) -> MusterError:
    """What the same request is refused with."""
    with pytest.raises(MusterError) as told:
        enter(session, now, **given)
    return told.value


def standing(session: Session, member_id: str | None = None) -> list[CheckIn]:
    wanted = select(CheckIn).where(CheckIn.undone_at.is_(None)).execution_options(populate_existing=True)
    return list(session.scalars(wanted if member_id is None else wanted.where(CheckIn.member_id == member_id)))


def guests(session: Session) -> int:
    return len(list(session.scalars(select(Member).where(Member.guest))))
