"""Steps that are changed while others change them, or a gateway records: nothing is lost, nobody waits in a ring."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import Response
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from beacon_agent import wire
from config import settings
from server import database, topics
from server.corrections import routes, schema
from server.events import schema as events_schema
from server.events import service as events
from server.fleet import fence
from server.people import service as people
from tests.processes import wait_until
from tests.server.doors.test_at_once import AT_ONCE
from tests.server.events.gathering import TOMORROW, make_dinner
from tests.server.places import HOUR, NOW

SETTINGS = settings.load(environment={})
BRIDGE = events_schema.NewSpot(name="The bridge", time_zone="Europe/Berlin")
WAITS = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"
)


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """A database of the test's own, in which everybody commits."""
    found = database.connect(fresh_database, pool=AT_ONCE)
    with database.transaction(found) as session:
        make_dinner(session, 4)
    yield found
    found.dispose()


def change(session: Session, wanted: schema.StepChange) -> Any:
    cleo = people.get(session, "cleo")
    return routes.change_step("dinner", "dinner-1", wanted, cleo, session, SETTINGS, NOW, Response())


def add(session: Session) -> Any:
    cleo = people.get(session, "cleo")
    wanted = events_schema.NewStep(
        id=None, name="Walk", spot=BRIDGE, starts_at=TOMORROW + 5 * HOUR, ends_at=TOMORROW + 6 * HOUR
    )
    return routes.add_step("dinner", wanted, cleo, session, SETTINGS, NOW)


def meanwhile(engine: Engine, act: Callable[[Session], Any], other: Any) -> None:
    """Runs `act` until it waits at the fence, which `other` has passed; then `other` goes on, and commits first."""

    def run() -> None:
        with database.transaction(engine) as session:
            act(session)

    def waits() -> bool:
        with engine.connect() as connection:
            return bool(connection.scalar(WAITS))

    with ThreadPoolExecutor(1) as threads:
        with database.transaction(engine) as session:
            fence.touch(session, range(wire.SHARDS))
            running = threads.submit(run)
            wait_until(waits, "it waits at the fence")
            other(session)
        running.result()


def test_what_nobody_sent_stays_as_another_said_it_meanwhile(engine: Engine) -> None:
    others = schema.StepChange(name="Soup", capacity=9, dwell_walk_in_s=30)
    later = schema.StepChange(ends_at=TOMORROW + 2 * HOUR)
    meanwhile(engine, lambda session: change(session, later), lambda session: change(session, others))
    with database.transaction(engine) as session:
        step = events.get_step(session, event_id="dinner", step_id="dinner-1")
        said = (step.name, step.capacity, step.dwell_walk_in_s, step.ends_at)
        assert said == ("Soup", 9, 30, TOMORROW + 2 * HOUR)


@pytest.mark.parametrize("act", [add, lambda session: change(session, schema.StepChange(spot=BRIDGE))])
def test_who_makes_a_spot_holds_no_topic_while_waiting_at_the_fence(
    engine: Engine, act: Callable[[Session], Any]
) -> None:
    meanwhile(engine, act, lambda session: topics.bump(session, [topics.FACTS]))
    with database.transaction(engine) as session:
        steps = events.steps_of(session, event_id="dinner")
        assert steps[-1].venue_id.startswith("spot")
