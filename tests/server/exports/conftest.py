"""A server on a database of the test's own: what a file is read from has to be committed."""

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from config import settings as config
from server import app as server_app
from server import database, requests
from server.badges import service as badges
from server.events import service as events
from server.people import access
from server.people import service as people
from tests.server.conftest import Clock
from tests.server.places import HOUR, NOW, make_agent, make_cafe, make_members


@pytest.fixture
def committed(committing_database: str) -> Iterator[Engine]:
    """The cafe, its people, and Cleo's supper, which runs from an hour before NOW to two hours after."""
    engine = database.connect(committing_database, pool=4)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        make_agent(session)
        steps = [events.NewStep("Supper", "cafe", NOW - HOUR, NOW + 2 * HOUR, capacity=3)]
        events.create(session, id="supper", name="Friday supper", organizer_id="cleo", steps=steps)
    yield engine
    engine.dispose()


@pytest.fixture
def server(committed: Engine, committing_database: str, clock: Clock) -> FastAPI:
    """The app on that database."""
    settings = config.load(environment={"MUSTER_DATABASE__DSN": committing_database})
    app = server_app.create_app(settings, clock)
    app.state.context = requests.Context(settings, committed, clock)
    return app


@pytest.fixture
def browser(server: FastAPI, committed: Engine, clock: Clock) -> Callable[[str | None], TestClient]:
    """`browser("cleo")`: a browser signed in as Cleo."""

    def make(member_id: str | None) -> TestClient:
        client = TestClient(server, raise_server_exceptions=False, follow_redirects=False)
        if member_id is not None:
            with database.transaction(committed) as session:
                client.cookies.set(access.COOKIE, people.sign_in(session, member_id=member_id, now=clock()))
        return client

    return make


def come(engine: Engine, names: list[str], *, signed_up: bool = True, at: dt.datetime = NOW) -> list[str]:
    """Guests of these names check in to the supper, a second after each other; their ids."""
    with database.transaction(engine) as session:
        guests = [f"guest-{secrets.token_hex(10)}" for _ in names]
        session.execute(
            text("INSERT INTO member (id, name, guest) SELECT *, true FROM unnest(:ids ::text[], :names ::text[])"),
            {"ids": guests, "names": names},
        )
        if signed_up:
            session.execute(
                text("INSERT INTO sign_up (event_id, member_id) SELECT 'supper', unnest(:ids ::text[])"),
                {"ids": guests},
            )
        session.execute(
            text("""
                INSERT INTO checkin (member_id, step_id, at, recorded_at, evidence, signed_up)
                SELECT id, 'supper-1', CAST(:at AS timestamptz) + place * interval '1 s', :at,
                       CASE WHEN :signed_up THEN 'qr' ELSE 'beacon' END, :signed_up
                FROM unnest(:ids ::text[]) WITH ORDINALITY AS guest (id, place)
            """),
            {"ids": guests, "at": at, "signed_up": signed_up},
        )
    return guests


def visit(engine: Engine, badges_of: list[str | None], begins: dt.datetime, ends: dt.datetime) -> None:
    """Badges of these members (None: of nobody) visit the cafe."""
    from_ms, to_ms = (round(at.timestamp() * 1000) for at in (begins, ends))
    with database.transaction(engine) as session:
        for holder in badges_of:
            number = session.execute(text("SELECT coalesce(max(id), 0) + 1 FROM badge")).scalar_one()
            identity = bytes(15) + b"m" + int(number).to_bytes(4, "big")
            badge = badges.register(session, identity=identity, label=str(number), since=begins - HOUR)
            if holder is not None:
                badges.pair(session, badge_id=badge, member_id=holder, since=begins - HOUR)
            values: dict[str, Any] = {"badge": badge, "from_ms": from_ms, "to_ms": to_ms, "reach": to_ms + 300_000}
            session.execute(
                text(
                    "INSERT INTO visit (badge_id, venue_id, from_ms, to_ms, reach_ms)"
                    " VALUES (:badge, 'cafe', :from_ms, :to_ms, :reach)"
                ),
                values,
            )
