"""Several at one instant on a real PostgreSQL, and a process that dies in between."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from config import settings as config
from server import database
from server.communities import service as communities
from server.face_to_face import asking, dissolving, tasks
from server.face_to_face import digits as four
from server.face_to_face import service as gathers
from server.jobs.service import Work
from server.people import service as people
from tests.server.doors.test_at_once import count, together
from tests.server.face_to_face.scene import gather, join, nonce
from tests.server.face_to_face.test_asking import WEEK
from tests.server.face_to_face.test_service import END
from tests.server.places import NOW, make_cafe, make_members

AT_ONCE = 8
CROWD = [f"p{number}" for number in range(AT_ONCE)]


@pytest.fixture
def engine(committing_database: str) -> Iterator[Engine]:
    """A database in which everybody commits."""
    found = database.connect(committing_database, pool=AT_ONCE)
    with database.transaction(found) as session:
        make_members(session)
        make_cafe(session)
        for member_id in CROWD:
            people.create(session, id=member_id, name=member_id)
    yield found
    found.dispose()


def test_all_who_gather_at_once_at_one_place_have_digits_of_their_own(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(four, "GIVEN", four.GIVEN[:AT_ONCE])
    found = together(engine, *[lambda session, who=who: gather(session, who).digits for who in CROWD])
    assert sorted(found) == sorted(four.GIVEN)


def test_one_who_taps_twice_gathers_once(engine: Engine) -> None:
    found = together(engine, *[lambda session: gather(session, "cleo").id] * AT_ONCE)
    assert len(set(found)) == 1


def test_all_who_type_at_once_found_one_circle(engine: Engine) -> None:
    with database.transaction(engine) as session:
        digits = gather(session).digits
    together(engine, *[lambda session, who=who: join(session, digits, who) for who in CROWD])
    assert count(engine, "SELECT count(*) FROM community") == count(engine, "SELECT count(*) FROM founding") == 1
    assert count(engine, "SELECT count(*) FROM community_member") == AT_ONCE + 1


def test_a_double_tap_of_a_stranger_makes_one_guest(engine: Engine) -> None:
    with database.transaction(engine) as session:
        digits = gather(session).digits
    number = nonce()
    found = together(engine, *[lambda session: join(session, digits, None, nonce=number).member_id] * AT_ONCE)
    assert len(set(found)) == 1
    assert count(engine, "SELECT count(*) FROM member WHERE guest") == 1


@pytest.mark.parametrize("_round", range(3))
def test_who_comes_in_while_it_ends_is_in_or_told_so(engine: Engine, _round: int) -> None:
    with database.transaction(engine) as session:
        made = gather(session)
        gather_id, digits = made.id, made.digits
    found = together(
        engine,
        lambda session: join(session, digits, "dora").gather.community_id,
        lambda session: gathers.end(session, gather_id=gather_id, by_id="cleo", now=NOW),
    )
    circles = count(engine, "SELECT count(*) FROM community")
    if isinstance(found[0], gathers.DigitsWrong):
        assert (circles, count(engine, "SELECT count(*) FROM gather")) == (0, 0)
    else:
        assert (circles, count(engine, "SELECT count(*) FROM community_member")) == (1, 2)


def test_by_the_clock_what_is_over_is_forgotten_and_what_fell_silent_asked_and_let_go(
    engine: Engine, committing_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction(engine) as session:
        gather(session, "ben", 5000)
        made = gather(session)
        join(session, made.digits, "dora")
    settings = config.load(environment={"MUSTER_DATABASE__DSN": committing_database})

    def work(now: object) -> Work:
        return Work(engine, settings, lambda: now)  # type: ignore[arg-type, return-value]

    for _ in range(2):
        tasks.forget(work(END))
    kept = "SELECT count(*) FROM gather WHERE location IS NULL AND digits IS NULL"
    assert count(engine, kept) == count(engine, "SELECT count(*) FROM gather") == 1
    for _ in range(2):
        tasks.keep_or_let_go(work(NOW + WEEK))
    assert count(engine, "SELECT count(*) FROM notification") == 2
    dissolve = dissolving.dissolve

    def dies(session: Session, *, community_id: str) -> None:
        dissolve(session, community_id=community_id)
        raise RuntimeError("killed")

    monkeypatch.setattr(dissolving, "dissolve", dies)
    tasks.keep_or_let_go(work(NOW + 2 * WEEK))
    assert count(engine, "SELECT count(*) FROM community") == 1
    monkeypatch.setattr(dissolving, "dissolve", dissolve)
    for _ in range(2):
        tasks.keep_or_let_go(work(NOW + 2 * WEEK))
    assert count(engine, "SELECT count(*) FROM community") == 0
    assert count(engine, "SELECT count(*) FROM notification WHERE kind = 'circle.let_go'") == 2


def test_the_last_two_answers_at_once_decide_it(engine: Engine) -> None:
    with database.transaction(engine) as session:
        made = gather(session)
        join(session, made.digits, "dora")
        circle = str(made.community_id)
        asking.look(session, community_id=circle, now=NOW + WEEK)
        assert communities.members_of(session, community_id=circle)
    together(
        engine,
        *[
            lambda session, who=who: asking.answer(
                session, community_id=circle, member_id=who, keep=False, now=NOW + WEEK
            )
            for who in ("cleo", "dora")
        ],
    )
    assert count(engine, "SELECT count(*) FROM community") == 0
