"""Who helps to run a venue, an event or a community, and who runs the server; each change is noted."""

import datetime as dt
from typing import Literal

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names, paging, topics
from server.audit import service as audit
from server.errors import Conflict, NotFound, Refused
from server.paging import Page
from server.people import service as people
from server.people.model import Member, Role

Kind = Literal["venue", "event", "community"]
MOST_HELPERS = 100  # of one thing: a festival's crew


class NotHelping(NotFound):
    """She has no part in this."""

    code = "not_helping"


class GuestHasNoRole(Refused):
    """A guest has no account that a role could be given to: she leaves an e-mail address first."""

    code = "guest_has_no_role"


class TooManyHelpers(Conflict):
    """So many have a part in this that nobody could tell who did what."""

    code = "too_many_helpers"


class LastOperator(Conflict):
    """Somebody has to run this server: make somebody else an operator first."""

    code = "last_operator"


def holds(session: Session, *, member_id: str, kind: Kind, of_id: str) -> bool:
    """Whether somebody helps to run this."""
    return session.get(Role, (kind, of_id, member_id)) is not None


def held_by(session: Session, *, member_id: str, kind: Kind) -> set[str]:
    """The ids of what she helps to run."""
    return set(session.scalars(select(Role.of_id).where(Role.member_id == member_id, Role.kind == kind)))


def all_of(session: Session, *, member_id: str, page: Page = paging.EVERYTHING) -> list[Role]:
    """All her roles."""
    return page.read(
        session, select(Role).where(Role.member_id == member_id), paging.up(Role.kind), paging.up(Role.of_id)
    )


def helpers_of(session: Session, *, kind: Kind, of_id: str) -> list[Role]:
    """Who helps to run this, the earliest first."""
    rows = select(Role).where(Role.kind == kind, Role.of_id == of_id)
    return list(session.scalars(rows.order_by(Role.given_at, Role.member_id)))


def find(session: Session, text: str) -> Member:
    """The member with this id or e-mail address; raises MemberUnknown, AddressInvalid."""
    wanted = text.strip().lower()
    for member in people.list_one(session, wanted):
        return member
    if "@" not in wanted:
        raise people.MemberUnknown("There is no member %(id)r.", id=wanted[: names.ID_MAX_LENGTH])
    raise people.MemberUnknown("Nobody here has that address: let her sign in once, then try again.")


def give(
    session: Session, *, member_id: str, kind: Kind, of_id: str, called: str, by: str | None, now: dt.datetime
) -> Role:
    """Lets somebody help to run this; twice is as once. Whoever calls this has checked that `of_id` is there.

    called: what the giver calls her. Raises MemberUnknown, GuestHasNoRole, TooManyHelpers, Invalid.
    """
    member = people.get(session, member_id)
    if member.guest:
        raise GuestHasNoRole
    called = names.check_name(called, "helper") if called.strip() else member_id
    there = session.get(Role, (kind, of_id, member_id))
    if there is not None:
        there.called = called
        return there
    if len(helpers_of(session, kind=kind, of_id=of_id)) >= MOST_HELPERS:
        raise TooManyHelpers
    row = {"kind": kind, "of_id": of_id, "member_id": member_id, "called": called, "given_by": by, "given_at": now}
    made = insert(Role).values(row).on_conflict_do_nothing().returning(Role.member_id)
    if session.execute(made).scalar_one_or_none() is not None:
        audit.note(session, "role.given", of=f"{kind}/{of_id}", by=by, now=now, member=member_id)
        topics.bump(session, [f"member/{member_id}"])
    found = session.get(Role, (kind, of_id, member_id))
    assert found is not None
    return found


def take_back(session: Session, *, member_id: str, kind: Kind, of_id: str, by: str | None, now: dt.datetime) -> None:
    """Ends somebody's part in this; raises NotHelping."""
    gone = delete(Role).where(Role.kind == kind, Role.of_id == of_id, Role.member_id == member_id)
    if session.execute(gone.returning(Role.member_id)).scalar_one_or_none() is None:
        raise NotHelping
    session.expire_all()
    audit.note(session, "role.taken_back", of=f"{kind}/{of_id}", by=by, now=now, member=member_id)
    topics.bump(session, [f"member/{member_id}"])


def operators(session: Session, page: Page = paging.EVERYTHING) -> list[Member]:
    """Who runs the server."""
    return page.read(session, select(Member).where(Member.operator), paging.up(Member.id))


def make_operator(session: Session, *, member_id: str, by: str | None, now: dt.datetime) -> None:
    """Lets somebody run the server; twice is as once. Raises MemberUnknown, GuestHasNoRole."""
    member = people.get(session, member_id)
    if member.guest:
        raise GuestHasNoRole
    if not member.operator:
        member.operator = True
        audit.note(session, "role.given", of="server", by=by, now=now, member=member_id)


def end_operator(session: Session, *, member_id: str, by: str | None, now: dt.datetime) -> None:
    """Ends that somebody runs the server; raises NotHelping, LastOperator."""
    # One at a time: of two operators who end each other at once, one stays.
    constraints.take_turn(session, "operators")
    others = session.scalar(select(func.count()).where(Member.operator, Member.id != member_id))
    ended = update(Member).where(Member.id == member_id, Member.operator)
    if not others:
        raise LastOperator
    if session.execute(ended.values(operator=False).returning(Member.id)).scalar_one_or_none() is None:
        raise NotHelping
    audit.note(session, "role.taken_back", of="server", by=by, now=now, member=member_id)
