"""What things of an archive are called here: looked up while it is taken, and kept for the next one."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.moving.model import ArrivedThing

_AT_ONCE = 1000


class Things:
    """The names of one community's things, there and here."""

    def __init__(self, session: Session, community_id: str) -> None:
        """Reads those that are known."""
        self._session = session
        self.community_id = community_id
        rows = session.scalars(select(ArrivedThing).where(ArrivedThing.community_id == community_id))
        self._known = {(row.kind, row.was): row.became for row in rows}
        self._new: dict[tuple[str, str], str] = {}

    def find(self, kind: str, was: str | int | None) -> str | None:
        """What it is called here; None for nothing, and for what is not here yet."""
        return None if was is None else self._known.get((kind, str(was)))

    def keep(self, kind: str, was: str | int, became: str | int) -> None:
        """Notes what it is called here."""
        self._known[kind, str(was)] = self._new[kind, str(was)] = str(became)

    def save(self) -> None:
        """Writes down what is new."""
        rows = [
            {"community_id": self.community_id, "kind": kind, "was": was, "became": became}
            for (kind, was), became in self._new.items()
        ]
        for start in range(0, len(rows), _AT_ONCE):
            made = insert(ArrivedThing).values(rows[start : start + _AT_ONCE])
            keys = [ArrivedThing.community_id, ArrivedThing.kind, ArrivedThing.was]
            self._session.execute(
                made.on_conflict_do_update(index_elements=keys, set_={"became": made.excluded.became})
            )
        self._new.clear()
