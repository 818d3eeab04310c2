"""Four whose badges are heard at a café, and how it is known that they left."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import times
from server.badges import service as badges
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.events.model import Step
from server.fleet.model import Placement
from server.popups import service as popups
from server.popups import words
from server.popups.model import PopUp
from server.positions import visits
from server.presence.model import Coverage, Visit
from tests.server.fences.scene import fix
from tests.server.places import CAFE, HOUR, NOW, make_agent, make_cafe, make_members, make_welcome
from tests.server.popups.scene import FOUR, at, like, look, make_four, say, take, told


def sit_down(session: Session) -> None:
    """The four sit in the café, and their badges are heard there."""
    make_members(session)
    make_cafe(session)
    make_agent(session)
    make_four(session)
    for number, member_id in enumerate(FOUR):
        badge = badges.register(session, identity=bytes([number + 1]) * 20, label=f"{number}", since=NOW - HOUR)
        badges.pair(session, badge_id=badge, member_id=member_id, since=NOW - HOUR)
        hear(session, badge, -20, 0)
    visits.take(session, now=NOW)


def hear(session: Session, badge: int, since: float, to: float) -> None:
    """A badge's visit between these minutes; one that there is grows."""
    to_ms = times.to_ms(at(to))
    there = session.scalars(select(Visit).where(Visit.badge_id == badge)).one_or_none()
    if there is None:
        there = Visit(badge_id=badge, venue_id="cafe", from_ms=times.to_ms(at(since)))
        session.add(there)
    there.to_ms, there.reach_ms = to_ms, to_ms + 300_000
    session.flush()


def listen(session: Session, to: float) -> None:
    """The agent listened from an hour before until then."""
    session.execute(text("DELETE FROM coverage"))
    placement = session.scalars(select(Placement.id)).one()
    from_ms, to_ms = times.to_ms(NOW - HOUR), times.to_ms(at(to))
    session.add(Coverage(placement_id=placement, agent_id="cafe-door", from_ms=from_ms, to_ms=to_ms))
    session.flush()


def badge_of(session: Session, member_id: str) -> int:
    return int(session.scalar(text("SELECT badge_id FROM pairing WHERE member_id = :id"), {"id": member_id}) or 0)


def test_who_is_heard_at_a_venue_is_asked_there(session: Session) -> None:
    sit_down(session)
    [pop_up_id] = look(session)
    [one] = popups.of_member(session, member_id="p1", now=at(1))
    assert words.why(one) == "You and at least 3 others who like Chess are at Café Lumen. Gather here?"
    assert session.get_one(PopUp, pop_up_id).at_venue


def test_who_hides_from_the_venue_is_not_heard_there(session: Session) -> None:
    sit_down(session)
    consent.say(
        session, member_id="p4", kind=Kind.VENUE, of_id="cafe", level=Level.HIDDEN, until=None, source="api", now=NOW
    )
    assert look(session) == []


def test_a_home_is_no_place_to_gather(session: Session) -> None:
    sit_down(session)
    session.execute(text("UPDATE venue SET kind = 'home', listed = false"))
    session.expire_all()
    assert look(session) == []
    assert told(session, "gather_here") == []


def test_who_left_while_all_listened_has_left(session: Session) -> None:
    sit_down(session)
    make_welcome(session, "p2")
    [pop_up_id] = look(session)
    pop_up = say(session, pop_up_id, "p1", "p2", "p3")
    step = session.scalars(select(Step).where(Step.event_id == pop_up.event_id)).one()
    assert step.venue_id == "cafe", "she is welcome there, and badges check in"
    for one in ("p1", "p2", "p3"):
        hear(session, badge_of(session, one), -20, 30)
    listen(session, 31)
    look(session, 31)
    assert pop_up.thin_at is None
    hear(session, badge_of(session, "p1"), -20, 45)
    listen(session, 45)
    look(session, 45)
    assert pop_up.thin_at == at(45), "two were not heard for longer than a visit's gap"
    hear(session, badge_of(session, "p2"), -20, 50)
    look(session, 50)
    assert pop_up.thin_at is None
    listen(session, 70)
    look(session, 70)
    look(session, 80)
    assert pop_up.state == "over"


def test_an_agent_that_is_silent_says_nothing_of_who_left(session: Session) -> None:
    sit_down(session)
    [pop_up_id] = look(session)
    pop_up = say(session, pop_up_id, "p1", "p2", "p3")
    for one in ("p1", "p2", "p3"):
        hear(session, badge_of(session, one), -20, 30)
    listen(session, 31)
    look(session, 100)
    assert pop_up.thin_at is None


def test_phones_beside_the_cafe_make_a_group_of_their_own_only_if_they_are_enough(session: Session) -> None:
    sit_down(session)
    make_four(session, "q1", "q2", "q3")
    like(session, "q1", "music")
    take(session, [fix(0, member_id=one, middle=CAFE) for one in ("q1", "q2", "q3")], 0)
    [pop_up_id] = look(session)
    asked = session.scalars(text("SELECT member_id FROM pop_up_asked ORDER BY 1")).all()
    assert asked == list(FOUR), pop_up_id
