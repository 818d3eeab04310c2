"""Two taps at once, and two who answer at once, on a real PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from config import settings
from server import database
from server.limits.service import Caller
from server.met import judging
from server.people import service as people
from server.reviews import service as reviews
from server.reviews import things
from tests.server.doors.test_at_once import count, together
from tests.server.met import night
from tests.server.places import NOW, make_agent, make_cafe, make_members


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """A night of chess that Emil and Fay came to, in a database of its own."""
    found = database.connect(fresh_database, pool=8)
    with database.transaction(found) as session:
        make_members(session)
        make_cafe(session)
        make_agent(session)
        night.make_night(session)
        for member_id in ("emil", "fay"):
            night.come(session, member_id, ("front", 0, 40))
    yield found
    found.dispose()


def test_two_taps_make_one_review(engine: Engine) -> None:
    caller = Caller(engine, settings.load(environment={}).limits, "net", NOW)

    def say(session: Session, stars: int) -> int:
        emil = people.get(session, "emil")
        thing = things.event(session, "chess", emil)
        return reviews.save(session, caller, thing, stars=stars, words="", viewer=emil).id

    found = together(engine, *[lambda session, stars=stars: say(session, stars) for stars in (3, 4, 5)])
    assert len(set(found)) == 1
    assert count(engine, "SELECT count(*) FROM review") == 1
    assert count(engine, "SELECT count(*) FROM notification WHERE kind = 'review.said'") == 1

    def answer(session: Session, words: str) -> str:
        cleo = people.get(session, "cleo")
        return reviews.answer(session, found[0], words=words, viewer=cleo, now=NOW).answer

    answers = together(engine, *[lambda session, words=words: answer(session, words) for words in ("One.", "Two.")])
    assert sorted(type(one).__name__ for one in answers) == ["AnsweredAlready", "str"]


def test_judging_at_once_writes_each_row_once(engine: Engine) -> None:
    found = together(engine, *[lambda session: judging.judge(session, event_id="chess")] * 4)
    assert sorted(found) == [False, False, False, True]
    assert count(engine, "SELECT count(*) FROM met") == 2
