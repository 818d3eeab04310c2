"""Keys of this server: made once, by whoever needs one first, and kept in the database for all of its processes."""

import datetime as dt
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.inbox.model import TellingKey


def get(session: Session, name: str, make: Callable[[], bytes], now: dt.datetime) -> bytes:
    """The key of this name; what `make` makes if there is none yet, and nobody else made one meanwhile."""
    wanted = select(TellingKey.secret).where(TellingKey.name == name)
    found = session.scalar(wanted)
    if found is None:
        made = insert(TellingKey).values(name=name, secret=make(), made_at=now)
        session.execute(made.on_conflict_do_nothing())
        found = session.scalars(wanted).one()
    return bytes(found)
