"""Lists, and the plan of a date of a series, ask the database as often for many as for few."""

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import series, signups
from server.events import service as events
from tests.server.conftest import As
from tests.server.events.gathering import make_dinner
from tests.server.places import HOUR, NOW
from tests.server.posts.world import DAY, come, make_event, make_readers

WEEK = 7 * DAY
PATHS = ["/", "/tonight", "/communities", "/communities/readers", "/communities/readers/topics", "/api/events"]


def count(as_: As, session: Session, engine: Engine, path: str, viewer: str = "gina") -> int:
    """How many statements the page costs whom it is shown to."""
    seen: list[str] = []

    def one_more(*given: object) -> None:
        seen.append(str(given[2]))

    session.flush()
    session.expunge_all()
    client = as_(viewer)
    event.listen(engine, "before_cursor_execute", one_more)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", one_more)
    return len(seen)


@pytest.mark.parametrize("path", PATHS)
def test_many_cost_as_many_statements_as_few(as_: As, session: Session, engine: Engine, path: str) -> None:
    make_readers(session)
    topics = "/api/communities/readers/topics"

    def more(numbers: range) -> None:
        for number in numbers:
            communities.create(session, id=f"circle-{number}", name=f"Circle {number}")
            for community in ("readers", f"circle-{number}"):
                make_event(session, f"{community}-{number}-next", NOW + number * HOUR, community=community)
                make_event(session, f"{community}-{number}-was", NOW - DAY - number * HOUR, community=community)
            come(session, f"readers-{number}-was", "fay", NOW - DAY - number * HOUR, signed_up=NOW - 5 * DAY)
            wanted = {"title": "Books", "text": "Read this.", "leads_to": f"readers-{number}-next"}
            assert as_("gina").post(topics, json=wanted).status_code == 201

    more(range(1, 3))
    few = count(as_, session, engine, path)
    more(range(3, 9))
    assert 0 < count(as_, session, engine, path) <= few


def test_the_plan_of_a_date_costs_as_many_statements_whatever_follows(
    as_: As, session: Session, engine: Engine
) -> None:
    make_dinner(session, 8, 4)
    begun = series.begin(session, event_id="dinner", rule="FREQ=WEEKLY", now=NOW)
    series.end(session, series_id=begun.id, wall=begun.starts_at + 2 * WEEK, now=NOW)

    def change(one: str) -> None:  # by itself: it is said that it stays
        events.edit(session, events.get(session, one), name="Opening night", community_id=None)
        events.get(session, one).version += 1

    change(series.events_of(session, begun)[1].id)
    few = count(as_, session, engine, "/events/dinner/plan", "cleo")
    begun = series.get(session, begun.id)
    begun.ends_before = None
    made = series.extend(session, begun, NOW + 4 * WEEK)
    assert len(made) > 3
    change(made[-1].id)
    for one in made:
        signups.sign_up(session, event_id=one.id, member_id="dora", now=NOW)
    assert 0 < count(as_, session, engine, "/events/dinner/plan", "cleo") <= few
