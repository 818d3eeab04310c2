"""Badges, identities, pairings and what agents report."""

import pytest
from sqlalchemy.orm import Session

from server import topics
from server.badges import service as badges
from server.errors import Invalid
from server.fleet import service as fleet
from server.people import service as people
from tests.server.places import HOUR, IDENTITY, NOW, make_agent, make_badge, make_cafe, make_members

OTHER = IDENTITY[:-1] + b"\x02"
UUID = IDENTITY[:16]


@pytest.fixture(autouse=True)
def _members(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    make_agent(session)


def test_a_badge_shows_what_it_was_registered_with(session: Session) -> None:
    badge_id = make_badge(session)
    (shown,) = badges.identities_of(session, badge_id=badge_id)
    assert (shown.identity, shown.valid.lower, shown.valid.upper) == (IDENTITY, NOW - HOUR, None)
    assert badges.get(session, badge_id).label == "14"


def test_an_identity_means_one_badge_at_a_time(session: Session) -> None:
    make_badge(session)
    count = len(badges.list_all(session))
    with pytest.raises(badges.IdentityTaken, match="shows this uuid"):
        badges.register(session, identity=IDENTITY, since=NOW)
    with pytest.raises(badges.IdentityTaken):
        badges.register_beacon(session, identity=IDENTITY, agent_id="cafe-door", since=NOW)
    assert len(badges.list_all(session)) == count
    badges.register(session, identity=OTHER, since=NOW)


@pytest.mark.parametrize("identity", [b"", IDENTITY[:-1], IDENTITY + b"\x00", bytes(20)])
def test_an_identity_that_cannot_be_one_is_refused(session: Session, identity: bytes) -> None:
    with pytest.raises(Invalid):
        badges.register(session, identity=identity, since=NOW)


def test_a_badge_is_one_member_s_at_a_time(session: Session) -> None:
    badge_id = make_badge(session)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW)
    with pytest.raises(badges.BadgeHeld, match="given back first"):
        badges.pair(session, badge_id=badge_id, member_id="cleo", since=NOW + HOUR)
    badges.give_back(session, badge_id=badge_id, at=NOW + HOUR)
    badges.pair(session, badge_id=badge_id, member_id="cleo", since=NOW + HOUR)
    assert badges.holder_of(session, badge_id=badge_id, at=NOW + HOUR / 2) == "dora"
    assert badges.holder_of(session, badge_id=badge_id, at=NOW + HOUR) == "cleo"
    assert [pairing.badge_id for pairing in badges.held_by(session, member_id="cleo", at=NOW + HOUR)] == [badge_id]
    assert badges.held_by(session, member_id="cleo", at=NOW) == []


def test_a_loan_ends_by_itself(session: Session) -> None:
    badge_id = make_badge(session)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW, until=NOW + HOUR)
    badges.pair(session, badge_id=badge_id, member_id="cleo", since=NOW + HOUR)
    assert badges.holder_of(session, badge_id=badge_id, at=NOW + HOUR) == "cleo"
    with pytest.raises(Invalid, match="after it was taken"):
        badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW, until=NOW)


def test_a_badge_cannot_be_claimed_for_a_time_before_it_was_registered(session: Session) -> None:
    badge_id = make_badge(session)
    with pytest.raises(badges.NotRegisteredThen):
        badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW - 2 * HOUR)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW - HOUR)


def test_what_nobody_holds_cannot_be_given_back(session: Session) -> None:
    badge_id = make_badge(session)
    with pytest.raises(badges.BadgeNotHeld):
        badges.give_back(session, badge_id=badge_id, at=NOW)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW)
    with pytest.raises(badges.BadgeNotHeld):
        badges.give_back(session, badge_id=badge_id, at=NOW)
    badges.give_back(session, badge_id=badge_id, at=NOW + HOUR)
    with pytest.raises(badges.BadgeNotHeld):
        badges.give_back(session, badge_id=badge_id, at=NOW + HOUR)


def test_a_pairing_needs_a_badge_and_a_member(session: Session) -> None:
    badge_id = make_badge(session)
    with pytest.raises(badges.BadgeUnknown):
        badges.pair(session, badge_id=badge_id + 1, member_id="dora", since=NOW)
    with pytest.raises(people.MemberUnknown):
        badges.pair(session, badge_id=badge_id, member_id="nobody", since=NOW)


def test_facts_change_with_identities_and_who_is_expected_with_pairings(session: Session) -> None:
    def moved() -> tuple[int, int]:
        found = topics.revisions(session, [topics.FACTS, topics.EXPECTED])
        return found[topics.FACTS], found[topics.EXPECTED]

    facts, expected = moved()
    badge_id = make_badge(session)
    assert moved() == (facts + 1, expected)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW)
    assert moved() == (facts + 1, expected + 1)
    badges.give_back(session, badge_id=badge_id, at=NOW + HOUR)
    assert moved() == (facts + 1, expected + 2)


def test_agents_report_whole_badges_and_the_uuids_that_are_ours(session: Session) -> None:
    foreign = b"\xaa" * 20
    make_badge(session)
    badges.register(session, identity=foreign, since=NOW)
    badges.register_beacon(session, identity=OTHER, agent_id="cafe-door", since=NOW)
    whole = ((0, foreign), (0, IDENTITY), (0, OTHER))
    assert badges.report_patterns(session, now=NOW) == whole
    assert badges.report_patterns(session, now=NOW, own_uuids=[UUID]) == ((0, UUID), (0, foreign))


def test_an_agent_s_beacon_needs_its_agent(session: Session) -> None:
    with pytest.raises(fleet.AgentUnknown):
        badges.register_beacon(session, identity=OTHER, agent_id="nobody", since=NOW)
