"""Whose word counts in a community, and what she alone reads of it."""

import pytest
from sqlalchemy.orm import Session

from server.governance import votes
from server.met import reading
from server.people.model import Member
from tests.server.conftest import As
from tests.server.governance import circle
from tests.server.governance.circle import CAME, DAY
from tests.server.met import night
from tests.server.places import HOUR, NOW, make_agent, make_cafe, make_members

WALK = NOW - 7 * DAY
SINCE = NOW - 90 * DAY


@pytest.fixture
def _walkers(session: Session) -> None:
    if session.get(Member, "cleo") is None:
        make_members(session)
        make_cafe(session)
        make_agent(session)
    circle.make_circle(session)


@pytest.mark.usefixtures("_walkers")
def test_a_word_have_members_who_came_of_late(session: Session) -> None:
    circle.come(session, "walk", "cleo", WALK)  # who does not belong to it
    circle.come(session, "walk", "dora", WALK, "poster")
    assert reading.with_a_word(session, community_id="walkers", since=SINCE, now=NOW) == list(CAME)
    assert reading.with_a_word(session, community_id="walkers", since=WALK + HOUR, now=NOW) == []


@pytest.mark.usefixtures("_walkers")
def test_by_a_poster_alone_counts_who_met_somebody_there(session: Session) -> None:
    night.make_night(session, community_id="walkers")
    night.come(session, "dora", ("front", 0, 30), evidence="poster", made=False)
    emil = night.come(session, "emil", evidence="poster")
    assert "dora" not in votes.voters_of(session, "walkers", NOW)
    night.stay(session, emil, "front", 0, 30)
    night.pairs(session)
    assert "dora" in votes.voters_of(session, "walkers", NOW), "whether either wants to know it or not"
    assert "emil" not in votes.voters_of(session, "walkers", NOW), "who does not belong to it"


def test_why_hers_counts_is_hers_alone_to_read(as_: As, session: Session, request: pytest.FixtureRequest) -> None:
    as_(None)
    request.getfixturevalue("_walkers")
    path = "/api/communities/walkers/word"
    assert as_(None).get(path).json()["code"] == "sign_in_needed"
    assert as_("m1").get(path).json() == {
        "counts": True,
        "sentence": "Your word counts here: you came to 1 gathering in 90 days.",
    }
    assert as_("dora").get(path).json() == {
        "counts": False,
        "sentence": "Your word does not count here yet: come to a gathering.",
    }
    assert "you came to 1 gathering" in as_("m1").get("/communities/walkers/votes").text
    circle.come(session, "walk", "dora", WALK, "poster")
    assert "what shows that you came says too little" in as_("dora").get(path).json()["sentence"]
    assert as_("m1").get("/api/communities/nobody/word").json()["code"] == "community_unknown"
