"""Lists in pages: each goes on after the key of the last row that was given, so that new rows move and repeat no other.

A service takes a `Page` and reads with it; without one it gives everything. What a cursor holds is nobody's business
but ours: it is checked on its way in, and only narrows what the viewer may see anyway.
"""

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zlib import crc32

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.errors import Invalid

DEFAULT = 50  # several screens of a phone
MOST = 200  # a page of names is some 20 KB
CURSOR_MAX_LENGTH = 2400  # a name of four bytes a sign and an id, as base64
_BIGINT = range(-(2**63), 2**63)

T = TypeVar("T")
Column = ColumnElement[Any] | InstrumentedAttribute[Any]


class CursorUnknown(Invalid):
    """This cursor is none of this list's: take the address of the next page as the Link header gives it."""

    code = "cursor_unknown"


@dataclass(frozen=True, slots=True)
class Key:
    """A part of a list's order; its column is never null."""

    column: Any
    descending: bool = False


def up(column: Column) -> Key:
    """The smallest first."""
    return Key(column)


def down(column: Column) -> Key:
    """The largest first."""
    return Key(column, descending=True)


def order(*keys: Key) -> str:
    """The name of the order by these keys."""
    return ", ".join(f"{key.column} {'down' if key.descending else 'up'}" for key in keys)


@dataclass(frozen=True, slots=True)
class Page:
    """What of a list is wanted. limit: how many rows, None for all. cursor: where the page before ended."""

    limit: int | None = None
    cursor: str | None = None
    tell_next: Callable[[str], None] = lambda _cursor: None  # told where this page ends, if there is more

    @property
    def rows(self) -> int | None:
        """How many rows to read: one more than is given says whether there is more."""
        return None if self.limit is None else self.limit + 1

    def after(self, order: str, *kinds: type) -> tuple[Any, ...] | None:
        """The key after which this page begins, None for the first page; raises CursorUnknown.

        order: the name of the list's order, by which another list's cursor is told from it. kinds: of the key's parts,
        str, int or dt.datetime.
        """
        return None if self.cursor is None else _decode(self.cursor, order, kinds)

    def cut(self, rows: Sequence[T], order: str, key: Callable[[T], tuple[Any, ...]]) -> list[T]:
        """This page of `rows`, which stand in their order and begin where it begins."""
        if self.limit is None or len(rows) <= self.limit:
            return list(rows)
        self.tell_next(_encode(order, key(rows[self.limit - 1])))
        return list(rows[: self.limit])

    def sort(self, rows: Iterable[T], order: str, key: Callable[[T], tuple[int, int]]) -> list[T]:
        """This page of `rows` in any order, by two whole numbers that together are never twice."""
        after = self.after(order, int, int)
        return self.cut(sorted((row for row in rows if after is None or key(row) > after), key=key), order, key)

    def read(self, session: Session, wanted: Select[T], *keys: Key) -> list[T]:
        """This page of what a statement selects, in the order of keys that together are never twice."""
        name, columns = order(*keys), [key.column for key in keys]
        after = self.after(name, *(column.type.python_type for column in columns))
        if after is not None:
            wanted = wanted.where(_after(keys, after))
        wanted = wanted.order_by(*(key.column.desc() if key.descending else key.column.asc() for key in keys))
        rows = session.execute(wanted.add_columns(*columns).limit(self.rows)).all()
        return [row[0] for row in self.cut(rows, name, lambda row: tuple(row[1:]))]


EVERYTHING = Page()


def with_next(page: Page, read: Callable[[Page], T]) -> tuple[T, str | None]:
    """What `read` gives of a list's page, and the cursor of the next one: None where nothing follows."""
    following: list[str] = []
    found = read(Page(page.limit, page.cursor, following.append))
    return found, following[0] if following else None


def _after(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """The rows behind the one of these values: equal in the first keys and beyond it in the next."""
    reached = []
    for number, (key, value) in enumerate(zip(keys, values, strict=True)):
        beyond = key.column < value if key.descending else key.column > value
        same = [one.column == known for one, known in zip(keys[:number], values, strict=False)]
        reached.append(and_(*same, beyond))
    return or_(*reached)


def _encode(order: str, key: Sequence[Any]) -> str:
    parts = [part.isoformat() if isinstance(part, dt.datetime) else part for part in key]
    told = json.dumps([_mark(order), *parts], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def _decode(cursor: str, order: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    try:
        told = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        found = json.loads(told)
        if not isinstance(found, list) or found[:1] != [_mark(order)]:
            raise CursorUnknown
        return tuple(_part(part, kind) for part, kind in zip(found[1:], kinds, strict=True))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise CursorUnknown from None


def _mark(order: str) -> int:
    return crc32(order.encode())


def _part(part: Any, kind: type[Any]) -> Any:
    """A part of a key as its column wants it; raises ValueError."""
    if kind is dt.datetime:
        return dt.datetime.fromisoformat(part).astimezone(dt.UTC)
    if type(part) is not kind or (kind is int and part not in _BIGINT) or (kind is str and "\0" in part):
        raise ValueError
    if kind is str:
        part.encode()  # half a character is none
    return part
