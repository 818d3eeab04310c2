"""Hosts who write at the same moment, on a real PostgreSQL: two go out, each once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server import database
from server.messages import service as messages
from tests.server.doors.test_at_once import count, together
from tests.server.places import NOW, make_cafe, make_members
from tests.server.recaps.scene import make_night, sign_up

SENT = "SELECT count(*) FROM organizer_message"
TOLD = "SELECT count(*) FROM notification WHERE kind = 'message'"


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """A night to which three are going, in a database of its own."""
    found = database.connect(fresh_database, pool=8)
    with database.transaction(found) as session:
        make_members(session)
        make_cafe(session)
        make_night(session)
        sign_up(session, "emil", "fay", "gina")
    yield found
    found.dispose()


def send(session: Session, number: int) -> int:
    nonce = f"nonce-of-a-message-{number}"
    return messages.send(session, event_id="night", to="going", text="Tea.", by_id="cleo", nonce=nonce, now=NOW).number


def test_of_many_at_once_two_go_out(engine: Engine) -> None:
    found = together(engine, *[lambda session, number=number: send(session, number) for number in range(6)])
    assert sorted(one for one in found if isinstance(one, int)) == [1, 2]
    assert sum(isinstance(one, messages.TwoSent) for one in found) == 4
    assert (count(engine, SENT), count(engine, TOLD)) == (2, 6)


def test_a_retry_at_once_is_one_message(engine: Engine) -> None:
    found = together(engine, *[lambda session: send(session, 1)] * 5)
    assert found == [1] * 5
    assert (count(engine, SENT), count(engine, TOLD)) == (1, 3)
