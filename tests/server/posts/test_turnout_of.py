"""Who came to gatherings as ranking counts it, read from check-ins, visits and passages."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings as config
from server import times
from server.checkins.model import CheckIn
from server.doors.model import Passage
from server.people import roles
from server.people import service as people
from server.posts import turnout_of
from server.posts.ranking import Coming
from server.presence.model import Visit
from server.turnout import service as turnout
from tests.server.places import HOUR, NOW, make_badge, make_cafe, make_members
from tests.server.posts.world import DAY, come, make_event, make_readers

RULES = config.load(environment={}).posts
MINUTE = dt.timedelta(minutes=1)
START = NOW - 3 * DAY  # of the walk, which takes two hours


@pytest.fixture
def came(session: Session) -> Callable[..., tuple[Coming, ...]]:
    """`came()`: who came to the walk."""
    make_members(session)
    make_cafe(session)
    make_readers(session)
    make_event(session, "walk", START)

    def read(now: dt.datetime = NOW) -> tuple[Coming, ...]:
        session.flush()
        return turnout_of.came(session, ["walk"], rules=RULES, now=now).get("walk", ())

    return read


def test_nobody_came_to_what_nobody_came_to(session: Session, came: Callable[..., tuple[Coming, ...]]) -> None:
    assert came() == ()
    assert turnout_of.came(session, [], rules=RULES, now=NOW) == {}
    assert turnout.ever_came(session, [], community_id="readers", event_id=None) == set()


def test_each_is_counted_once_by_her_strongest_evidence_and_hosts_are_left_out(
    session: Session, came: Callable[..., tuple[Coming, ...]]
) -> None:
    come(session, "walk", "fay", START, evidence="manual", signed_up=START - DAY)
    come(session, "walk", "dora", START, evidence="poster")
    come(session, "walk", "gina", START)  # she organizes it
    come(session, "walk", "hugo", START)
    roles.give(session, member_id="hugo", kind="event", of_id="walk", called="", by=None, now=NOW)
    assert came() == (
        Coming("dora", None, START, "poster"),
        Coming("fay", START - DAY, START, "manual"),
    )


def test_what_was_taken_back_erased_or_lies_ahead_counts_nothing(
    session: Session, came: Callable[..., tuple[Coming, ...]]
) -> None:
    for member_id in ("fay", "dora", "ida"):
        come(session, "walk", member_id, START + HOUR, signed_up=START - DAY)
    session.execute(text("UPDATE checkin SET undone_at = at WHERE member_id = 'fay'"))
    session.delete(people.get(session, "dora"))
    assert [one.member for one in came()] == ["ida"]
    assert came(START) == ()


@pytest.mark.parametrize(("minutes", "stayed"), [(119, True), (106, True), (105, True), (104, False), (30, False)])
def test_a_badge_s_last_visit_or_going_out_says_who_stayed(
    session: Session, came: Callable[..., tuple[Coming, ...]], minutes: int, stayed: bool
) -> None:
    badge_id = make_badge(session)
    start_ms = times.to_ms(START)
    visit = Visit(badge_id=badge_id, venue_id="cafe", from_ms=start_ms, to_ms=start_ms + minutes * 60_000)
    visit.reach_ms = visit.to_ms + 300_000
    heard = CheckIn(step_id="walk-1", member_id="fay", badge_id=badge_id, at=START, evidence="beacon", signed_up=False)
    scanned = CheckIn(step_id="walk-1", member_id="dora", at=START, evidence="screen", signed_up=False)
    session.add_all([visit, heard, scanned])
    session.flush()
    for direction, at in (("in", START), ("out", START + minutes * MINUTE)):
        session.add(
            Passage(
                checkin_id=scanned.id,
                member_id="dora",
                direction=direction,
                at=at,
                recorded_at=at,
                evidence="screen",
            )
        )
    assert [(one.member, one.stayed) for one in came()] == [("dora", stayed), ("fay", stayed)]
    assert [one.stayed for one in came(START + HOUR)] == [None, None], "it is not over yet"


def test_who_went_in_and_was_not_seen_to_go_out_is_not_known_to_have_stayed(
    session: Session, came: Callable[..., tuple[Coming, ...]]
) -> None:
    come(session, "walk", "dora", START)
    assert came()[0].stayed is None


def test_who_came_to_a_later_gathering_of_the_community_came_again(
    session: Session, came: Callable[..., tuple[Coming, ...]]
) -> None:
    make_event(session, "before", START - DAY)
    make_event(session, "after", START + DAY)
    make_event(session, "open", START + DAY, community=None)
    make_event(session, "late", START + 70 * DAY)
    for event_id, member_id, evidence in (
        ("after", "fay", "poster"),
        ("before", "dora", "screen"),
        ("open", "emil", "screen"),
        ("late", "ida", "screen"),
    ):
        come(session, "walk", member_id, START)
        at = {"before": START - DAY, "late": START + 70 * DAY}.get(event_id, START + DAY)
        come(session, event_id, member_id, at, evidence=evidence)
    found = {one.member: one.again for one in came(NOW + 90 * DAY)}
    assert found == {"fay": "poster", "dora": None, "emil": None, "ida": None}
    ever = turnout.ever_came(session, ["fay", "gina"], community_id="readers", event_id=None)
    assert ever == {"fay"}
    assert turnout.ever_came(session, ["emil"], community_id=None, event_id="open") == {"emil"}
