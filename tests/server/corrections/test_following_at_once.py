"""Two who change a date and all that follow at one instant: one part of the series, made once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server import database
from server.corrections import following
from server.corrections import service as corrections
from server.events import copies, series, signups
from server.events import service as events
from tests.server.corrections.test_following import PRESENCE, SATURDAY, WEEK, begin, starts
from tests.server.doors.test_at_once import AT_ONCE, together
from tests.server.events.gathering import told
from tests.server.places import HOUR, NOW


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """A database of the test's own, in which everybody commits."""
    found = database.connect(fresh_database, pool=AT_ONCE)
    yield found
    found.dispose()


def test_the_same_change_several_times_at_once_is_as_once(engine: Engine) -> None:
    with database.transaction(engine) as session:
        second, third = (one.id for one in begin(session)[1:3])
        signups.sign_up(session, event_id=third, member_id="dora", now=NOW)

    def change(session: Session) -> str | None:
        with following.changing(session, event_id=second, presence=PRESENCE, now=NOW) as event:
            wall = SATURDAY + WEEK - HOUR
            corrections.move_event(session, event_id=second, wall=wall, presence=PRESENCE, now=NOW)
        return event.series_id

    found = together(engine, *[change] * 4)
    assert len(set(found)) == 1, found
    with database.transaction(engine) as session:
        part = series.get(session, found[0])
        dates = series.events_of(session, part)
        assert ([starts(session, one)[-5:] for one in dates], len(dates)) == (["19:00"] * 11, 11)
        assert told(session, "dora") == ["event.moved"]


def test_a_sign_up_and_a_date_left_out_meanwhile_are_kept(engine: Engine) -> None:
    with database.transaction(engine) as session:
        dates = [one.id for one in begin(session)]

    together(
        engine,
        lambda session: following.change(session, event_id=dates[1], presence=PRESENCE, now=NOW) and None,
        lambda session: signups.sign_up(session, event_id=dates[3], member_id="dora", now=NOW) and None,
        lambda session: series.leave_out(session, series_id="dinner", wall=SATURDAY, now=NOW) and None,
    )
    with database.transaction(engine) as session:
        assert signups.members_of(session, event_id=dates[3]) == ["dora"]
        assert events.get(session, dates[0]).state == "cancelled"
        steps = events.steps_of(session, event_id=dates[3])
        assert copies.starts_at(steps, "Europe/Berlin") == SATURDAY + 3 * WEEK
