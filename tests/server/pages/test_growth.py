"""Lists ask the database as often for many as for few."""

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from server.communities import service as communities
from tests.server.conftest import As
from tests.server.places import HOUR, NOW
from tests.server.posts.world import DAY, come, make_event, make_readers

PATHS = ["/", "/tonight", "/communities", "/communities/readers", "/communities/readers/topics", "/api/events"]


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

    def count() -> int:
        seen: list[str] = []

        def one_more(*given: object) -> None:
            seen.append(str(given[2]))

        session.flush()
        session.expunge_all()
        client = as_("gina")
        event.listen(engine, "before_cursor_execute", one_more)
        try:
            assert client.get(path).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", one_more)
        return len(seen)

    more(range(1, 3))
    few = count()
    more(range(3, 9))
    assert 0 < count() <= few
