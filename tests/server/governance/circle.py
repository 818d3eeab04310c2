"""A circle whose people came to its gatherings: for tests of what they may change and vote on."""

import datetime as dt

from sqlalchemy.orm import Session

from server.checkins.model import CheckIn
from server.communities import founding
from server.communities import service as communities
from server.events import service as events
from server.people import service as people
from tests.server.places import HOUR, NOW

DAY = dt.timedelta(days=1)
CAME = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9")


def make_circle(session: Session, *, came: int = 9, shape: communities.Shape = "circle") -> None:
    """The community `walkers`, to whose walk a week ago m1 ... m9 came; ben founded it, dora joined and never came."""
    for member_id in CAME:
        people.create(session, id=member_id, name=f"Member {member_id[1:]}")
    founder = people.get(session, "ben")
    founding.found(session, name="Walkers", by=founder, now=NOW - 30 * DAY, shape=shape)
    for member_id in ("dora", *CAME):
        communities.join(session, community_id="walkers", member_id=member_id, now=NOW - 20 * DAY)
    gather(session, "walk", NOW - 7 * DAY)
    for member_id in CAME[:came]:
        come(session, "walk", member_id, NOW - 7 * DAY + HOUR / 2)


def gather(session: Session, event_id: str, at: dt.datetime, community_id: str | None = "walkers") -> None:
    """A gathering of cleo at the cafe, of an hour."""
    step = events.NewStep("Walk", "cafe", at, at + HOUR)
    events.create(
        session, id=event_id, name=event_id.capitalize(), organizer_id="cleo", steps=[step], community_id=community_id
    )


def come(
    session: Session, event_id: str, member_id: str | None, at: dt.datetime, evidence: str = "screen", **more: object
) -> CheckIn:
    """Somebody comes to a gathering."""
    row = CheckIn(
        step_id=f"{event_id}-1", member_id=member_id, at=at, recorded_at=at, evidence=evidence, signed_up=False, **more
    )
    session.add(row)
    session.flush()
    return row
