"""Reads rows by long lists, which travel as texts with commas between (ids hold none): a tenth of what arrays cost."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.orm import Session

Pair = tuple[str, str]  # member, step or venue's day
Given = Collection[int] | Collection[str] | Collection[dt.date] | int


def read(session: Session, statement: TextClause, **given: Given) -> Sequence[Any]:
    """The rows of a statement; lists go as texts."""
    values = {name: value if isinstance(value, int) else ",".join(map(str, value)) for name, value in given.items()}
    return session.execute(statement, values).all()


def by_pair(rows: Iterable[Sequence[Any]]) -> dict[Pair, list[tuple[Any, ...]]]:
    """The rows by their first two columns."""
    found: dict[Pair, list[tuple[Any, ...]]] = defaultdict(list)
    for member_id, step_id, *rest in rows:
        found[member_id, step_id].append(tuple(rest))
    return found
