"""Every row that is about a member: found by walking all tables, so that none that is added later can be forgotten."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    cast,
    delete,
    func,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from server.database import Base

MEMBER = "member"
EMAIL, EMAILS = "{email}", "{emails}"


class Named(NamedTuple):
    """How a column names a member without a foreign key: by her id, her address, or that and one she asked to be hers.

    inside: the key of a column that holds several things. stays: what it holds when she is erased; None: the row goes.
    """

    by: str
    inside: str | None = None
    stays: str | dict[str, Any] | None = None


NAMED = {
    ("topic", "name"): Named("member/{id}"),
    ("demo_state", "name"): Named("person/{id}"),
    ("listing", "organizer_id"): Named("{id}"),  # follows its event, which is somebody else's by then
    ("proof", "address"): Named(EMAIL),
    ("letter", "address"): Named(EMAILS),
    ("audit", "subject"): Named("member/{id}", stays="member"),
    ("audit", "details"): Named("{id}", inside="member", stays={}),
}
# What others said that is told to nobody, her least of all: it goes with her, uncounted.
UNTOLD = {("muted_organizer", "muted_id")}
# What only proves who somebody is: worthless to her, and to anybody else a way in.
SECRET_WORDS = ("hash", "secret", "password", "public_key")
# Rows between two members that neither is told of alone: whom she met, as far as both want it known, is told by
# server/met/reading.py; who was near her by server/company, while it lasts; that somebody wants nothing more of her is
# told nowhere.
BETWEEN_TWO = {
    *{("met", "member_id"), ("met", "other_id"), ("met_without", "other_id")},
    *{("encounter", "one_id"), ("encounter", "other_id")},
}
SECRETS = {
    ("letter", "subject"),  # a code
    ("letter", "text"),  # a link that signs in
    ("letter", "headers"),  # a link that ends letters
    ("told_browser", "endpoint"),  # lets others write to her browser
}


class Place(NamedTuple):
    """A column that says whose a row is. own: the row is hers and goes with her; otherwise it stays without her."""

    table: Table
    column: Column[Any]
    named: Named | None
    own: bool

    @property
    def name(self) -> str:
        """What its file is called: the table, and the column where that says something else than whose it is."""
        plain = self.column.name in ("member_id", "id") or (self.named is not None and self.named.inside is None)
        return self.table.name if plain else f"{self.table.name} by {self.column.name.removesuffix('_id')}"


def places() -> Iterator[Place]:
    """All columns that refer to a member, the member's own row first."""
    member = Base.metadata.tables[MEMBER]
    yield Place(member, member.c.id, None, True)
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if (table.name, column.name) in UNTOLD:
                continue
            for key in column.foreign_keys:
                if key.column is member.c.id:
                    yield Place(table, column, None, key.ondelete == "CASCADE")
            named = NAMED.get((table.name, column.name))
            if named is not None:
                yield Place(table, column, named, named.stays is None)


def rows(session: Session, place: Place, member_id: str) -> Iterator[dict[str, Any]]:
    """Her rows there, without what is secret; ranges and such as texts."""
    if (place.table.name, place.column.name) in BETWEEN_TWO:
        return
    shown = [_shown(column) for column in place.table.columns if not is_secret(column)]
    if not shown:
        shown = [literal(True).label("kept")]
    wanted = select(*shown).where(_is_hers(place, member_id))
    found = session.execute(wanted, execution_options={"yield_per": 500})
    for row in found.mappings():
        yield dict(row)


def count(session: Session, place: Place, member_id: str) -> int:
    """How many rows of hers there are."""
    return len(session.execute(select(literal(1)).select_from(place.table).where(_is_hers(place, member_id))).all())


def forget_named(session: Session, member_id: str) -> None:
    """Deletes or blanks what names her without a foreign key; the rest goes with her own row."""
    for place in places():
        if place.named is None:
            continue
        hers = _is_hers(place, member_id)
        if place.named.stays is None:
            session.execute(delete(place.table).where(hers))
        else:
            session.execute(update(place.table).where(hers).values({place.column.name: place.named.stays}))


def is_secret(column: Column[Any]) -> bool:
    """Whether a column holds what only proves who somebody is."""
    said = (column.table.name, column.name) in SECRETS or any(word in column.name for word in SECRET_WORDS)
    return said or isinstance(column.type, LargeBinary)


def _shown(column: Column[Any]) -> Any:
    try:
        plain = column.type.python_type.__module__ in ("builtins", "datetime")
    except NotImplementedError:  # a place, a range: of a type that Python has no equal of
        plain = False
    return column if plain else cast(column, Text).label(column.name)


def _is_hers(place: Place, member_id: str) -> ColumnElement[bool]:
    if place.named is None:
        return place.column == member_id
    column = place.column if place.named.inside is None else place.column[place.named.inside].astext
    if place.named.by in (EMAIL, EMAILS):
        member, proof = Base.metadata.tables[MEMBER], Base.metadata.tables["proof"]
        hers = select(func.lower(member.c.email)).where(member.c.id == member_id)
        asked = select(proof.c.address).where(proof.c.for_id == member_id)
        return column.in_(hers if place.named.by == EMAIL else union_all(hers, asked))
    return column == place.named.by.format(id=member_id)
