"""Keeps the vocabulary of interests, and tags members, communities and gatherings with its words."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names
from server.errors import Conflict, Invalid, NotFound
from server.interests.model import Interest, MemberInterest
from server.texts import CHINESE, Texts

MOST_INTERESTS = 200  # a vocabulary that one person can keep tidy, and one page of the API
MOST_TAGS = 10  # of one thing: what has more is about nothing


class InterestUnknown(NotFound):
    """There is no such interest."""

    code = "interest_unknown"


class InterestExists(Conflict):
    """There is an interest of this id already."""

    code = "interest_exists"


class InterestsMany(Invalid):
    """Choose fewer interests."""

    code = "interests_many"


def list_all(session: Session, *, retired: bool = False) -> list[Interest]:
    """The vocabulary in the order of its ids. retired: those as well that are offered no more."""
    wanted = select(Interest).order_by(Interest.id)
    return list(session.scalars(wanted if retired else wanted.where(Interest.retired_at.is_(None))))


def get(session: Session, id: str, *, to_edit: bool = False) -> Interest:
    """The interest of this id, locked if it is read to be edited; raises InterestUnknown."""
    found = constraints.read(session, Interest, id, to_edit=to_edit) if names.is_id(id) else None
    if found is None:
        raise InterestUnknown("There is no interest %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return found


def add(session: Session, *, id: str, name_en: str, name_zh: str) -> Interest:
    """Adds a word to the vocabulary; raises InterestExists, InterestsMany, Invalid."""
    if (session.scalar(select(func.count()).select_from(Interest)) or 0) >= MOST_INTERESTS:
        raise InterestsMany("A vocabulary has at most %(most)s interests.", most=MOST_INTERESTS)
    interest = Interest(
        id=names.check_id(id, "interest"),
        name_en=names.check_name(name_en, "interest"),
        name_zh=names.check_name(name_zh, "interest"),
    )
    constraints.add_new(session, interest, InterestExists("There is an interest %(id)s already.", id=id))
    return interest


def change(session: Session, interest: Interest, *, name_en: str | None = None, name_zh: str | None = None) -> None:
    """Gives an interest other names; raises Invalid."""
    if name_en is not None:
        interest.name_en = names.check_name(name_en, "interest")
    if name_zh is not None:
        interest.name_zh = names.check_name(name_zh, "interest")
    session.flush()


def retire(session: Session, interest: Interest, *, retired: bool, now: dt.datetime) -> None:
    """Offers an interest no more, or again; what is tagged with it stays so."""
    interest.retired_at = (interest.retired_at or now) if retired else None
    session.flush()


def name_of(interest: Interest, say: Texts) -> str:
    """What an interest is called in a language."""
    return interest.name_zh if say.language == CHINESE else interest.name_en


def choose(session: Session, rows: type[Any], owner: dict[str, str], ids: Iterable[str]) -> list[str]:
    """Tags a thing with exactly these interests, in the order of their ids; raises InterestUnknown, InterestsMany.

    rows: a table of a thing's interests (`MemberInterest`). owner: the thing, by its column (`{"member_id": "ana"}`).
    A retired interest stays where it is, and comes nowhere new.
    """
    wanted = sorted(set(ids))
    if len(wanted) > MOST_TAGS:
        raise InterestsMany("Choose %(most)s interests at most.", most=MOST_TAGS)
    kept = set(ids_of(session, rows, owner))
    for one in wanted:
        if get(session, one).retired_at is not None and one not in kept:
            raise InterestUnknown("There is no interest %(id)r.", id=one)
    session.execute(delete(rows).filter_by(**owner).where(rows.interest_id.not_in(wanted)))
    if wanted:
        new = [{**owner, "interest_id": one} for one in wanted]
        session.execute(insert(rows).values(new).on_conflict_do_nothing())
    return wanted


def ids_of(session: Session, rows: type[Any], owner: dict[str, str]) -> Sequence[str]:
    """The ids of the interests of a thing, see `choose`."""
    return session.scalars(select(rows.interest_id).filter_by(**owner).order_by(rows.interest_id)).all()


def of_thing(session: Session, rows: type[Any], owner: dict[str, str]) -> list[Interest]:
    """The interests of a thing, see `choose`."""
    wanted = select(Interest).where(Interest.id.in_(select(rows.interest_id).filter_by(**owner)))
    return list(session.scalars(wanted.order_by(Interest.id)))


def of_member(session: Session, *, member_id: str) -> list[Interest]:
    """What a member is interested in."""
    return of_thing(session, MemberInterest, {"member_id": member_id})


def choose_for_member(session: Session, *, member_id: str, ids: Iterable[str]) -> list[str]:
    """Keeps what a member is interested in; raises InterestUnknown, InterestsMany."""
    return choose(session, MemberInterest, {"member_id": member_id}, ids)
