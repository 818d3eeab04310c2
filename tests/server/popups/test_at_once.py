"""Several at one instant on a real PostgreSQL, and a process that dies in between: asked once, one event."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from server import database
from server.jobs.service import Work
from server.popups import happening, tasks
from server.popups import service as popups
from tests.server.doors.test_at_once import count, together
from tests.server.popups.scene import FOUR, RULE, SETTINGS, at, come, make_four, say

AT_ONCE = 8
EVENTS = "SELECT count(*) FROM event"


@pytest.fixture
def engine(committing_database: str) -> Iterator[Engine]:
    """A database in which everybody commits, and four in a park."""
    found = database.connect(committing_database, pool=AT_ONCE)
    with database.transaction(found) as session:
        make_four(session)
        come(session)
    yield found
    found.dispose()


def ask(engine: Engine) -> str:
    with database.transaction(engine) as session:
        [pop_up] = popups.find_groups(session, now=at(0), rule=RULE)
        return pop_up.id


def test_two_processes_ask_once(engine: Engine) -> None:
    together(engine, *[lambda session: len(popups.find_groups(session, now=at(0), rule=RULE))] * 4)
    assert count(engine, "SELECT count(*) FROM pop_up") == 1
    assert count(engine, "SELECT count(*) FROM notification") == 4


def test_four_yes_at_once_make_one_event_with_all_of_them(engine: Engine) -> None:
    pop_up_id = ask(engine)
    together(engine, *[lambda session, who=who: say(session, pop_up_id, who).state for who in FOUR for _ in (1, 2)])
    assert count(engine, EVENTS) == 1
    assert count(engine, "SELECT count(*) FROM sign_up WHERE state = 'going'") == 4


def test_a_yes_and_the_end_of_the_offer_at_once_leave_one_of_both(engine: Engine) -> None:
    pop_up_id = ask(engine)
    with database.transaction(engine) as session:
        say(session, pop_up_id, "p1", "p2")
    together(
        engine,
        lambda session: say(session, pop_up_id, "p3", minute=19).state,
        lambda session: popups.lapse(session, pop_up_id=pop_up_id, now=at(21)),
    )
    states = "SELECT count(*) FROM pop_up WHERE state = 'on' AND event_id IS NOT NULL OR state = 'lapsed'"
    assert count(engine, states) == 1
    assert count(engine, EVENTS) == count(engine, "SELECT count(*) FROM pop_up WHERE state = 'on'")


def test_two_who_end_it_at_once_end_it_once(engine: Engine) -> None:
    pop_up_id = ask(engine)
    with database.transaction(engine) as session:
        say(session, pop_up_id, "p1", "p2", "p3")
    found = together(
        engine,
        *[lambda session: happening.follow(session, pop_up_id=pop_up_id, now=at(242), settings=SETTINGS)] * 4,
    )
    assert sorted(found) == [False, False, False, True]
    assert count(engine, "SELECT count(*) FROM notification WHERE kind = 'pop_up.over'") == 3


def test_the_task_goes_on_after_one_that_died(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit("killed")

    work = Work(engine, SETTINGS, lambda: at(0))
    with monkeypatch.context() as dying:
        dying.setattr("server.popups.telling.inbox.tell", die)
        with pytest.raises(SystemExit):
            tasks.follow(work)
    assert count(engine, "SELECT count(*) FROM pop_up") == 0, "nobody is asked by half"
    tasks.follow(work)
    tasks.follow(work)
    assert count(engine, "SELECT count(*) FROM notification") == 4


def test_one_that_cannot_be_followed_holds_up_no_other(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    pop_up_id = ask(engine)
    with database.transaction(engine) as session:
        say(session, pop_up_id, "p1", "p2", "p3")
        session.execute(
            text(
                "INSERT INTO pop_up (id, state, at_venue, least, needs, offered_at, answer_by, venue_id, event_id)"
                " SELECT 'broken', 'on', true, 4, 3, offered_at, answer_by, venue_id, event_id FROM pop_up"
            )
        )
    follow = happening.follow

    def fail(*given: object, pop_up_id: str, **more: object) -> bool:
        if pop_up_id == "broken":
            raise ValueError(pop_up_id)
        return follow(*given, pop_up_id=pop_up_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("server.popups.tasks.happening.follow", fail)
    tasks.follow(Work(engine, SETTINGS, lambda: at(242)))
    assert count(engine, "SELECT count(*) FROM pop_up WHERE state = 'over'") == 1
