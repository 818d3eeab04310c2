"""However many places, plans and phones there are, a batch of fixes reads by index alone."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from config import settings as config
from geo import cells
from server import database
from server.company import matching
from server.company import service as company
from server.fences import states, watched
from tests.bench import positions as bench
from tests.server.fences.many import fill
from tests.server.places import NOW
from tests.server.plans import read_whole

SETTINGS = config.load(environment={})
MEMBERS = [f"many-{number}" for number in range(10, 500, 10)]
SMALL = {"consent_pause", "venue_fence", "community", "met_without"}  # empty here, or a handful of rows


def scanned(session: Session, statement: TextClause, given: dict[str, Any]) -> set[str]:
    """The tables that a statement reads whole, but for small ones."""
    return read_whole(session, statement, given) - SMALL


@pytest.fixture
def city(session: Session) -> Session:
    """20,000 members and 5,000 venues."""
    fill(session, members=20_000, venues=5_000, now=NOW)
    return session


def test_no_table_is_scanned_for_a_batch(city: Session) -> None:
    soon, ago = NOW + dt.timedelta(hours=2), NOW - dt.timedelta(hours=2)
    spot = cells.of((13.25, 52.45), cells.NEAR)
    fresh = NOW - dt.timedelta(minutes=40)
    asked: list[tuple[TextClause, dict[str, Any]]] = [
        (watched._WATCHED, {"members": MEMBERS, "opens_until": soon, "ends_from": ago}),
        (states._TAKE, {"members": MEMBERS, "now": NOW}),
        (matching._WILLING, {"members": MEMBERS}),
        (matching._AROUND, {"members": MEMBERS[:5], "cells": [spot] * 5, "fresh": fresh, "most": 100}),
        (matching._SHARED, {"ones": MEMBERS[:5], "others": MEMBERS[5:10]}),
        (company._OPEN, {"members": MEMBERS}),
        (company._TOLD, {"members": MEMBERS[:5], "since": ago}),
        (company._NOW, {"member": MEMBERS[0], "fresh": fresh}),
    ]
    for statement, given in asked:
        assert scanned(city, statement, given) == set(), statement.text


def test_the_same_look_finds_a_scan_where_there_is_one(city: Session) -> None:
    assert scanned(city, text("SELECT * FROM sign_up"), {}) == {"sign_up"}


def test_the_benchmark_measures_what_it_says(committing_database: str) -> None:
    engine = database.connect(committing_database)
    with database.transaction(engine) as session:
        fill(session, members=300, venues=100, now=NOW, states=False)
    found = bench.measure_positions(engine, SETTINGS, now=NOW, seconds=2, members=300, batch=50)
    assert found.positions_per_s > 0
    assert found.batches * 50 >= 300
    assert found.happened > 0, "they came nearer"
    with database.transaction(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM fence_state")) == found.happened or found.batches > 12
    engine.dispose()
