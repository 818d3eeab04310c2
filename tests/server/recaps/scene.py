"""A night of the readers in the cafe, who signed up, and who came by what."""

import datetime as dt
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import service as events
from server.events import signups
from server.people import service as people
from server.times import to_ms
from tests.server.places import HOUR, NOW
from tests.server.presence import scene

ENDS = NOW + 2 * HOUR
MORNING = dt.datetime(2026, 3, 14, 7, 0, tzinfo=dt.UTC)  # eight o'clock in Berlin
MINUTE = dt.timedelta(minutes=1)
GUESTS = ("emil", "fay", "gina", "hugo", "ida", "jo", "kim")


def make_night(session: Session, *, shape: Literal["circle", "house"] = "circle", id: str = "night") -> None:
    """The event `night` of the community `readers`, Cléo's, in the cafe, from NOW for two hours; who is a reader."""
    communities.create(session, id="readers", name="Readers", shape=shape)
    for member_id in GUESTS:
        people.create(session, id=member_id, name=member_id.capitalize())
    for member_id in (*GUESTS, "cleo"):
        communities.join(session, community_id="readers", member_id=member_id)
    step = events.NewStep("Talk", "cafe", NOW, ENDS, opens_at=NOW - HOUR)
    events.create(session, id=id, name="Night of ideas", organizer_id="cleo", steps=[step], community_id="readers")


def sign_up(session: Session, *member_ids: str, id: str = "night") -> None:
    for member_id in member_ids:
        signups.sign_up(session, event_id=id, member_id=member_id, now=NOW - HOUR)


def came(session: Session, *member_ids: str, by: str = "beacon", after: int = 5, step: str = "night-1") -> None:
    """They checked in so many minutes after NOW."""
    for member_id in member_ids:
        scene.arrive(session, member_id, NOW + after * MINUTE, step, evidence=by, signed_up=False)


def listens(session: Session, from_at: dt.datetime, to_at: dt.datetime) -> None:
    """The agent at the door of the cafe listened then."""
    scene.listens(session, "cafe-door", to_ms(from_at), to_ms(to_at))


def was_there(session: Session, member_id: str, from_at: dt.datetime, to_at: dt.datetime) -> None:
    """Her badge was heard in the front of the cafe."""
    badge_id = scene.badge(session, held_by=member_id, since=NOW - 3 * HOUR)
    scene.visit(session, badge_id, "cafe", "cafe-front", to_ms(from_at), to_ms(to_at))


def crowd(session: Session, many: int, id: str = "night") -> None:
    """So many more who are going and came, by one statement each."""
    given = {"many": many, "event": id, "step": f"{id}-1", "at": NOW + MINUTE}
    for statement in (
        "INSERT INTO member (id, name) SELECT 'm-' || n, 'M ' || n FROM generate_series(1, :many) AS n",
        "INSERT INTO sign_up (event_id, member_id, turn)"
        " SELECT :event, 'm-' || n, n + 1000 FROM generate_series(1, :many) AS n",
        "INSERT INTO checkin (step_id, member_id, at, evidence, signed_up)"
        " SELECT :step, 'm-' || n, :at, 'screen', true FROM generate_series(1, :many) AS n",
    ):
        needed = {name: value for name, value in given.items() if f":{name}" in statement}
        session.execute(text(statement), needed)
