"""A guest who turns out to be a member: all that refers to her becomes the member's; hers stays where both have one."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.badges import service as badges
from server.communities import service as communities
from server.events import service as events
from server.events import signups
from server.people import guests, merging, roles
from server.people import service as people
from server.people.codes import Proved
from server.people.model import Member
from tests.server.places import HOUR, NOW, make_badge, make_cafe, make_members

DAY = dt.timedelta(days=1)


@pytest.fixture
def guest(session: Session) -> Member:
    """A guest who came to an event that Dora signed up for too, at the cafe; she holds a badge."""
    make_members(session)
    make_cafe(session)
    for number in (1, 2):
        step = events.NewStep("Talk", "cafe", NOW - HOUR, NOW + HOUR)
        events.create(session, id=f"night-{number}", name="Night", organizer_id="cleo", steps=[step])
    guest = people.create_guest(session, name="Bo")
    for event_id, member_id in (("night-1", guest.id), ("night-2", guest.id), ("night-1", "dora")):
        signups.sign_up(session, event_id=event_id, member_id=member_id, now=NOW)
    badges.pair(session, badge_id=make_badge(session), member_id=guest.id, since=NOW)
    for step_id, member_id, at in (
        ("night-1-1", guest.id, NOW),
        ("night-2-1", guest.id, NOW),
        ("night-1-1", "dora", NOW + HOUR / 2),
    ):
        session.execute(
            text(
                "INSERT INTO checkin (step_id, member_id, at, evidence, signed_up)"
                " VALUES (:step, :member, :at, 'manual', true)"
            ),
            {"step": step_id, "member": member_id, "at": at},
        )
    return guest


def _check_ins(session: Session, member_id: str) -> list[tuple[str, dt.datetime]]:
    rows = session.execute(text("SELECT step_id, at FROM checkin WHERE member_id = :m ORDER BY 1"), {"m": member_id})
    return [tuple(row) for row in rows]


def test_all_becomes_the_member_s_and_hers_stays_where_both_have_one(session: Session, guest: Member) -> None:
    token, guest_id = people.sign_in(session, member_id=guest.id, now=NOW), guest.id
    moved = merging.merge(session, guest_id=guest_id, into_id="dora", now=NOW)
    assert moved == {"checkin": 1, "pairing": 1, "sign_up": 1}
    assert _check_ins(session, "dora") == [("night-1-1", NOW + HOUR / 2), ("night-2-1", NOW)]
    assert set(signups.signed_up_for(session, member_id="dora")) == {"night-1", "night-2"}
    assert len(badges.held_by(session, member_id="dora", at=NOW)) == 1
    assert session.get(Member, guest_id) is None
    assert people.member_of(session, token=token, now=NOW) is None  # a phone left behind is nobody's
    assert audit.read(session, of="member/dora")[0].action == "guest.claimed"


def test_only_what_a_guest_left_can_become_another_s(session: Session, guest: Member) -> None:
    for one, other in (("dora", "cleo"), (guest.id, guest.id)):
        with pytest.raises(merging.NoGuest):
            merging.merge(session, guest_id=one, into_id=other, now=NOW)


def test_every_reference_to_a_member_is_followed(session: Session) -> None:
    found = session.execute(
        text("""
            SELECT relname, attname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
            JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
            WHERE contype = 'f' AND confrelid = 'member'::regclass ORDER BY 1, 2
        """)
    )
    assert merging.referring() == sorted(tuple(row) for row in found)


def test_a_guest_who_leaves_an_address_is_a_member(session: Session, guest: Member) -> None:
    entered = guests.enter(session, Proved("bo@example.org", guest.id, "en"), now=NOW)
    assert (entered.member_id, guest.guest, guest.email) == (guest.id, False, "bo@example.org")
    assert len(_check_ins(session, guest.id)) == 2


def test_a_guest_whose_address_is_a_member_s_becomes_that_member(session: Session, guest: Member) -> None:
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    assert guests.enter(session, Proved("dora@example.org", guest.id, "en"), now=NOW).member_id == "dora"
    assert len(_check_ins(session, "dora")) == 2


def test_a_member_cannot_take_another_s_address(session: Session, guest: Member) -> None:
    del guest
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    with pytest.raises(people.AddressTaken):
        guests.enter(session, Proved("dora@example.org", "cleo", "en"), now=NOW)
    assert people.get(session, "cleo").email is None


def test_an_unknown_address_makes_a_member_whose_id_says_nothing(session: Session) -> None:
    entered = guests.enter(session, Proved("li.wei@example.org", None, "zh"), now=NOW)
    member = people.get(session, entered.member_id)
    assert (entered.new, member.name, member.email) == (True, "新朋友", "li.wei@example.org")
    assert "li" not in member.id.removeprefix("member-")
    assert guests.enter(session, Proved("li.wei@example.org", None, "zh"), now=NOW).member_id == member.id


def test_a_guest_gets_no_part_in_anything_and_the_last_operator_stays(session: Session, guest: Member) -> None:
    communities.create(session, id="readers", name="Readers")
    with pytest.raises(roles.GuestHasNoRole):
        roles.give(session, member_id=guest.id, kind="community", of_id="readers", called="", by="ana", now=NOW)
    with pytest.raises(roles.GuestHasNoRole):
        roles.make_operator(session, member_id=guest.id, by="ana", now=NOW)
    with pytest.raises(roles.LastOperator):
        roles.end_operator(session, member_id="ana", by="ana", now=NOW)
    roles.make_operator(session, member_id="dora", by="ana", now=NOW)
    roles.end_operator(session, member_id="ana", by="dora", now=NOW)
    session.expire_all()
    assert [member.id for member in roles.operators(session)] == ["dora"]
    assert [note.action for note in audit.read(session, of="server")] == ["role.taken_back", "role.given"]
