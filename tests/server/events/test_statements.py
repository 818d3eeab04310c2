"""Lists of gatherings take as many statements for many as for few."""

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import service as events
from server.interests.model import Interest
from tests.server.conftest import As
from tests.server.governance.circle import DAY, gather
from tests.server.places import NOW


@pytest.mark.parametrize("path", ["/api/events", "/", "/tonight"])
def test_a_list_takes_no_statement_per_gathering(as_: As, session: Session, engine: Engine, path: str) -> None:
    dora = as_("dora")
    communities.create(session, id="walkers", name="Walkers")
    communities.join(session, community_id="walkers", member_id="dora", now=NOW)
    session.add(Interest(id="fog", name_en="Fog", name_zh="雾"))
    statements: list[str] = []

    def count(*given: object) -> None:
        statements.append(str(given[2]))

    def ask(first: int, many: int) -> int:
        for number in range(first, first + many):
            gather(session, f"old{number}", NOW - (2 + number) * DAY, community_id=None)
            gather(session, f"new{number}", NOW + (1 + number) * DAY)
            events.choose_interests(session, events.get(session, f"new{number}"), ["fog"])
        session.flush()
        session.expunge_all()
        statements.clear()
        event.listen(engine, "before_cursor_execute", count)
        try:
            assert dora.get(path).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", count)
        return len(statements)

    few = ask(0, 3)
    assert ask(3, 20) == few
