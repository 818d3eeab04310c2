"""Several at one instant on a real PostgreSQL, and a process that dies in between: decided once, told once."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from config import settings as config
from server import database
from server.jobs.service import Work
from server.proposals import service as proposals
from server.proposals import tasks, telling
from server.proposals.states import ProposalSettled, ProposalWithdrawn
from tests.server.doors.test_at_once import count, together
from tests.server.places import NOW
from tests.server.proposals.scene import DECIDE, at, commit, make_readers, nonce, propose

AT_ONCE = 8
EVENTS = "SELECT count(*) FROM event"
TOLD = "SELECT count(*) FROM notification"


@pytest.fixture
def engine(committing_database: str) -> Iterator[Engine]:
    """A database in which everybody commits."""
    found = database.connect(committing_database, pool=AT_ONCE)
    with database.transaction(found) as session:
        make_readers(session)
    yield found
    found.dispose()


def opened(engine: Engine, *options: Any, **more: Any) -> str:
    with database.transaction(engine) as session:
        return propose(session, *options, **more).id


def by_id(session: Session, proposal_id: str) -> Any:
    return proposals.get(session, proposal_id)


def test_the_two_last_commitments_at_once_settle_it_once(engine: Engine) -> None:
    proposal_id = opened(engine, quorum=2)
    found = together(
        engine,
        *[
            lambda session, who=who: commit(session, by_id(session, proposal_id), who).event_id
            for who in ("r1", "r2", "r3", "r4")
        ],
    )
    events = {one for one in found if isinstance(one, str)}
    late = [one for one in found if not isinstance(one, str)]
    assert len(events) == 1
    assert all(isinstance(one, ProposalSettled) for one in late)
    assert count(engine, EVENTS) == 1
    assert count(engine, "SELECT count(*) FROM sign_up") == 2
    assert count(engine, TOLD) == 2


def test_all_who_look_at_the_deadline_find_one_gathering(engine: Engine) -> None:
    proposal_id = opened(engine, at(72), at(96), quorum=2)
    with database.transaction(engine) as session:
        commit(session, by_id(session, proposal_id), "r1", 0, 1)
    found = together(
        engine,
        *[lambda session: proposals.look(session, proposal_id=proposal_id, now=DECIDE).event_id] * AT_ONCE,
    )
    assert len(set(found)) == 1
    assert count(engine, EVENTS) == 1
    assert count(engine, TOLD) == 2


@pytest.mark.parametrize("_round", range(3))
def test_a_last_commitment_and_a_withdrawal_at_once_end_in_one_of_both(engine: Engine, _round: int) -> None:
    proposal_id = opened(engine, quorum=2)
    found = together(
        engine,
        lambda session: commit(session, by_id(session, proposal_id), "r1").state,
        lambda session: proposals.withdraw(session, proposal_id=proposal_id, by_id="r0", now=NOW).state,
    )
    state = {"settled", "withdrawn"} & {str(one) for one in found}
    assert len(state) == 1
    assert sum(isinstance(one, (ProposalSettled, ProposalWithdrawn)) for one in found) == 1
    assert count(engine, EVENTS) == (1 if state == {"settled"} else 0)


def test_a_retry_at_the_same_instant_opens_one(engine: Engine) -> None:
    number = nonce()
    found = together(engine, *[lambda session: propose(session, nonce=number).id] * AT_ONCE)
    assert len(set(found)) == 1
    assert count(engine, "SELECT count(*) FROM proposal") == 1


def test_killed_while_it_settles_leaves_nothing_and_the_next_look_settles(
    engine: Engine, committing_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal_id = opened(engine, at(72), at(96), quorum=2)
    stuck = opened(engine, at(72), at(96), quorum=2)
    with database.transaction(engine) as session:
        commit(session, by_id(session, proposal_id), "r1", 0, 1)
    settings = config.load(environment={"MUSTER_DATABASE__DSN": committing_database})
    work = Work(engine, settings, lambda: DECIDE)
    told = telling.settled

    def dies(session: Session, *given: Any) -> None:
        told(session, *given)
        raise RuntimeError("killed")

    monkeypatch.setattr(telling, "settled", dies)
    tasks.decide(work)
    assert count(engine, EVENTS) == count(engine, "SELECT count(*) FROM notification WHERE kind LIKE '%settled'") == 0
    with database.transaction(engine) as session:
        assert proposals.get(session, proposal_id).state == "open"
        # What could not be decided held up nobody else.
        assert proposals.get(session, stuck).state == "lapsed"
    monkeypatch.setattr(telling, "settled", told)
    for _ in range(2):
        tasks.decide(work)
    assert count(engine, EVENTS) == 1
    assert count(engine, "SELECT count(*) FROM notification WHERE kind LIKE '%settled'") == 2
