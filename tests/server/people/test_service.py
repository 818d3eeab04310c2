"""Members, sessions and one-time links."""

import datetime as dt
import threading

import pytest
from sqlalchemy.orm import Session

from server import database
from server.errors import Invalid
from server.people import service as people
from tests.server.places import NOW, make_members

SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _members(session: Session) -> None:
    make_members(session)


def test_an_id_belongs_to_one_member(session: Session) -> None:
    with pytest.raises(people.MemberExists, match="ana"):
        people.create(session, id="ana", name="Another Ana")
    assert people.get(session, "ana").name == "Ana Moreno"


@pytest.mark.parametrize("id", ["", "Ana", "a b", "a/b", "ä", "a" * 65, "a\n"])
def test_an_id_that_breaks_the_rule_is_refused(session: Session, id: str) -> None:
    with pytest.raises(Invalid, match="id of a member"):
        people.create(session, id=id, name="Somebody")


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "two\nlines", "\x00"])
def test_a_name_that_is_none_is_refused(session: Session, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        people.create(session, id="somebody", name=name)


def test_a_session_is_its_member_s_until_it_expires(session: Session) -> None:
    token = people.sign_in(session, member_id="ana", now=NOW, lifetime=dt.timedelta(hours=1))
    found = people.member_of(session, token=token, now=NOW + dt.timedelta(hours=1) - SECOND)
    assert found is not None
    assert found.id == "ana"
    assert people.member_of(session, token=token, now=NOW + dt.timedelta(hours=1)) is None
    assert people.member_of(session, token=token + "x", now=NOW) is None


def test_signing_out_ends_this_session_alone(session: Session) -> None:
    phone = people.sign_in(session, member_id="ana", now=NOW)
    desk = people.sign_in(session, member_id="ana", now=NOW)
    people.sign_out(session, token=phone)
    people.sign_out(session, token="nobody's")
    assert people.member_of(session, token=phone, now=NOW) is None
    assert people.member_of(session, token=desk, now=NOW) is not None


def test_nobody_unknown_signs_in_or_gets_a_link(session: Session) -> None:
    with pytest.raises(people.MemberUnknown):
        people.sign_in(session, member_id="nobody", now=NOW)
    with pytest.raises(people.MemberUnknown):
        people.make_link(session, member_id="nobody", now=NOW)


def test_a_link_signs_in_once(session: Session) -> None:
    token = people.make_link(session, member_id="ana", now=NOW)
    assert people.look_at_link(session, token=token, now=NOW).id == "ana"
    assert people.use_link(session, token=token, now=NOW) == "ana"
    with pytest.raises(people.LinkUsed):
        people.use_link(session, token=token, now=NOW)
    with pytest.raises(people.LinkUsed):
        people.look_at_link(session, token=token, now=NOW)


def test_a_link_that_is_too_old_or_not_ours_signs_nobody_in(session: Session) -> None:
    token = people.make_link(session, member_id="ana", now=NOW, lifetime=SECOND)
    with pytest.raises(people.LinkExpired):
        people.use_link(session, token=token, now=NOW + SECOND)
    with pytest.raises(people.LinkUnknown):
        people.use_link(session, token="made-up", now=NOW)
    assert people.use_link(session, token=token, now=NOW) == "ana"


def test_of_two_that_use_a_link_at_the_same_moment_one_signs_in(fresh_database: str) -> None:
    engine = database.connect(fresh_database, pool=2)
    with database.transaction(engine) as session:
        make_members(session)
        token = people.make_link(session, member_id="ana", now=NOW)
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def use() -> None:
        with database.transaction(engine) as session:
            together.wait(10)
            try:
                outcomes.append(people.use_link(session, token=token, now=NOW))
            except people.LinkUsed:
                outcomes.append("used")

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    engine.dispose()
    assert sorted(outcomes) == ["ana", "used"]


def test_somebody_is_found_by_id_and_by_name_in_any_case(session: Session) -> None:
    assert people.find(session, "Ana").id == "ana"
    assert people.find(session, " CLÉO martin ").id == "cleo"


def test_who_is_not_found_is_told_near_names(session: Session) -> None:
    with pytest.raises(people.MemberUnknown, match="did you mean cleo"):
        people.find(session, "Clea Martin")
    with pytest.raises(people.MemberUnknown, match="no name here is like it"):
        people.find(session, "xyzzy")


def test_a_name_of_two_does_not_say_who(session: Session) -> None:
    people.create(session, id="ana-2", name="Ana Moreno")
    with pytest.raises(people.MemberUnknown, match=r"ana \(.*ana-2"):
        people.find(session, "Ana Moreno")


def test_demo_members_come_in_their_order(session: Session) -> None:
    people.create(session, id="zoe", name="Zoe", demo_order=1)
    people.create(session, id="abel", name="Abel", demo_order=2)
    assert [member.id for member in people.demo_members(session)] == ["zoe", "abel"]
