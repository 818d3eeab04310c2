"""Letting others in: a volunteer's link, personal codes, offline uploads, the host."""

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.checkins.model import CheckIn
from server.doors import passes
from server.doors import service as doors
from server.doors.model import Passage
from server.people import service as people
from tests.server.doors.scene import MINUTE, enter, make_door, make_evening, refused, standing
from tests.server.places import HOUR, NOW


def shown(session: Session, member_id: str, now: dt.datetime = NOW) -> str:
    return passes.make(session, member_id=member_id, name=people.get(session, member_id).name, now=now)[0]


def test_a_volunteer_lets_in_by_personal_code_by_hand_and_by_a_new_name(session: Session) -> None:
    make_evening(session)
    token = make_door(session, "volunteer").token
    assert enter(session, door_token=token, shown=shown(session, "dora")).evidence == "qr"
    assert enter(session, door_token=token, member_id="ben").evidence == "manual"
    found = enter(session, door_token=token, name="Mia")
    assert (found.result, found.sign_in) == ("in", False)
    rows = session.execute(text("SELECT action, door_id FROM audit WHERE action = 'door.in'")).all()
    assert len(rows) == 3
    assert all(row.door_id for row in rows)


def test_a_volunteer_lets_in_only_who_has_to_do_with_the_event(session: Session) -> None:
    make_evening(session)
    token = make_door(session, "volunteer").token
    for who in ("dora", "nobody", "../etc", ""):
        assert refused(session, door_token=token, member_id=who).code == "not_of_this_event"
    assert refused(session, door_token=token).code == "one_way"
    assert refused(session, door_token=token, member_id="ben", name="Ben").code == "one_way"
    assert refused(session, door_token="x" * 43, name="Ben").code == "door_unknown"
    screen = make_door(session, "screen").token
    assert refused(session, door_token=screen, name="Ben").code == "door_unknown"


def test_a_volunteers_link_ends_two_hours_after_the_event(session: Session) -> None:
    make_evening(session)
    token = make_door(session, "volunteer").token
    end = NOW + 3 * HOUR
    assert refused(session, end + HOUR, door_token=token, name="Mia").code == "ended"
    over = refused(session, end + 2 * HOUR, door_token=token, name="Mia")
    assert (over.code, over.detail) == ("door_over", "This door closed at 01:00.")


def test_forged_old_and_foreign_personal_codes(session: Session) -> None:
    make_evening(session)
    token = make_door(session, "volunteer").token
    good = shown(session, "ben")
    said, _, signed = good.partition(".")
    other = shown(session, "dora").partition(".")[2]
    for text_ in (f"{said}.{other}", said, "", "a.b", "é.ü", f"{said}.{signed[:-4]}", "x" * 900, "[" * 500):
        assert refused(session, door_token=token, shown=text_).code == "pass_unknown", text_
    old = shown(session, "ben", NOW - dt.timedelta(hours=49))
    assert refused(session, door_token=token, shown=old).code == "pass_over"
    assert enter(session, door_token=token, shown=f"https://muster.test/q/{good}").result == "in"


def test_what_an_offline_door_tells_later_is_kept_and_flagged(session: Session) -> None:
    make_evening(session, capacity=1)
    made = make_door(session, "volunteer")
    enter(session, door_token=made.token, member_id="ben")
    doors.revoke(session, door_id=made.door.id, now=NOW + 10 * MINUTE, by="cleo")
    now = NOW + 5 * HOUR  # the event is over, the door revoked, and its phone's clock an hour off
    scanned, off = NOW + 5 * MINUTE, HOUR
    found = enter(session, now, door_token=made.token, name="Mia", told_at=scanned + off, sent_at=now + off)
    assert (found.result, found.at) == ("in", scanned)
    assert set(found.flags) == {"late", "door_closed", "over_capacity"}
    row = session.get(CheckIn, found.checkin_id)
    assert row is not None
    assert (row.at, row.recorded_at) == (scanned, now)
    # What it says to have scanned after it was revoked has not happened.
    scanned = NOW + 11 * MINUTE
    told = refused(session, now, door_token=made.token, name="Max", told_at=scanned, sent_at=now)
    assert told.code == "door_revoked"


def test_two_offline_doors_let_one_in_once_at_the_earlier_time(session: Session) -> None:
    make_evening(session)
    one, other = (make_door(session, "volunteer").token for _ in range(2))
    now = NOW + HOUR
    first = enter(session, now, door_token=one, member_id="ben", told_at=NOW + 9 * MINUTE, sent_at=now)
    second = enter(session, now, door_token=other, member_id="ben", told_at=NOW + 7 * MINUTE, sent_at=now)
    third = enter(session, now, door_token=other, member_id="ben", told_at=NOW + 30 * MINUTE, sent_at=now)
    assert first.checkin_id == second.checkin_id == third.checkin_id
    assert [row.at for row in standing(session)] == [NOW + 7 * MINUTE]
    assert third.result == "already"


def test_a_host_lets_in_after_the_end_and_over_capacity_with_marks(session: Session) -> None:
    make_evening(session, capacity=1, approval=True)
    enter(session, who="cleo", event_id="supper", member_id="ben")
    late = enter(session, NOW + 3 * HOUR + 5 * MINUTE, who="cleo", event_id="supper", name="Mia")
    assert (late.result, late.sign_in, set(late.flags)) == ("in", False, {"ended", "over_capacity"})
    assert refused(session, who="dora", event_id="supper", name="Mia").code == "event_not_yours"
    assert refused(session, who="ana", event_id="supper", name="Mia").code == "event_not_yours"
    by = session.scalars(select(Passage.by).where(Passage.checkin_id == late.checkin_id)).one()
    assert by == "cleo"
