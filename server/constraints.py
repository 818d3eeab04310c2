"""Turns what the database's constraints refuse into sentences for people."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.errors import MusterError


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


def lock(to_edit: bool) -> dict[str, bool] | None:
    """How a row is read: to be edited, so that two who do wait for each other, and nobody who refers to it waits."""
    return {"key_share": True} if to_edit else None


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
