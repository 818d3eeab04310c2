"""Two who ask at once, and who answers while it closes, on a real PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from server import database
from server.events import service as events
from server.people import service as people
from server.pulse import service as pulse
from tests.server.doors.test_at_once import count, together
from tests.server.places import HOUR, NOW, make_cafe, make_members
from tests.server.presence import scene

ROOM = [f"m-{number}" for number in range(6)]


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """A night in the cafe to which six came, in a database of its own."""
    found = database.connect(fresh_database, pool=8)
    with database.transaction(found) as session:
        make_members(session)
        make_cafe(session)
        step = events.NewStep("Talk", "cafe", NOW - HOUR, NOW + HOUR)
        events.create(session, id="night", name="Night", organizer_id="cleo", steps=[step])
        for member_id in ROOM:
            people.create(session, id=member_id, name=member_id)
            scene.arrive(session, member_id, NOW, "night-1")
    yield found
    found.dispose()


def ask(session: Session, nonce: str) -> int:
    return pulse.ask(
        session, event_id="night", question="Again?", choices=["Y", "N"], by="cleo", nonce=nonce, now=NOW
    ).id


def test_two_hosts_who_ask_at_once_ask_one_question(engine: Engine) -> None:
    found = together(engine, *[lambda session, nonce=str(number): ask(session, nonce) for number in range(4)])
    assert sorted(type(one).__name__ for one in found) == ["PulseOpen"] * 3 + ["int"]


def test_a_retry_at_once_is_the_same_question(engine: Engine) -> None:
    found = together(engine, *[lambda session: ask(session, "same")] * 4)
    assert len(set(found)) == 1


def test_who_answers_while_it_closes_is_in_or_told_so(engine: Engine) -> None:
    with database.transaction(engine) as session:
        number = ask(session, "one")

    def answer(session: Session, member_id: str) -> str:
        pulse.answer(session, pulse_id=number, member_id=member_id, choice=0, now=NOW)
        return "in"

    found = together(
        engine,
        *[lambda session, member_id=one: answer(session, member_id) for one in ROOM],
        lambda session: pulse.close(session, pulse_id=number, now=NOW).id,
    )
    kept = [one for one in found[:-1] if one == "in"]
    assert all(isinstance(one, pulse.PulseClosed) for one in found[:-1] if one != "in")
    assert count(engine, "SELECT count(*) FROM pulse_answer") == len(kept)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT closed_at FROM pulse")) == NOW
