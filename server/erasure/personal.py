"""Every row that is about a member: found by walking all tables, so that none that is added later can be forgotten."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Column, LargeBinary, Table, Text, cast, delete, literal, select, update
from sqlalchemy.orm import Session

from server.database import Base

MEMBER = "member"
# Columns that name a member in a text of their own, without a foreign key: table, column, how, and what erasing does.
NAMED: dict[tuple[str, str], str] = {
    ("topic", "name"): "member/{id}",
    ("demo_state", "name"): "person/{id}",
    ("audit", "subject"): "member/{id}",
}
# These rows stay when she is erased, without her id.
KEPT_WITHOUT_ID = {("audit", "subject"): "member"}
# What only proves who somebody is: worthless to her, and to anybody else a way in.
SECRET_WORDS = ("hash", "secret", "password", "public_key")


class Place(NamedTuple):
    """A column that says whose a row is. own: the row is hers and goes with her; otherwise it stays without her."""

    table: Table
    column: Column[Any]
    named: str | None
    own: bool

    @property
    def name(self) -> str:
        """What its file is called: the table, and the column where that says something else than whose it is."""
        plain = self.column.name in ("member_id", "id") or self.named is not None
        return self.table.name if plain else f"{self.table.name} by {self.column.name.removesuffix('_id')}"


def places() -> Iterator[Place]:
    """All columns that refer to a member, the member's own row first."""
    member = Base.metadata.tables[MEMBER]
    yield Place(member, member.c.id, None, True)
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            for key in column.foreign_keys:
                if key.column is member.c.id:
                    yield Place(table, column, None, key.ondelete == "CASCADE")
            named = NAMED.get((table.name, column.name))
            if named is not None:
                yield Place(table, column, named, (table.name, column.name) not in KEPT_WITHOUT_ID)


def rows(session: Session, place: Place, member_id: str) -> Iterator[dict[str, Any]]:
    """Her rows there, without what is secret; ranges and such as texts."""
    shown = [_shown(column) for column in place.table.columns if not is_secret(column)]
    if not shown:
        shown = [literal(True).label("kept")]
    wanted = select(*shown).where(place.column == _value(place, member_id))
    found = session.execute(wanted, execution_options={"yield_per": 500})
    for row in found.mappings():
        yield dict(row)


def count(session: Session, place: Place, member_id: str) -> int:
    """How many rows of hers there are."""
    return len(session.execute(select(literal(1)).where(place.column == _value(place, member_id))).all())


def forget_named(session: Session, member_id: str) -> None:
    """Deletes or blanks what names her without a foreign key; the rest goes with her own row."""
    for place in places():
        if place.named is None:
            continue
        hers = place.column == _value(place, member_id)
        blank = KEPT_WITHOUT_ID.get((place.table.name, place.column.name))
        if blank is None:
            session.execute(delete(place.table).where(hers))
        else:
            session.execute(update(place.table).where(hers).values({place.column.name: blank}))


def is_secret(column: Column[Any]) -> bool:
    """Whether a column holds what only proves who somebody is."""
    return isinstance(column.type, LargeBinary) or any(word in column.name for word in SECRET_WORDS)


def _shown(column: Column[Any]) -> Any:
    try:
        plain = column.type.python_type.__module__ in ("builtins", "datetime")
    except NotImplementedError:
        plain = False
    return column if plain else cast(column, Text).label(column.name)


def _value(place: Place, member_id: str) -> str:
    return member_id if place.named is None else place.named.format(id=member_id)
