"""Makes a guest's traces a member's own, when it turns out that they are the same person.

People stand before all that refers to members, so nothing here names those tables: every foreign key to `member` is
followed. Where the member has a row of her own that excludes the guest's, hers stays and the guest's goes.
"""

import datetime as dt

from sqlalchemy import Column, ForeignKeyConstraint, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server import topics
from server.audit import service as audit
from server.database import Base
from server.errors import Conflict
from server.people import service as people
from server.people.model import ApiToken, Challenge, Member, Passkey, Password, Proof, SignInLink, SignInSession

# What proves who somebody is becomes nobody else's: a phone left signed in as a guest would be signed in as her.
_PROOFS = {model.__tablename__ for model in (ApiToken, Challenge, Passkey, Password, Proof, SignInLink, SignInSession)}


class NoGuest(Conflict):
    """Only what a guest left can become somebody else's."""

    code = "no_guest"


def merge(session: Session, *, guest_id: str, into_id: str, now: dt.datetime) -> dict[str, int]:
    """Gives all that refers to a guest to a member, and removes the guest; returns how many rows of which table went.

    Raises MemberUnknown, NoGuest.
    """
    guest, member = people.get(session, guest_id), people.get(session, into_id)
    if not guest.guest or guest.id == member.id:
        raise NoGuest
    session.flush()
    rows = session.query(Member).where(Member.id.in_([guest_id, into_id])).order_by(Member.id)
    rows.with_for_update().all()
    moved: dict[str, int] = {}
    for table, column in referring():
        if table not in _PROOFS:
            moved[table] = moved.get(table, 0) + _move(session, table, column, guest_id, into_id)
    session.expunge(guest)
    session.expire_all()
    session.execute(text("DELETE FROM member WHERE id = :guest"), {"guest": guest_id})
    moved = {table: count for table, count in sorted(moved.items()) if count}
    audit.note(session, "guest.claimed", of=f"member/{into_id}", by=into_id, now=now, rows=sum(moved.values()))
    topics.bump(session, [topics.EXPECTED, f"member/{into_id}", f"member/{guest_id}"])
    return moved


def referring() -> list[tuple[str, str]]:
    """Every table and column that refers to a member."""
    found = []
    for table in Base.metadata.sorted_tables:
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint) and constraint.referred_table.name == "member":
                columns: list[Column[object]] = list(constraint.columns)
                assert len(columns) == 1
                found.append((table.name, columns[0].name))
    return sorted(found)


def _move(session: Session, table: str, column: str, guest_id: str, into_id: str) -> int:
    """Row by row, each in a savepoint, since only the database knows which of its rules exclude which rows."""
    # Names of tables and columns are our own models'; the place of a row (ctid) names it whatever its key is.
    found = text(f'SELECT ctid::text FROM "{table}" WHERE "{column}" = :guest FOR UPDATE')  # noqa: S608 -- as above
    change = text(f'UPDATE "{table}" SET "{column}" = :member WHERE ctid = CAST(:row AS tid)')  # noqa: S608 -- as above
    remove = text(f'DELETE FROM "{table}" WHERE ctid = CAST(:row AS tid)')  # noqa: S608 -- as above
    moved = 0
    for row in session.scalars(found, {"guest": guest_id}).all():
        try:
            with session.begin_nested():
                session.execute(change, {"member": into_id, "row": row})
            moved += 1
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) not in {"23505", "23P01"}:  # unique_violation, exclusion_violation
                raise
            session.execute(remove, {"row": row})
    return moved
