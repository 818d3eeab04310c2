"""Members' secret links, and which gatherings stand in which calendar."""

import datetime as dt
import secrets

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.calendars.model import CalendarLink
from server.communities import service as communities
from server.errors import NotFound
from server.events import seeing, signups
from server.events import service as events
from server.events.model import Event, SignUpStep, Step
from server.events.states import SignUpState, State
from server.people import service as people
from server.people.model import Member
from server.sharing import place_words, reading
from server.sharing.gathering import Gathering
from server.sharing.reading import Reader
from server.texts import IN_ENGLISH, Texts
from server.venues import service as venues

SECRET_BYTES = 24
BACK = dt.timedelta(days=90)  # what was on lately; a calendar is no archive
AHEAD = dt.timedelta(days=366)
MOST = 1000  # entries: half a megabyte, and more than three a day for a year
CANCELLED_KEPT = dt.timedelta(days=30)  # programs that ask once a week see it; those that took a copy have it for good


class NoCalendarLink(NotFound):
    """You have no calendar link; make one first."""

    code = "no_calendar_link"


class CalendarUnknown(NotFound):
    """There is no calendar at this address: its link was replaced or ended."""

    code = "calendar_unknown"


def make_link(session: Session, *, member_id: str, now: dt.datetime) -> CalendarLink:
    """A new secret for a member; the one before is nobody's from now on. Raises MemberUnknown."""
    people.get(session, member_id)
    row = insert(CalendarLink).values(member_id=member_id, secret=secrets.token_urlsafe(SECRET_BYTES), made_at=now)
    made = row.on_conflict_do_update(
        index_elements=[CalendarLink.member_id], set_={"secret": row.excluded.secret, "made_at": row.excluded.made_at}
    )
    return session.scalars(made.returning(CalendarLink), execution_options={"populate_existing": True}).one()


def find_link(session: Session, *, member_id: str) -> CalendarLink | None:
    """A member's link, if she made one."""
    return session.get(CalendarLink, member_id)


def get_link(session: Session, *, member_id: str) -> CalendarLink:
    """A member's link; raises NoCalendarLink."""
    link = find_link(session, member_id=member_id)
    if link is None:
        raise NoCalendarLink
    return link


def end_link(session: Session, *, member_id: str) -> None:
    """Takes a member's link back; raises NoCalendarLink."""
    session.delete(get_link(session, member_id=member_id))
    session.flush()


def member_of(session: Session, secret: str) -> Member:
    """Whose link this is; raises CalendarUnknown."""
    wanted = select(Member).join(CalendarLink, CalendarLink.member_id == Member.id).where(CalendarLink.secret == secret)
    # Only letters, digits, - and _ are in ours; a NUL could not even be asked for.
    member = session.scalars(wanted).one_or_none() if secret.isascii() and secret.isprintable() else None
    if member is None:
        raise CalendarUnknown
    return member


def of_member(session: Session, member: Member, *, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Gathering]:
    """What she signed up for, organizes or hosts; of what is signed up for by step the steps that she chose."""
    going = signups.signed_up_for(session, member_id=member.id)
    hosted = [event.id for event in events.organized_by(session, member_id=member.id)]
    chosen = select(SignUpStep.step_id).where(
        SignUpStep.member_id == member.id, SignUpStep.state == SignUpState.GOING, SignUpStep.step_id == Step.id
    )
    hers = or_(Event.by_step.is_(False), chosen.exists())
    steps = session.scalars(_within(now, or_(Event.id.in_(hosted), and_(Event.id.in_(going), hers))))
    return reading.of_steps(session, steps, say, reader=Reader(member.id, now))


def of_community(session: Session, community_id: str, *, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Gathering]:
    """What a community does for everybody; raises CommunityUnknown."""
    communities.get(session, community_id)
    return _public(session, Event.community_id == community_id, now, say)


def of_venue(session: Session, venue_id: str, *, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Gathering]:
    """What is on at a venue for everybody; raises VenueUnknown, CalendarUnknown (somebody's home)."""
    if place_words.is_home(venues.get(session, venue_id)):
        raise CalendarUnknown("Somebody lives there: no calendar is kept of it.")
    return _public(session, Step.venue_id == venue_id, now, say)


def _public(session: Session, which: ColumnElement[bool], now: dt.datetime, say: Texts) -> list[Gathering]:
    return reading.of_steps(session, session.scalars(_within(now, which, seeing.for_everybody())), say)


def _within(now: dt.datetime, *which: ColumnElement[bool]) -> Select[Step]:
    """Steps of the time that a calendar holds; where there are more than it takes, those to come, the nearest first."""
    away = func.abs(func.extract("epoch", Step.starts_at - now))
    lately = and_(Event.state == State.CANCELLED, Event.dropped.is_(False), Event.state_at > now - CANCELLED_KEPT)
    return (
        select(Step)
        .join(Event, Event.id == Step.event_id)
        .where(*which, or_(Event.state == State.PUBLISHED, lately))
        .where(Step.ends_at > now - BACK, Step.starts_at < now + AHEAD)
        .order_by(case((Step.ends_at > now, 0), else_=1), away, Step.id)
        .limit(MOST)
    )
