"""Keeps pictures: the same one once, one that nothing refers to for a day."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterator
from typing import Any, BinaryIO

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import names
from server.database import Base
from server.errors import NotFound
from server.limits import service as limits
from server.limits.service import Caller, Rate
from server.pictures import making
from server.pictures.model import Picture

ID_BYTES = 16
KEEP_UNUSED = dt.timedelta(days=1)  # what was chosen in a form that is still being written
AT_ONCE = 100  # that are tidied in one transaction


class PictureUnknown(NotFound):
    """There is no such picture."""

    code = "picture_unknown"


def take(session: Session, data: bytes, *, by: str | None, now: dt.datetime, most_px: int = making.MOST_PX) -> Picture:
    """Keeps a picture made anew from `data`; the same one again, also by another, is the row that is there.

    Raises PictureUnreadable, PictureTooLarge, PicturesBusy.
    """
    made = making.make(data, most_px)
    row = insert(Picture).values(
        id=secrets.token_hex(ID_BYTES),
        mime=making.MIME,
        width=made.width,
        height=made.height,
        data=made.data,
        sha256=hashlib.sha256(made.data).digest(),
        made_at=now,
        made_by=by,
    )
    # Whoever tidies waits for this row, and then sees that it is young again.
    kept = row.on_conflict_do_update(index_elements=[Picture.sha256], set_={"made_at": row.excluded.made_at})
    return session.scalars(kept.returning(Picture), execution_options={"populate_existing": True}).one()


def take_sent(session: Session, caller: Caller, file: BinaryIO | bytes | None, *, by: str) -> Picture | None:
    """Keeps what a member sent with a form, None where she chose nothing; counted, so that nobody fills the disk.

    Raises TooMany, PictureUnreadable, PictureTooLarge, PicturesBusy.
    """
    data = file if isinstance(file, bytes) else b"" if file is None else file.read(making.MAX_BYTES + 1)
    if not data:
        return None
    rate = Rate(caller.rates.pictures_at_once, caller.rates.pictures_per_h)
    limits.take(caller.engine, "pictures of", by, now=caller.now, rate=rate)
    return take(session, data, by=by, now=caller.now)


def get(session: Session, id: str) -> Picture:
    """The picture of this id; raises PictureUnknown."""
    picture = session.get(Picture, id) if names.is_id(id) else None
    if picture is None:
        raise PictureUnknown
    return picture


def tidy(session: Session, *, now: dt.datetime) -> int:
    """Forgets pictures that nothing refers to and that are older than a day; returns how many, AT_ONCE at most.

    What is locked is in use. Who begins to refer to one meanwhile waits for us, or is seen by the second statement.
    """
    unused = and_(Picture.made_at < now - KEEP_UNUSED, *(~exists().where(column == Picture.id) for column in _users()))
    wanted = select(Picture.id).where(unused).order_by(Picture.made_at).limit(AT_ONCE)
    found = list(session.scalars(wanted.with_for_update(skip_locked=True)))
    gone = session.execute(delete(Picture).where(Picture.id.in_(found), unused).returning(Picture.id))
    return len(gone.all())


def _users() -> Iterator[ColumnElement[Any]]:
    """The columns of all tables that refer to a picture."""
    id_column = Base.metadata.tables[Picture.__tablename__].c.id
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column is id_column for key in column.foreign_keys):
                yield column
