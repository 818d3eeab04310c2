"""Pictures are kept once, and as long as something refers to them."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from server import database
from server.people import service as people
from server.pictures import service as pictures
from server.pictures.model import Picture
from tests.server.pictures.test_making import encode, two_colours
from tests.server.places import HOUR, NOW, make_members

SENT = encode(two_colours(), "JPEG")
DAY = dt.timedelta(days=1)


@pytest.fixture
def engine_of_many(committing_database: str) -> Iterator[Engine]:
    engine = database.connect(committing_database, pool=8)
    yield engine
    engine.dispose()


def test_the_same_picture_is_one_row_whoever_brings_it(session: Session) -> None:
    make_members(session)
    first = pictures.take(session, SENT, by="dora", now=NOW)
    again = pictures.take(session, SENT, by="cleo", now=NOW + HOUR)
    assert again.id == first.id
    assert (again.made_by, again.made_at) == ("dora", NOW + HOUR)
    assert len(first.id) == 32
    assert pictures.take(session, encode(two_colours(), "GIF"), by="dora", now=NOW).id != first.id


def test_many_at_once_with_the_same_picture_make_one_row(engine_of_many: Engine) -> None:
    def bring(_: int) -> str:
        with database.transaction(engine_of_many) as session:
            return pictures.take(session, SENT, by=None, now=NOW).id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(bring, range(16)))
    assert len(ids) == 1
    with Session(engine_of_many) as session:
        assert session.scalar(select(func.count()).select_from(Picture)) == 1


def test_one_that_is_unknown_is_said_to_be(session: Session) -> None:
    for unknown in ("", "0" * 32, "a\0", "../etc/passwd"):
        with pytest.raises(pictures.PictureUnknown):
            pictures.get(session, unknown)


def test_unused_ones_are_forgotten_after_a_day_and_one_that_came_again_stays(session: Session) -> None:
    old = pictures.take(session, SENT, by=None, now=NOW).id
    again = pictures.take(session, encode(two_colours(), "GIF"), by=None, now=NOW).id
    pictures.take(session, encode(two_colours(), "GIF"), by=None, now=NOW + DAY)
    assert pictures.tidy(session, now=NOW + DAY) == 0
    assert pictures.tidy(session, now=NOW + DAY + HOUR) == 1
    left = set(session.scalars(select(Picture.id)))
    assert (old in left, again in left) == (False, True)


def test_one_that_comes_again_while_it_is_tidied_is_there_afterwards(engine_of_many: Engine) -> None:
    with database.transaction(engine_of_many) as session:
        pictures.take(session, SENT, by=None, now=NOW)
    later = NOW + DAY + HOUR
    with ThreadPoolExecutor(1) as pool:
        with database.transaction(engine_of_many) as tidying:
            assert pictures.tidy(tidying, now=later) == 1

            def bring() -> str:
                with database.transaction(engine_of_many) as session:
                    return pictures.take(session, SENT, by=None, now=later).id

            brought = pool.submit(bring)  # it waits for the row that is going
        came = brought.result(timeout=20)
    with Session(engine_of_many) as session:
        assert pictures.get(session, came).made_at == later


def test_whose_bringer_is_forgotten_stays_without_her(session: Session) -> None:
    make_members(session)
    picture = pictures.take(session, SENT, by="dora", now=NOW)
    session.delete(people.get(session, "dora"))
    session.flush()
    session.refresh(picture)
    assert picture.made_by is None
