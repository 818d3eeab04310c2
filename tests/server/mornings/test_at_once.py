"""Who says yes at the same moment, while the cards are dealt, on a real PostgreSQL: proposed once, told once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server import database
from server.mornings import service as mornings
from tests.server.doors.test_at_once import count, together
from tests.server.places import make_cafe, make_members
from tests.server.recaps.scene import GUESTS, MORNING, came, make_night


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """The morning after a night to which seven came, in a database of its own."""
    found = database.connect(fresh_database, pool=12)
    with database.transaction(found) as session:
        make_members(session)
        make_cafe(session)
        make_night(session)
        came(session, *GUESTS)
    yield found
    found.dispose()


def say(session: Session, who: str) -> str:
    return mornings.answer(session, event_id="night", member_id=who, answer="yes", now=MORNING).member_id


def deal(session: Session) -> int:
    return mornings.deal(session, event_id="night", now=MORNING)


def test_yeses_at_once_open_one_proposal_with_all_of_them(engine: Engine) -> None:
    found = together(engine, *[lambda session, who=who: say(session, who) for who in GUESTS], deal, deal)
    assert sorted(found[: len(GUESTS)]) == sorted(GUESTS)
    assert count(engine, "SELECT count(*) FROM proposal") == 1
    assert count(engine, "SELECT count(*) FROM morning WHERE proposal_id IS NOT NULL") == 1
    assert count(engine, "SELECT count(*) FROM morning_card WHERE answer = 'yes'") == len(GUESTS)
    assert count(engine, "SELECT count(*) FROM notification WHERE kind = 'morning'") == len(GUESTS)


def test_dealt_at_once_each_is_told_once(engine: Engine) -> None:
    assert sum(together(engine, *[deal] * 6)) == len(GUESTS)
    assert count(engine, "SELECT count(*) FROM notification WHERE kind = 'morning'") == len(GUESTS)


def test_killed_before_the_commit_nobody_was_told_and_the_next_run_tells_all(engine: Engine) -> None:
    class KilledError(Exception):
        """The process is gone."""

    def be_killed() -> None:
        with database.transaction(engine) as session:
            assert deal(session) == len(GUESTS)
            raise KilledError

    with pytest.raises(KilledError):
        be_killed()
    assert count(engine, "SELECT count(*) FROM notification WHERE kind = 'morning'") == 0
    with database.transaction(engine) as session:
        assert deal(session) == len(GUESTS)
