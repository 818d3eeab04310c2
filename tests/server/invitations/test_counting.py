"""How many came: by event time, once, from five on, and then nobody knows who was invited."""

import contextlib
import datetime as dt

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import settings as config
from server import database, times
from server.badges import service as badges
from server.checkins.model import CheckIn
from server.consent import service as consent
from server.fans import rounding
from server.fans import service as fans
from server.inbox.model import Notification
from server.invitations import counting, judging, tasks
from server.invitations import service as invitations
from server.invitations.model import ShopInvitation
from server.jobs.service import Work
from server.people import service as people
from server.presence.model import Visit
from server.venues import service as venues
from tests.server.invitations import scene
from tests.server.invitations.scene import DAY, MINUTE
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


def count_all(session: Session, now: dt.datetime) -> int:
    """As the task does; how many were counted."""
    return sum(counting.count(session, one, now=now) for one in counting.due(session, now=now))


def exact(session: Session, sent: ShopInvitation) -> int:
    return int(session.execute(counting._CAME, counting.given(sent, DONE)).scalar_one())


@pytest.mark.usefixtures("sent")
def test_nothing_is_counted_before_it_is_over(session: Session) -> None:
    assert not count_all(session, DONE - MINUTE)
    assert count_all(session, DONE)
    assert not count_all(session, DONE)


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
    assert count_all(session, DONE)
    offset = fans.offsets(session, "came")(f"shop invitation/{sent.id}")
    assert sent.came == rounding.at_least(came, offset)
    assert sent.came in possible
    assert scene.invited(session, sent) == set()
    reader = people.get(session, "p000")
    assert invitations.get(session, sent.id, reader) is sent, "she has its note still"
    assert invitations.away_m(session, sent, reader) is None
    with pytest.raises(invitations.InvitationUnknown):
        invitations.get(session, sent.id, people.get(session, "dora"))


def test_what_is_hidden_after_it_was_counted_goes_from_all_inboxes(session: Session, sent: ShopInvitation) -> None:
    count_all(session, DONE)
    notes = select(func.count()).select_from(Notification).where(Notification.kind == invitations.KIND)
    assert (session.scalar(notes) or 0) >= 5
    judging.hide(session, sent.id, why="advert", viewer=people.get(session, "ana"), now=DONE + 8 * DAY)
    assert session.scalar(notes) == 0
    reader = people.get(session, "p000")
    with pytest.raises(invitations.InvitationUnknown):
        invitations.get(session, sent.id, reader)
    venue = venues.get(session, "cafe")
    for days, allowed in ((37, False), (39, True)):
        with contextlib.nullcontext() if allowed else pytest.raises(invitations.InvitationsHidden):
            invitations.check_may_send(session, venue, rules=scene.RULES, now=DONE + days * DAY)


def test_one_that_cannot_be_counted_holds_up_no_other(
    committing_database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = database.connect(committing_database)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        people_there = scene.make_people(session, 12)
        ids = [scene.send(session).id]
        scene.stand(session, people_there, at=NOW + 2 * DAY)
        ids.append(scene.send(session, NOW + 2 * DAY, nonce="fedcba9876543210").id)
    count = counting.count

    def broken(session: Session, invitation_id: int, *, now: dt.datetime) -> bool:
        if invitation_id == ids[0]:
            raise ArithmeticError
        return count(session, invitation_id, now=now)

    monkeypatch.setattr(counting, "count", broken)
    settings = config.load(environment={"MUSTER_DATABASE__DSN": committing_database})
    tasks.count(Work(engine, settings, lambda: NOW + 4 * DAY))
    with database.transaction(engine) as session:
        counted = {row.id: row.counted_at is not None for row in session.scalars(select(ShopInvitation))}
    engine.dispose()
    assert counted == {ids[0]: False, ids[1]: True}
    assert f"invitation {ids[0]} was not counted" in caplog.text


def test_a_number_that_was_told_stays(session: Session, sent: ShopInvitation) -> None:
    for number in range(16):
        come(session, number, NOW + 20 * MINUTE)
    count_all(session, DONE)
    told = sent.came
    come(session, 17, NOW + 30 * MINUTE)
    assert not count_all(session, DONE + HOUR)
    assert sent.came == told
