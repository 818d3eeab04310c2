"""How many came: by event time, once, from five on, and then nobody knows who was invited."""

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from server import times
from server.badges import service as badges
from server.checkins.model import CheckIn
from server.consent import service as consent
from server.fans import rounding
from server.fans import service as fans
from server.invitations import counting
from server.invitations import service as invitations
from server.invitations.model import ShopInvitation
from server.people import service as people
from server.presence.model import Visit
from tests.server.invitations import scene
from tests.server.invitations.scene import MINUTE
from tests.server.places import HOUR, NOW, make_cafe, make_members

ENDS = NOW + 2 * HOUR
DONE = ENDS + counting.AFTER + counting.LATE


@pytest.fixture
def sent(session: Session) -> ShopInvitation:
    """An invitation of two hours to 20."""
    make_members(session)
    make_cafe(session)
    scene.make_people(session, 20)
    return scene.send(session, until=ENDS)


def come(session: Session, number: int, at: dt.datetime, stays: dt.timedelta = 10 * MINUTE) -> None:
    """The badge of a member is heard at the cafe."""
    identity = bytes.fromhex("daf246cef20111e4b116123b93f75cba") + number.to_bytes(4, "big")
    badge_id = badges.register(session, identity=identity, label=f"{number}", since=NOW - HOUR)
    badges.pair(session, badge_id=badge_id, member_id=f"p{number:03}", since=NOW - HOUR)
    from_ms, to_ms = times.to_ms(at), times.to_ms(at + stays)
    session.add(Visit(badge_id=badge_id, venue_id="cafe", from_ms=from_ms, to_ms=to_ms, reach_ms=to_ms))
    session.flush()


def exact(session: Session, sent: ShopInvitation) -> int:
    return int(session.execute(counting._CAME, counting.given(sent, DONE)).scalar_one())


@pytest.mark.usefixtures("sent")
def test_nothing_is_counted_before_it_is_over(session: Session) -> None:
    assert not counting.count_next(session, now=DONE - MINUTE)
    assert counting.count_next(session, now=DONE)
    assert not counting.count_next(session, now=DONE)


def test_who_came_in_time_is_counted_once_by_whatever_says_so(session: Session, sent: ShopInvitation) -> None:
    come(session, 0, NOW + MINUTE)
    come(session, 1, ENDS + counting.AFTER)
    come(session, 2, NOW - MINUTE)  # was there already
    come(session, 3, ENDS + counting.AFTER + MINUTE)  # too late
    come(session, 4, NOW + MINUTE, stays=MINUTE)  # went by
    for member_id, minutes, undone in (("p000", 5, False), ("p005", 5, False), ("p006", 5, True), ("p007", -5, False)):
        at = NOW + minutes * MINUTE
        session.add(
            CheckIn(
                venue_id="cafe",
                day=at.date(),
                member_id=member_id,
                at=at,
                evidence="phone",
                signed_up=False,
                undone_at=NOW if undone else None,
            )
        )
    come(session, 8, NOW + MINUTE)
    consent.pause(session, member_id="p008", now=NOW)
    session.flush()
    assert exact(session, sent) == 3  # p000, p001, p005


def test_who_was_not_invited_is_not_counted(session: Session, sent: ShopInvitation) -> None:
    people.create(session, id="p090", name="P")
    come(session, 90, NOW + MINUTE)
    assert exact(session, sent) == 0


@pytest.mark.parametrize(("came", "possible"), [(4, {None}), (5, {None, 5}), (9, {5}), (16, {10, 15})])
def test_it_is_told_rounded_from_five_on_and_the_list_goes(
    session: Session, sent: ShopInvitation, came: int, possible: set[int | None]
) -> None:
    for number in range(came):
        come(session, number, NOW + 20 * MINUTE)
    assert counting.count_next(session, now=DONE)
    offset = fans.offsets(session, "came")(f"shop invitation/{sent.id}")
    assert sent.came == rounding.at_least(came, offset)
    assert sent.came in possible
    assert scene.invited(session, sent) == set()
    with pytest.raises(invitations.InvitationUnknown):
        invitations.get(session, sent.id, people.get(session, "p000"))


def test_a_number_that_was_told_stays(session: Session, sent: ShopInvitation) -> None:
    for number in range(16):
        come(session, number, NOW + 20 * MINUTE)
    counting.count_next(session, now=DONE)
    told = sent.came
    come(session, 17, NOW + 30 * MINUTE)
    assert not counting.count_next(session, now=DONE + HOUR)
    assert sent.came == told
