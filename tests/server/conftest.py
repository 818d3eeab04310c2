"""The app as a client sees it: on the test's own session, at a time that the test sets."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config import settings as config
from config.settings import Settings
from server import app as server_app
from server import requests
from server.errors import MusterError
from server.operations import postgres as private_postgres
from server.people import access
from server.people import service as people
from tests.conftest import TEMPLATE
from tests.server.places import NOW, make_agent, make_cafe, make_members

As = Callable[[str | None], TestClient]


@dataclasses.dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The app's clock, at NOW."""
    return Clock()


@pytest.fixture(scope="session")
def _emptied_database(postgres: private_postgres.Cluster, worker: str) -> Iterator[str]:
    name = f"muster_{worker}_emptied"
    postgres.create_database(name, template=TEMPLATE)
    yield postgres.conninfo(name)
    postgres.drop_database(name)


@pytest.fixture
def committing_database(_emptied_database: str) -> Iterator[str]:
    """The libpq connection string of a migrated database for tests that commit; it is emptied after each."""
    yield _emptied_database
    with psycopg.connect(_emptied_database, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT string_agg(format('%I', relname), ', ') FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
            " AND relname NOT IN ('alembic_version', 'spatial_ref_sys', 'interest')"  # migrations filled them
        ).fetchone()
        assert tables is not None
        connection.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE")


@pytest.fixture
def settings(database: str) -> Settings:
    """Settings of a server that is no demonstration."""
    return config.load(environment={"MUSTER_DATABASE__DSN": database})


@pytest.fixture
def demo_settings(settings: Settings) -> Settings:
    """Settings of a demonstration."""
    return dataclasses.replace(settings, server=dataclasses.replace(settings.server, demo=True))


@pytest.fixture
def make_app(session: Session, engine: Engine, clock: Clock) -> Callable[[Settings], FastAPI]:
    """Makes an app whose requests run in the test's session, each in a savepoint, with nothing left over in memory.

    What limits count is committed apart from that, so it begins empty.
    """
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM bucket"))

    def transaction() -> Iterator[Session]:
        session.flush()
        session.expunge_all()
        kept: MusterError | None = None
        with session.begin_nested():
            try:
                yield session
            except MusterError as error:
                if not error.kept:
                    raise
                kept = error
        session.expunge_all()
        if kept is not None:
            raise kept

    def make(settings: Settings) -> FastAPI:
        app = server_app.create_app(settings, clock)
        app.dependency_overrides[requests.open_session] = transaction
        app.state.context = requests.Context(settings, engine, clock)
        return app

    return make


@pytest.fixture
def app(make_app: Callable[[Settings], FastAPI], settings: Settings) -> FastAPI:
    """A server that is no demonstration."""
    return make_app(settings)


@pytest.fixture
def as_(app: FastAPI, session: Session, clock: Clock) -> As:
    """`as_("ana")`: a browser signed in as Ana; `as_(None)`: a stranger's. The cafe and its people are there."""
    make_members(session)
    make_cafe(session)
    make_agent(session)

    def browser(member_id: str | None) -> TestClient:
        client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        if member_id is not None:
            client.cookies.set(access.COOKIE, people.sign_in(session, member_id=member_id, now=clock()))
        return client

    return browser
