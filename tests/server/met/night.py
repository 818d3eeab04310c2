"""A night of chess at the cafe to which people came with badges: for tests of who met whom."""

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import times
from server.events import service as events
from server.met import judging
from server.met.model import Met
from server.people import service as people
from tests.server.places import HOUR, NOW
from tests.server.presence import scene

MINUTE = dt.timedelta(minutes=1)
STARTS = NOW - 3 * HOUR
ENDS = NOW - HOUR


def make_night(session: Session, event_id: str = "chess", community_id: str | None = None) -> None:
    """Cleo's gathering at the cafe, three hours ago, of two hours; it is over."""
    step = events.NewStep("Chess", "cafe", STARTS, ENDS, opens_at=STARTS - MINUTE)
    events.create(
        session, id=event_id, name="Chess night", organizer_id="cleo", steps=[step], community_id=community_id
    )


def come(
    session: Session,
    member_id: str,
    *heard: tuple[str, int, int],
    event_id: str = "chess",
    evidence: str = "beacon",
    made: bool = True,
) -> int:
    """Somebody comes, heard in zones from one minute of the night to another; returns her badge."""
    if made:
        people.create(session, id=member_id, name=member_id.capitalize())
    badge_id = scene.badge(session, held_by=member_id)
    for zone, start, end in heard:
        stay(session, badge_id, zone, start, end)
    scene.arrive(session, member_id, STARTS, f"{event_id}-1", evidence=evidence)
    return badge_id


def stay(session: Session, badge_id: int, zone: str, start: int, end: int) -> None:
    """A badge is heard in a zone of the cafe; what follows at once is a visit of its own here."""
    low, high = (times.to_ms(STARTS + minute * MINUTE) for minute in (start, end))
    scene.visit(session, badge_id, "cafe", f"cafe-{zone}", low, high)


def willing(session: Session, *member_ids: str) -> None:
    """These want to know."""
    for member_id in member_ids:
        session.execute(
            text("INSERT INTO met_switch VALUES (:m, true, :at) ON CONFLICT (member_id) DO UPDATE SET willing = true"),
            {"m": member_id, "at": NOW},
        )


def pairs(session: Session, event_id: str = "chess") -> dict[tuple[str, str], int]:
    """Who met whom by the rows, in minutes; judged anew."""
    judging.judge(session, event_id=event_id)
    rows = session.execute(select(Met.member_id, Met.other_id, Met.ms).where(Met.event_id == event_id))
    return {(one, other): ms // 60_000 for one, other, ms in rows}
