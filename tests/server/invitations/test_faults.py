"""Two at once, and what is killed in between: nobody is invited twice, and nobody is forgotten."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from server import database
from server.inbox.model import Notification
from server.invitations import counting, tasks
from server.invitations import service as invitations
from server.invitations.model import ShopInvitation, ShopInvited
from server.jobs.service import Work
from server.venues import service as venues
from tests.server.invitations import scene
from tests.server.invitations.scene import DAY
from tests.server.places import CAFE, HOUR, NOW, make_cafe, make_members

COUNT = 12


@pytest.fixture
def engine(committing_database: str) -> Iterator[Engine]:
    """Ben's cafe and bar, and twelve who stand there."""
    made = database.connect(committing_database, pool=6)
    with database.transaction(made) as session:
        make_members(session)
        make_cafe(session)
        venues.create(session, id="bar", name="Bar", owner_id="ben", location=CAFE, contact="x")
        scene.make_people(session, COUNT)
    yield made
    made.dispose()


def together(acts: list[Callable[[], None]]) -> None:
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], None]) -> None:
        start.wait(10)
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def notes(session: Session) -> list[int]:
    """How many notes of invitations each has who has any."""
    wanted = select(func.count()).where(Notification.kind == invitations.KIND).group_by(Notification.member_id)
    return list(session.scalars(wanted))


def test_the_same_tap_four_times_at_once_sends_one(engine: Engine) -> None:
    made: list[int] = []

    def act() -> None:
        with database.transaction(engine) as session:
            made.append(scene.send(session).id)

    together([act] * 4)
    assert len(made) == 4
    assert len(set(made)) == 1
    with database.transaction(engine) as session:
        assert notes(session) == [1] * COUNT


def test_two_taps_at_once_are_one_a_day(engine: Engine) -> None:
    told: list[str] = []

    def act(nonce: str) -> None:
        try:
            with database.transaction(engine) as session:
                scene.send(session, nonce=nonce)
            told.append("sent")
        except invitations.InvitedEnough as error:
            told.append(error.code)

    together([lambda: act("0123456789abcdef"), lambda: act("another-number-1")])
    assert sorted(told) == ["invited_enough", "sent"]
    with database.transaction(engine) as session:
        assert notes(session) == [1] * COUNT


def test_two_shops_at_once_keep_to_what_each_member_takes(engine: Engine) -> None:
    def act(venue_id: str) -> None:
        with database.transaction(engine) as session:
            scene.send(session, venue_id=venue_id)

    together([lambda: act("cafe"), lambda: act("bar")])
    with database.transaction(engine) as session:
        assert notes(session) == [1] * COUNT  # one a day, of whichever was first
        assert len(session.scalars(select(ShopInvitation)).all()) == 2


def test_who_looks_first_counts_for_all(engine: Engine) -> None:
    seen = []

    def act(venue_id: str) -> None:
        with database.transaction(engine) as session:
            seen.append(scene.look(session, venue_id=venue_id))

    together([lambda: act("cafe"), lambda: act("bar"), lambda: act("cafe")])
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_who_withdraws_while_it_is_sent_did_so_before_or_afterwards(engine: Engine) -> None:
    """She holds her row; sending waits for her, and leaves her out."""
    began = threading.Event()

    def withdraw() -> None:
        with database.transaction(engine) as session:
            scene.let(session, "p000", shops=False)
            began.set()
            # Until the one who sends waits for this row.
            waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            while not session.scalar(waits):
                session.execute(text("SELECT pg_sleep(0.02), pg_stat_clear_snapshot()"))

    def act() -> None:
        began.wait(10)
        with database.transaction(engine) as session:
            scene.send(session)

    together([withdraw, act])
    with database.transaction(engine) as session:
        assert "p000" not in set(session.scalars(select(ShopInvited.member_id)))
        assert notes(session) == [1] * (COUNT - 1)


def test_killed_before_the_end_nothing_was_sent_and_the_tap_may_come_again(engine: Engine) -> None:
    with Session(engine) as session:
        scene.send(session)  # and then the process is gone: nothing is committed
    with database.transaction(engine) as session:
        assert notes(session) == []
        scene.send(session)
    with database.transaction(engine) as session:
        assert notes(session) == [1] * COUNT


def test_several_processes_count_each_once_and_forget_who_was_invited(engine: Engine, settings: object) -> None:
    with database.transaction(engine) as session:
        for venue_id in ("cafe", "bar"):
            scene.send(session, venue_id=venue_id, until=NOW + HOUR)
    now = NOW + HOUR + counting.AFTER + counting.LATE
    work = Work(engine, settings, lambda: now)  # type: ignore[arg-type]
    together([lambda: tasks.count(work)] * 3)
    with database.transaction(engine) as session:
        rows = session.scalars(select(ShopInvitation)).all()
        assert [(row.came, row.counted_at) for row in rows] == [(None, now)] * 2
        assert session.scalars(select(ShopInvited)).all() == []
    later = Work(engine, settings, lambda: NOW + 400 * DAY)  # type: ignore[arg-type]
    tasks.count(later)
    with database.transaction(engine) as session:
        assert session.scalars(select(ShopInvitation)).all() == []
