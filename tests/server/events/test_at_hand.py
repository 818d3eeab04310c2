"""What somebody hosts, goes to or may walk into around now, as the start page and the phone list it."""

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import at_hand, signups
from server.events import service as events
from server.events.states import State
from server.people import roles
from server.people import service as people
from tests.server.places import HOUR, NOW, make_cafe, make_members

SINCE = NOW - 12 * HOUR


@pytest.fixture(autouse=True)
def world(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    communities.create(session, id="readers", name="Readers")


def gather(session: Session, event_id: str, *starts: dt.datetime, by: str = "cleo", **more: object) -> None:
    """A gathering of steps that last for an hour each."""
    steps = [events.NewStep(f"Part {at:%H}", "cafe", at, at + HOUR) for at in starts]
    events.create(session, id=event_id, name=event_id, organizer_id=by, steps=steps, **more)  # type: ignore[arg-type]


def listed(session: Session, who: str, most: int = 30) -> list[str]:
    found = at_hand.at_hand(session, people.get(session, who), now=NOW, since=SINCE, most=most)
    return [one.event.id for one in found]


def test_what_is_on_comes_first_then_what_comes_next_then_what_is_over(session: Session) -> None:
    gather(session, "over", NOW - 3 * HOUR)
    gather(session, "soon", NOW + HOUR)
    gather(session, "late", NOW + 30 * HOUR)
    gather(session, "on", NOW - HOUR / 2)
    gather(session, "long-ago", NOW - 40 * HOUR)
    assert listed(session, "dora") == ["on", "soon", "late", "over"]
    assert listed(session, "dora", most=2) == ["on", "soon"]
    assert listed(session, "cleo") == ["on", "soon", "late", "over", "long-ago"], "what one hosted stays"


def test_of_several_steps_the_next_one_is_told(session: Session) -> None:
    gather(session, "day", NOW - 2 * HOUR, NOW - HOUR / 2, NOW + 3 * HOUR)
    gather(session, "past", NOW - 5 * HOUR, NOW - 4 * HOUR)
    day, past = at_hand.at_hand(session, people.get(session, "dora"), now=NOW, since=SINCE, most=9)
    assert (day.step.position, day.several, day.running, day.hosts, day.venue.id) == (1, True, True, False, "cafe")
    assert (past.step.position, past.running) == (1, False)


def test_drafts_and_communities_are_for_whose_they_are(session: Session) -> None:
    gather(session, "draft", NOW + HOUR, state=State.DRAFT)
    gather(session, "inside", NOW + 2 * HOUR, community_id="readers")
    assert listed(session, "dora") == []
    assert listed(session, "cleo") == ["draft", "inside"]
    assert listed(session, "ana") == ["draft", "inside"], "she runs the server"
    communities.join(session, community_id="readers", member_id="dora")
    assert listed(session, "dora") == ["inside"]
    roles.give(session, member_id="ben", kind="event", of_id="draft", called="", by=None, now=NOW)
    assert listed(session, "ben") == ["draft"]


def test_what_was_called_off_is_news_to_who_meant_to_come_alone(session: Session) -> None:
    gather(session, "off", NOW + HOUR)
    signups.sign_up(session, event_id="off", member_id="dora", now=NOW)
    events.get(session, "off").state = State.CANCELLED
    session.flush()
    assert [listed(session, who) for who in ("dora", "cleo", "ben")] == [["off"], ["off"], []]


def test_the_steps_to_come_are_those_of_what_one_goes_to_or_hosts(session: Session) -> None:
    gather(session, "day", NOW - 2 * HOUR, NOW + 3 * HOUR, NOW + 5 * HOUR)
    gather(session, "own", NOW + 4 * HOUR, by="dora")
    gather(session, "other", NOW + HOUR)
    gather(session, "draft", NOW + HOUR, by="dora", state=State.DRAFT)
    signups.sign_up(session, event_id="day", member_id="dora", now=NOW)
    found = at_hand.coming(session, people.get(session, "dora"), now=NOW, most=30)
    assert [(one.event.id, one.step.position, one.signed_up) for one in found] == [
        ("day", 1, True),
        ("own", 0, False),
        ("day", 2, True),
    ]
    assert len(at_hand.coming(session, people.get(session, "dora"), now=NOW, most=1)) == 1
