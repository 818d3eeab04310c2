"""A circle that fell silent asks its members once, and does what they say."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.errors import NotFound
from server.events import service as events
from server.face_to_face import asking
from server.face_to_face.model import Founding
from server.governance import ending
from server.governance.model import CommunityChange
from server.posts.model import Post, Topic
from server.proposals import service as proposals
from server.proposals.service import NewOption
from tests.server.face_to_face.scene import gather, join
from tests.server.places import HOUR, NOW, make_cafe, make_members
from tests.server.proposals.scene import told

WEEK = dt.timedelta(days=7)
DAY = dt.timedelta(days=1)


@pytest.fixture
def circle(session: Session) -> str:
    """Founded by Cleo, with Dora and Ben."""
    make_members(session)
    make_cafe(session)
    made = gather(session, name="Chess")
    for who in ("dora", "ben"):
        join(session, made.digits, who)
    return str(made.community_id)


def answer(session: Session, circle: str, who: str, keep: bool, now: dt.datetime) -> None:
    asking.answer(session, community_id=circle, member_id=who, keep=keep, now=now)


def exists(session: Session, circle: str) -> bool:
    try:
        communities.get(session, circle)
    except NotFound:
        return False
    return True


def test_after_a_week_its_members_are_asked_once(session: Session, circle: str) -> None:
    asking.look(session, community_id=circle, now=NOW + WEEK - HOUR)
    assert told(session, "circle.keep") == {}
    with pytest.raises(asking.NothingAsked):
        answer(session, circle, "dora", True, NOW + WEEK - HOUR)
    assert asking.due(session, NOW + WEEK) == [circle]
    for _ in range(2):
        asking.look(session, community_id=circle, now=NOW + WEEK)
    found = told(session, "circle.keep")
    assert set(found) == {"ben", "cleo", "dora"}
    assert found["dora"][1:] == ({"name": "Chess"}, f"/communities/{circle}/keep")


def test_one_keep_keeps_it_and_it_is_never_asked_again(session: Session, circle: str) -> None:
    asking.look(session, community_id=circle, now=NOW + WEEK)
    answer(session, circle, "dora", True, NOW + WEEK)
    asking.look(session, community_id=circle, now=NOW + 2 * WEEK)
    assert exists(session, circle)
    asking.look(session, community_id=circle, now=NOW + 20 * WEEK)
    assert exists(session, circle)
    assert asking.due(session, NOW + 20 * WEEK) == []
    with pytest.raises(asking.NothingAsked):
        answer(session, circle, "dora", False, NOW + 20 * WEEK)


def test_nobodys_answer_lets_it_go_and_nothing_of_it_is_kept(session: Session, circle: str) -> None:
    asking.look(session, community_id=circle, now=NOW + WEEK)
    asking.look(session, community_id=circle, now=NOW + 2 * WEEK - HOUR)
    assert exists(session, circle)
    asking.look(session, community_id=circle, now=NOW + 2 * WEEK)
    assert not exists(session, circle)
    for table in ("founding", "keeping", "community_member", "gather"):
        assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    assert set(told(session, "circle.let_go")) == {"ben", "cleo", "dora"}


def test_a_majority_decides_a_tie_keeps_and_the_last_answer_of_each_counts(session: Session, circle: str) -> None:
    now = NOW + WEEK
    asking.look(session, community_id=circle, now=now)
    answer(session, circle, "dora", False, now)
    answer(session, circle, "ben", True, now)
    asked = asking.question(session, community_id=circle, member_id="dora", now=now)
    assert (asked.keep, asked.let_go, asked.members, asked.mine) == (1, 1, 3, False)
    answer(session, circle, "ben", False, now)
    answer(session, circle, "ben", True, now)
    asking.look(session, community_id=circle, now=now + WEEK)
    assert exists(session, circle)


def test_once_all_have_answered_it_is_decided(session: Session, circle: str) -> None:
    now = NOW + WEEK
    asking.look(session, community_id=circle, now=now)
    answer(session, circle, "dora", False, now)
    answer(session, circle, "ben", False, now)
    assert exists(session, circle)
    answer(session, circle, "cleo", True, now)
    assert not exists(session, circle)


def test_the_answers_of_who_left_count_no_more(session: Session, circle: str) -> None:
    now = NOW + WEEK
    asking.look(session, community_id=circle, now=now)
    answer(session, circle, "dora", True, now)
    communities.leave(session, community_id=circle, member_id="dora", now=NOW)
    asking.look(session, community_id=circle, now=now + WEEK)
    assert not exists(session, circle)


def test_only_members_answer(session: Session, circle: str) -> None:
    asking.look(session, community_id=circle, now=NOW + WEEK)
    with pytest.raises(asking.MembersAnswer):
        answer(session, circle, "ana", True, NOW + WEEK)
    answer(session, circle, "ben", True, NOW + WEEK)


def test_a_gathering_and_a_proposal_are_words(session: Session, circle: str) -> None:
    later = NOW + 20 * DAY
    step = events.NewStep("Chess", "cafe", later, later + HOUR)
    events.create(session, id="chess", name="Chess", organizer_id="cleo", community_id=circle, steps=[step])
    asking.look(session, community_id=circle, now=later)
    assert told(session, "circle.keep") == {}
    option = NewOption(later + 9 * DAY, later + 10 * DAY, "cafe")
    proposals.open(
        session,
        by_id="cleo",
        title="Again",
        options=[option],
        quorum=3,
        decide_by=later + 6 * DAY,
        now=later,
        community_id=circle,
    )
    asking.look(session, community_id=circle, now=later + 12 * DAY)
    assert told(session, "circle.keep") == {}
    asking.look(session, community_id=circle, now=later + 13 * DAY)
    assert set(told(session, "circle.keep")) == {"ben", "cleo", "dora"}


def test_a_post_and_a_change_are_words(session: Session, circle: str) -> None:
    topic = Topic(community_id=circle, title="Chess", made_by="dora", made_at=NOW)
    session.add(topic)
    session.flush()
    session.add(Post(topic_id=topic.id, member_id="dora", text="Again?", newcomer=False, at=NOW + 5 * DAY))
    session.flush()
    asking.look(session, community_id=circle, now=NOW + 11 * DAY)
    change = {"community_id": circle, "field": "goal", "was": None, "became": "Play", "by": "dora", "at": NOW + 9 * DAY}
    session.add(CommunityChange(**change))
    session.flush()
    asking.look(session, community_id=circle, now=NOW + 15 * DAY)
    assert told(session, "circle.keep") == {}
    asking.look(session, community_id=circle, now=NOW + 16 * DAY)
    assert set(told(session, "circle.keep")) == {"ben", "cleo", "dora"}


def test_a_word_after_the_question_keeps_it(session: Session, circle: str) -> None:
    now = NOW + WEEK
    asking.look(session, community_id=circle, now=now)
    answer(session, circle, "dora", False, now)
    step = events.NewStep("Chess", "cafe", now + DAY, now + 2 * DAY)
    events.create(session, id="chess", name="Chess", organizer_id="cleo", community_id=circle, steps=[step])
    with pytest.raises(asking.NothingAsked):
        answer(session, circle, "ben", False, now)
    found = session.get(Founding, circle)
    assert found is not None
    assert found.kept_at == now


def test_a_circle_that_has_dissolved_is_asked_nothing_and_stays_readable(session: Session, circle: str) -> None:
    ending.dissolve(session, communities.get(session, circle, to_edit=True), now=NOW)
    assert asking.due(session, NOW + 2 * WEEK) == []
    for weeks in (1, 2, 3):
        asking.look(session, community_id=circle, now=NOW + weeks * WEEK)
    assert told(session, "circle.keep") == {}
    assert exists(session, circle)
    with pytest.raises(asking.NothingAsked):
        answer(session, circle, "dora", True, NOW + WEEK)


def test_a_circle_that_everybody_left_is_gone(session: Session, circle: str) -> None:
    for who in ("ben", "cleo", "dora"):
        communities.leave(session, community_id=circle, member_id=who, now=NOW)
    asking.look(session, community_id=circle, now=NOW + WEEK)
    assert not exists(session, circle)


def test_a_community_founded_otherwise_is_asked_nothing(session: Session) -> None:
    make_members(session)
    communities.create(session, id="readers", name="Readers")
    communities.join(session, community_id="readers", member_id="dora")
    asking.look(session, community_id="readers", now=NOW + 99 * WEEK)
    asking.look(session, community_id="Not an id!", now=NOW)
    assert exists(session, "readers")
    with pytest.raises(asking.NothingAsked):
        answer(session, "readers", "dora", True, NOW)
