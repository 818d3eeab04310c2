"""The database seen from the server: the base of all models, engines, sessions and migrations."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, LiteralString, TypeVar

import psycopg
from sqlalchemy import BigInteger, DateTime, Engine, MetaData, TextClause, create_engine
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect
from sqlalchemy.orm import DeclarativeBase, Session

MIGRATIONS = Path(__file__).parent / "migrations"
Made = TypeVar("Made")


class Base(DeclarativeBase):
    """What every table of muster derives from; constraints have fixed names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger(),
        dt.datetime: DateTime(timezone=True),
    }


def connect(conninfo: str, pool: int = 5, idle_in_transaction_s: float | None = None) -> Engine:
    """An engine for a libpq connection string.

    pool: connections kept open; as many again may be opened for a moment.
    idle_in_transaction_s: PostgreSQL ends a connection that sits in a transaction for longer, so that a paused process
    cannot hold locks for ever.
    """

    def open_connection() -> psycopg.Connection[Any]:
        options = "-c timezone=UTC"
        if idle_in_transaction_s is not None:
            options += f" -c idle_in_transaction_session_timeout={round(idle_in_transaction_s * 1000)}"
        return psycopg.connect(conninfo, options=options, connect_timeout=10)

    return create_engine(
        "postgresql+psycopg://",
        creator=open_connection,
        pool_size=pool,
        max_overflow=pool,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged, and their parameters are names and tokens
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One session, one transaction: committed at the end, rolled back when the block raises."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def read_rows(session: Session, statement: TextClause, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement as plain tuples, read by psycopg in the session's transaction.

    For the few places where what SQLAlchemy does for each row and statement would take longer than the question.
    """
    return read_as(session, statement, given, tuple)


def read_as(
    session: Session, statement: TextClause, given: Mapping[str, Any], make: Callable[[Sequence[Any]], Made]
) -> list[Made]:
    """The same, each row as what `make` makes of its values."""
    # As PostgreSQL keeps them: nothing is written as text here and read there.
    with _psycopg(session).cursor(binary=True, row_factory=lambda _: make) as cursor:
        return cursor.execute(_as_psycopg_takes_it(statement), given).fetchall()


def keep_plans(session: Session) -> None:
    """Until the transaction ends PostgreSQL plans a statement that it knows without looking at what is given.

    For statements whose plan never depends on it, and takes as long to make as to run.
    """
    _psycopg(session).execute("SET LOCAL plan_cache_mode = force_generic_plan")


def _psycopg(session: Session) -> psycopg.Connection[Any]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


@lru_cache(256)
def _as_psycopg_takes_it(statement: TextClause) -> LiteralString:
    return str(statement.compile(dialect=psycopg_dialect()))  # type: ignore[no-untyped-call]


def migrate(conninfo: str) -> None:
    """Brings the database to the newest migration; needs PostGIS and btree_gist to be installable there."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine = connect(conninfo, pool=1)
    try:
        command.upgrade(config, "head")
    finally:
        engine.dispose()
