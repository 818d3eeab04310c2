"""Keeps what members answered: whether people they met may learn it, and of whom they want to know nothing more."""

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.errors import NotFound
from server.met import reading
from server.met.model import MetSwitch, MetWithout

# She came to it, and it is over: then it is asked, on its page.
_CAME = text("""
    SELECT EXISTS (SELECT FROM checkin JOIN step ON step.id = checkin.step_id
                   WHERE step.event_id = :event AND checkin.member_id = :member AND checkin.undone_at IS NULL)
       AND (SELECT max(step.ends_at) FROM step WHERE step.event_id = :event) <= :now
""")


class NotMet(NotFound):
    """There is nobody by that id whom you both know that you met."""

    code = "not_met"


def willing(session: Session, *, member_id: str) -> bool | None:
    """Whether people she met may learn it; None: she was not asked yet, which is no."""
    return session.scalar(select(MetSwitch.willing).where(MetSwitch.member_id == member_id))


def switch(session: Session, *, member_id: str, willing: bool, now: dt.datetime) -> None:
    """Keeps her answer; from this moment on it is shown to both, or hidden from both."""
    row = insert(MetSwitch).values(member_id=member_id, willing=willing, at=now)
    session.execute(row.on_conflict_do_update(index_elements=["member_id"], set_={"willing": willing, "at": now}))


def is_to_ask(session: Session, *, member_id: str, event_id: str, now: dt.datetime) -> bool:
    """Whether a gathering's page asks her: she came, it is over, and she never answered."""
    if willing(session, member_id=member_id) is not None:
        return False
    return bool(session.scalar(_CAME, {"event": event_id, "member": member_id, "now": now}))


def forget(session: Session, *, member_id: str, other_id: str, now: dt.datetime) -> None:
    """Hides somebody and her from each other, for good; raises NotMet unless she knows of her. Twice is as once."""
    if session.get(MetWithout, (member_id, other_id)) is not None:
        return
    if not reading.knows(session, member_id=member_id, other_id=other_id, now=now):
        raise NotMet
    row = insert(MetWithout).values(member_id=member_id, other_id=other_id, at=now)
    session.execute(row.on_conflict_do_nothing())
