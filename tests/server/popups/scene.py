"""Four who like chess in a park, each with a phone, and the park as a public place."""

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config import settings as config
from server.company import service as company
from server.inbox.model import Notification
from server.people import service as people
from server.people.model import Member
from server.popups import happening
from server.popups import service as popups
from server.popups.model import PopUp
from server.positions import service as positions
from server.positions.service import Fix
from server.venues import service as venues
from tests.server.fences.scene import PARK, fix
from tests.server.places import NOW, make_members

SETTINGS = config.load(environment={})
RULE = SETTINGS.pop_ups
FOUR = ("p1", "p2", "p3", "p4")
MINUTE = dt.timedelta(minutes=1)


def at(minute: float) -> dt.datetime:
    """So many minutes after NOW."""
    return NOW + dt.timedelta(minutes=minute)


def make_four(session: Session, *ids: str, interest: str = "chess") -> None:
    """These (or four of them) like chess and want to be asked; the park of Ben is a public place."""
    if session.get(Member, "dora") is None:
        make_members(session)
    if not session.scalar(text("SELECT count(*) FROM venue WHERE id = 'park'")):
        venues.create(
            session,
            id="park",
            name="The Park",
            time_zone="Europe/Berlin",
            location=PARK,
            owner_id="ben",
            contact="ben@park.example",
        )
    for member_id in ids or FOUR:
        if session.get(Member, member_id) is None:
            people.create(session, id=member_id, name=f"Pat {member_id[1:]}")
        like(session, member_id, interest)
        let(session, member_id)
        see(session, member_id)


def see(session: Session, member_id: str, evidence: str = "beacon") -> None:
    """Her badge was heard in the park, a month ago."""
    given = {"member": member_id, "at": NOW - 30 * 24 * 60 * MINUTE, "evidence": evidence}
    session.execute(
        text(
            "INSERT INTO checkin (venue_id, day, member_id, at, evidence, signed_up)"
            " VALUES ('park', CAST(:at AS date), :member, :at, :evidence, false) ON CONFLICT DO NOTHING"
        ),
        given,
    )


def like(session: Session, member_id: str, interest: str) -> None:
    """She likes something of the vocabulary."""
    given = {"member": member_id, "interest": interest}
    session.execute(text("INSERT INTO member_interest VALUES (:member, :interest) ON CONFLICT DO NOTHING"), given)


def let(session: Session, member_id: str, *, pop_ups: bool = True, fences: bool = False) -> None:
    """Says what her positions may be used for."""
    positions.choose_uses(
        session,
        member_id=member_id,
        told=False,
        fences=fences,
        company=False,
        pop_ups=pop_ups,
        radius_m=5000,
        now=NOW - 60 * MINUTE,
    )


def come(session: Session, *ids: str, away_m: float = 0, minute: float = 0) -> None:
    """A fix of each phone, as phones tell it."""
    take(session, [fix(away_m, minute, member_id=one) for one in ids or FOUR], minute)


def take(session: Session, fixes: list[Fix], minute: float) -> None:
    """Takes fixes as `server.phones` does."""
    kept = positions.keep(session, fixes, now=at(minute))
    company.take(session, kept, now=at(minute), settings=SETTINGS)


def look(session: Session, minute: float = 0) -> list[str]:
    """What the minute's task does; the ids of what is newly offered."""
    for pop_up_id in popups.lasting(session, state="offered"):
        popups.lapse(session, pop_up_id=pop_up_id, now=at(minute))
    for pop_up_id in popups.lasting(session, state="on"):
        happening.follow(session, pop_up_id=pop_up_id, now=at(minute), settings=SETTINGS)
    return [one.id for one in popups.find_groups(session, now=at(minute), rule=RULE)]


def offer(session: Session) -> str:
    """The four are in the park and are asked; the id of the offer."""
    make_four(session)
    come(session)
    [pop_up_id] = look(session)
    return pop_up_id


def say(session: Session, pop_up_id: str, *ids: str, yes: bool = True, minute: float = 1) -> PopUp:
    """Each answers, one after the other."""
    for number, member_id in enumerate(ids):
        when = at(minute) + dt.timedelta(seconds=number)
        found = popups.answer(session, pop_up_id=pop_up_id, member_id=member_id, yes=yes, now=when, rule=RULE)
    return found


def asked(session: Session, minute: float = 1) -> list[str]:
    """Who is asked something now, of the four."""
    return [one for one in FOUR if popups.of_member(session, member_id=one, now=at(minute))]


def told(session: Session, kind: str) -> list[str]:
    """Who got a note of a kind."""
    return sorted(session.scalars(select(Notification.member_id).where(Notification.kind == kind)))
