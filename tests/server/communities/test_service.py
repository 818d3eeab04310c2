"""Communities and their members."""

import pytest
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.people import service as people
from tests.server.places import NOW, make_members


@pytest.fixture(autouse=True)
def _swifts(session: Session) -> None:
    make_members(session)
    communities.create(session, id="swifts", name="Swift watchers")


def test_joining_twice_is_as_once(session: Session) -> None:
    for _ in range(2):
        communities.join(session, community_id="swifts", member_id="dora")
    assert communities.members_of(session, community_id="swifts") == ["dora"]
    assert [community.id for community in communities.communities_of(session, member_id="dora")] == ["swifts"]


def test_who_left_is_no_member(session: Session) -> None:
    communities.join(session, community_id="swifts", member_id="dora")
    communities.leave(session, community_id="swifts", member_id="dora", now=NOW)
    assert communities.members_of(session, community_id="swifts") == []
    with pytest.raises(communities.NotAMember):
        communities.leave(session, community_id="swifts", member_id="dora", now=NOW)


def test_a_community_has_an_id_of_its_own(session: Session) -> None:
    with pytest.raises(communities.CommunityExists):
        communities.create(session, id="swifts", name="Others")
    assert [community.name for community in communities.list_all(session)] == ["Swift watchers"]


def test_who_or_what_is_unknown_cannot_join(session: Session) -> None:
    with pytest.raises(communities.CommunityUnknown):
        communities.join(session, community_id="nowhere", member_id="dora")
    with pytest.raises(people.MemberUnknown):
        communities.join(session, community_id="swifts", member_id="nobody")
