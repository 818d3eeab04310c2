"""Asks groups whether to gather, and takes their answers; the last yes that is needed makes it a gathering."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from config.settings import PopUps
from server import constraints, names, topics
from server.errors import Conflict, NotFound
from server.interests.model import Interest
from server.people import service as people
from server.popups import candidates, happening, places, rules, telling
from server.popups.model import PopUp, PopUpAsked
from server.venues.model import Venue

MOST_SHOWN = 20  # she is asked a few times a day at most


class PopUpUnknown(NotFound):
    """You are not asked this."""

    code = "pop_up_unknown"


class PopUpLapsed(Conflict):
    """Too few said yes in time: this does not happen. You are asked again another time."""

    code = "pop_up_lapsed"


class PopUpOver(Conflict):
    """This gathering is over: most have left."""

    code = "pop_up_over"


class PopUpsOff(Conflict):
    """You do not want to be asked at the moment. Switch it on first, or end your pause."""

    code = "pop_ups_off"


class Asked(NamedTuple):
    """What somebody is asked, or has said yes to, as she may know it.

    interest: None where the word was taken out of the vocabulary. yes: how many said yes; None: she did not, and it is
    theirs to know.
    """

    pop_up: PopUp
    interest: Interest | None
    venue: Venue
    answer: bool | None
    yes: int | None


def find_groups(session: Session, *, now: dt.datetime, rule: PopUps) -> list[PopUp]:
    """Asks every group that there is now, and tells them; what two processes find at once is asked once."""
    constraints.take_turn(session, "pop-ups")
    found, blocks = candidates.read(session, now=now, rule=rule)
    if not found:
        return []
    lasting = select(PopUp.interest_id, PopUp.venue_id).where(PopUp.state.in_(["offered", "on"]))
    taken = {(row[0], row[1]) for row in session.execute(lasting)}
    made = []
    with topics.together(session):
        for group in rules.groups(found, blocks, rule):
            venue = places.of(session, group, now=now, rule=rule)
            if venue is None or (group.interest_id, venue.id) in taken:
                continue
            taken.add((group.interest_id, venue.id))
            made.append(_ask(session, group, venue, now, rule))
    return made


def _ask(session: Session, group: rules.Group, venue: Venue, now: dt.datetime, rule: PopUps) -> PopUp:
    pop_up = PopUp(
        id=people.new_id("popup"),
        interest_id=group.interest_id,
        venue_id=venue.id,
        state="offered",
        at_venue=group.venue_id is not None,
        least=rule.people,
        needs=rule.yes,
        simulated=group.simulated,
        offered_at=now,
        answer_by=now + dt.timedelta(seconds=rule.offer_s),
    )
    session.add(pop_up)
    session.flush()
    session.add_all(PopUpAsked(pop_up_id=pop_up.id, member_id=one, asked_at=now) for one in group.member_ids)
    session.flush()
    telling.asked(session, pop_up, session.get_one(Interest, group.interest_id), venue, group.member_ids, now)
    topics.bump(session, [f"member/{one}" for one in group.member_ids])
    return pop_up


def answer(session: Session, *, pop_up_id: str, member_id: str, yes: bool, now: dt.datetime, rule: PopUps) -> PopUp:
    """Says yes or no, also another time while it lasts; twice is as once. The yes that is needed makes it an event.

    A yes while it is on signs her up, a no signs her off. Raises PopUpUnknown, PopUpLapsed, PopUpOver, PopUpsOff, and
    what events refuse.
    """
    pop_up = constraints.read(session, PopUp, pop_up_id, to_edit=True) if names.is_id(pop_up_id) else None
    row = None if pop_up is None else session.get(PopUpAsked, (pop_up_id, member_id), populate_existing=True)
    if pop_up is None or row is None:
        raise PopUpUnknown
    if pop_up.state == "over" or (pop_up.state == "on" and pop_up.event_id is None):
        raise PopUpOver
    if _is_lapsed(session, pop_up, now):
        raise PopUpLapsed
    if yes and member_id not in candidates.willing(session, [member_id]):
        raise PopUpsOff
    # Who signed off on the page of the event may say yes here again.
    same = row.answer is yes and (pop_up.state == "offered" or happening.is_on_list(session, pop_up, member_id) is yes)
    if same and not (yes and pop_up.state == "offered"):
        return pop_up
    if not same:
        row.answer, row.answered_at = yes, now
    session.flush()
    with topics.together(session):
        if pop_up.state == "on":
            happening.join(session, pop_up, member_id, yes=yes, now=now)
        said_yes = _said_yes(session, pop_up.id)
        if pop_up.state == "offered" and len(said_yes) >= pop_up.needs:
            happening.begin(session, pop_up, said_yes, now=now, rule=rule)
            topics.bump(session, [f"member/{one}" for one in _all_asked(session, pop_up.id)])
        # Who said no, or nothing, learns from no page that changes what others said.
        topics.bump(session, [f"member/{one}" for one in {member_id, *said_yes}])
    return pop_up


def of_member(session: Session, *, member_id: str, now: dt.datetime) -> list[Asked]:
    """What she is asked now, and what is on that she may still join, the newest first; none while she wants none.

    What she said yes to and is on stays, whatever she wants to be asked from now on.
    """
    wants = member_id in candidates.willing(session, [member_id])
    hers = _hers(member_id).where(PopUp.state.in_(["offered", "on"]))
    rows = session.execute(hers.order_by(PopUp.offered_at.desc(), PopUp.id).limit(MOST_SHOWN)).all()
    return [
        _show(session, member_id, *row)
        for row in rows
        if (row[1] and row[0].state == "on") or (wants and not _is_lapsed(session, row[0], now))
    ]


def get_asked(session: Session, *, pop_up_id: str, member_id: str) -> Asked:
    """The same of one that she is or was asked; raises PopUpUnknown."""
    row = session.execute(_hers(member_id).where(PopUp.id == pop_up_id)).one_or_none()
    if row is None:
        raise PopUpUnknown
    return _show(session, member_id, *row)


def lapse(session: Session, *, pop_up_id: str, now: dt.datetime) -> bool:
    """Ends an offer whose time has come, or that has no place or word any more; whether it did."""
    pop_up = constraints.read(session, PopUp, pop_up_id, to_edit=True)
    if pop_up is None or pop_up.state != "offered" or not _is_lapsed(session, pop_up, now):
        return False
    pop_up.state, pop_up.ended_at = "lapsed", now
    session.flush()
    topics.bump(session, [f"member/{one}" for one in _all_asked(session, pop_up_id)])
    return True


def lasting(session: Session, *, state: str) -> list[str]:
    """The ids of pop-ups in a state, `offered` or `on`, the oldest first."""
    return list(session.scalars(select(PopUp.id).where(PopUp.state == state).order_by(PopUp.offered_at, PopUp.id)))


def tidy(session: Session, *, now: dt.datetime, rule: PopUps) -> int:
    """Deletes what is over for so long that nobody is spared another question by it; how many."""
    old = delete(PopUp).where(PopUp.ended_at <= now - dt.timedelta(days=rule.keep_days))
    return len(session.scalars(old.returning(PopUp.id)).all())


def _hers(member_id: str) -> Select[PopUp, bool | None, Interest | None, Venue]:
    return (
        select(PopUp, PopUpAsked.answer, Interest, Venue)
        .join(PopUpAsked, PopUpAsked.pop_up_id == PopUp.id)
        .join(Venue, Venue.id == PopUp.venue_id)
        .outerjoin(Interest, Interest.id == PopUp.interest_id)
        .where(PopUpAsked.member_id == member_id)
    )


def _show(
    session: Session, member_id: str, pop_up: PopUp, said: bool | None, interest: Interest | None, venue: Venue
) -> Asked:
    if said and pop_up.state == "on":
        said = happening.is_on_list(session, pop_up, member_id)
    return Asked(pop_up, interest, venue, said, len(_said_yes(session, pop_up.id)) if said else None)


def _all_asked(session: Session, pop_up_id: str) -> Sequence[str]:
    return session.scalars(select(PopUpAsked.member_id).where(PopUpAsked.pop_up_id == pop_up_id)).all()


def _is_lapsed(session: Session, pop_up: PopUp, now: dt.datetime) -> bool:
    if pop_up.state != "offered":
        return pop_up.state == "lapsed"
    if pop_up.answer_by <= now or pop_up.interest_id is None or pop_up.venue_id is None:
        return True
    venue = session.get(Venue, pop_up.venue_id)
    return venue is None or not places.takes(venue, now)


def _said_yes(session: Session, pop_up_id: str) -> list[str]:
    """Who said yes and still wants to, who said so first first."""
    rows = select(PopUpAsked.member_id).where(PopUpAsked.pop_up_id == pop_up_id, PopUpAsked.answer.is_(True))
    found = session.scalars(rows.order_by(PopUpAsked.answered_at, PopUpAsked.member_id)).all()
    return _still(session, found)


def _still(session: Session, member_ids: Collection[str]) -> list[str]:
    wanting = candidates.willing(session, member_ids)
    return [one for one in member_ids if one in wanting]
