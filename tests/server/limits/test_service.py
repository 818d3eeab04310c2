"""Buckets: so many at once, some again later, counted also where the request is rolled back."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config import settings as config
from server import database as server_database
from server.errors import Conflict, NotFound, TooMany
from server.limits import service as limits
from server.limits.service import Bucket, Caller, Rate
from tests.server.places import NOW

RATE = Rate(3, per_h=60)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def own(database: str) -> Iterator[Engine]:
    engine = server_database.connect(database, pool=8)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM bucket"))
    yield engine
    engine.dispose()


def _take(own: Engine, at: dt.datetime = NOW, key: str = "a", rate: Rate = RATE) -> bool:
    try:
        limits.take(own, "test", key, now=at, rate=rate)
    except TooMany:
        return False
    return True


def _check(own: Engine, at: dt.datetime) -> None:
    with Session(own) as session:
        limits.check(session, Bucket("test", "a", RATE), now=at)


def test_so_many_at_once_then_one_for_each_step(own: Engine) -> None:
    assert [_take(own) for _ in range(5)] == [True, True, True, False, False]
    assert not _take(own, NOW + MINUTE - dt.timedelta(seconds=1))
    assert [_take(own, NOW + MINUTE) for _ in range(2)] == [True, False]
    assert [_take(own, NOW + 60 * MINUTE) for _ in range(4)] == [True, True, True, False]


def test_a_refusal_says_when_to_come_back(own: Engine) -> None:
    for _ in range(3):
        limits.take(own, "test", "a", now=NOW, rate=RATE)
    with pytest.raises(TooMany) as refused:
        limits.take(own, "test", "a", now=NOW + MINUTE / 2, rate=RATE)
    assert refused.value.retry_after_s == 30
    with pytest.raises(TooMany):
        _check(own, NOW + MINUTE / 2)
    assert _take(own, NOW + MINUTE / 2 + dt.timedelta(seconds=30))


def test_keys_and_purposes_are_apart_and_checking_counts_nothing(own: Engine) -> None:
    for _ in range(10):
        _check(own, NOW)
    assert [_take(own) for _ in range(4)] == [True, True, True, False]
    assert _take(own, key="b")
    limits.take(own, "another", "a", now=NOW, rate=RATE)


def test_many_at_the_same_moment_are_no_more_than_the_bucket_holds(own: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: _take(own, rate=Rate(5, 1)), range(40))) == 5


def test_a_clock_that_went_back_does_not_lock_out_for_ever(own: Engine) -> None:
    assert _take(own, NOW + dt.timedelta(days=1))
    assert not _take(own, NOW)  # full_at lies beyond all that the bucket holds
    assert _take(own, NOW + dt.timedelta(days=1))


def _caller(own: Engine, network: str = "192.0.2.1") -> Caller:
    return Caller(own, config.load(environment={}).limits, network, NOW)


def _guess(caller: Caller, error: Exception | None) -> None:
    with Session(caller.engine) as session, limits.guessing(session, caller, "code", NotFound):
        if error is not None:
            raise error


def test_only_what_is_wrong_counts_and_what_is_right_never(own: Engine) -> None:
    most = config.load(environment={}).limits.guesses_at_once
    caller = _caller(own)
    for _ in range(most + 5):
        _guess(caller, None)
    for _ in range(most + 5):
        with pytest.raises(Conflict):
            _guess(caller, Conflict())
    for _ in range(most):
        with pytest.raises(NotFound):
            _guess(caller, NotFound())
    with pytest.raises(TooMany):
        _guess(caller, None)
    _guess(_caller(own, "192.0.2.2"), None)


def test_many_networks_together_are_slowed_too(own: Engine) -> None:
    rates = config.load(environment={"MUSTER_LIMITS__ALL_GUESSES_AT_ONCE": "4"}).limits
    for number in range(4):
        with pytest.raises(NotFound):
            _guess(Caller(own, rates, f"192.0.2.{number}", NOW), NotFound())
    with pytest.raises(TooMany):
        _guess(Caller(own, rates, "192.0.2.99", NOW), None)


def test_full_buckets_are_forgotten(own: Engine) -> None:
    _take(own)
    with server_database.transaction(own) as session:
        assert limits.tidy(session, now=NOW) == 0
        assert limits.tidy(session, now=NOW + MINUTE) == 1
    with own.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM bucket")) == 0
        assert connection.scalar(text("SELECT relpersistence FROM pg_class WHERE relname = 'bucket'")) == "u"
