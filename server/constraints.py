"""Turns what the database's constraints refuse into sentences for people."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.errors import MusterError

T = TypeVar("T")


@contextmanager
def explain(session: Session, sentences: Mapping[str, MusterError]) -> Iterator[None]:
    """Runs the block in a savepoint and flushes; a constraint named in `sentences` raises its error instead.

    The transaction stays usable, since only the savepoint is rolled back. A constraint that is not named stays an
    IntegrityError: a fault of ours.
    """
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        name = error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None
        if name is None or name not in sentences:
            raise
        raise sentences[name] from None


def read(session: Session, kind: type[T], id: Any, *, to_edit: bool) -> T | None:
    """The row of this id; to be edited it is locked, so that two who do wait for each other, and read as it is then.

    Nobody who only refers to it waits. Without being read again, a row that the session had read before would be as it
    was before the wait.
    """
    if not to_edit:
        return session.get(kind, id)
    return session.get(kind, id, with_for_update={"key_share": True}, populate_existing=True)


def take_turn(session: Session, of: str) -> None:
    """Waits until nobody else has the turn of this name; it is over with the transaction."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(of))))


def refuse_taken(session: Session, ids: InstrumentedAttribute[str], wanted: Iterable[str], taken: MusterError) -> None:
    """Raises `taken` when there are rows of these ids; one made at this moment is told by the constraint."""
    if session.scalar(select(ids).where(ids.in_(list(wanted))).limit(1)) is not None:
        raise taken


def add_new(session: Session, row: Any, taken: MusterError) -> None:
    """Adds a row with an id of its own; raises `taken` when there is one of that id, also one made at this moment."""
    table = type(row).__table__
    if session.get(type(row), row.id) is not None:
        raise taken
    with explain(session, {f"pk_{table.name}": taken}):
        session.add(row)
