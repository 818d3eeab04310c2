"""Gathering at somebody else's place: one asks, who keeps it says yes or no, and may take a yes back."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names, paging
from server.audit import service as audit
from server.errors import Conflict, NotFound
from server.inbox import service as inbox
from server.inbox import words
from server.people import access, roles
from server.people.model import Member
from server.texts import later
from server.venues import service as venues
from server.venues.model import Venue, Welcome

AGAIN_AFTER = dt.timedelta(days=30)  # a no is an answer for a month
MOST_ASKED = 20  # of one member, unanswered at a time: nobody asks a whole town
REASON_MAX_LENGTH = 500


class AskedAlready(Conflict):
    """You have asked there already: wait for the answer."""

    code = "asked_already"


class NotWelcome(Conflict):
    """They said no. You may ask again after a month."""

    code = "not_welcome"


class AskedMany(Conflict):
    """You wait for many answers already: ask the next place once some of them came."""

    code = "asked_many"


class NobodyThere(Conflict):
    """Nobody keeps this place who could say yes."""

    code = "nobody_there"


class NoSuchWelcome(NotFound):
    """They have not asked to gather here."""

    code = "no_such_welcome"


def is_welcome(session: Session, member: Member, venue: Venue) -> bool:
    """Whether she may hold gatherings there: she keeps it, or who does said yes. Operators may, but at homes."""
    return access.may_keep(session, member, venue) or said_yes(session, member, venue)


def said_yes(session: Session, member: Member, venue: Venue) -> bool:
    """Whether who keeps it said yes to her."""
    found = session.get(Welcome, (venue.id, member.id))
    return found is not None and found.welcome is True and venue.kind == "place"


def check_welcome(session: Session, member: Member, venue: Venue) -> None:
    """Raises NotYourVenue unless she may hold gatherings there."""
    if not is_welcome(session, member, venue):
        raise access.NotYourVenue


def ask(session: Session, *, venue_id: str, member: Member, reason: str, now: dt.datetime) -> Welcome:
    """Asks who keeps a place whether she may gather there.

    Raises VenueUnknown, VenueNotReady, NobodyThere, AskedAlready, NotWelcome, AskedMany, Invalid.
    """
    venue = venues.get(session, venue_id)
    if venue.kind != "place":
        raise venues.VenueUnknown
    venues.check_ready(venue)
    keepers = _keepers(session, venue)
    if not keepers - {member.id}:
        raise NobodyThere
    constraints.take_turn(session, f"asks to gather {member.id}")
    before = session.get(Welcome, (venue_id, member.id), with_for_update=True, populate_existing=True)
    if before is not None:
        if before.welcome is None or before.welcome:
            raise AskedAlready
        if before.answered_at is not None and now < before.answered_at + AGAIN_AFTER:
            raise NotWelcome
    waiting = select(Welcome.venue_id).where(Welcome.member_id == member.id, Welcome.welcome.is_(None))
    if len(session.scalars(waiting.limit(MOST_ASKED)).all()) >= MOST_ASKED:
        raise AskedMany
    said = {"reason": names.check_text(reason, "gathering", REASON_MAX_LENGTH), "asked_at": now}
    row = insert(Welcome).values(venue_id=venue_id, member_id=member.id, **said)
    changed = {**said, "welcome": None, "answered_at": None, "answered_by": None}
    session.execute(row.on_conflict_do_update(index_elements=["venue_id", "member_id"], set_=changed))
    inbox.tell(
        session,
        keepers,
        kind="welcome.asked",
        of=f"venue/{venue_id}",
        sentence=later("%(name)s asks to hold gatherings at %(venue)s."),
        values={
            "name": words.person(member.id, member.name, member.simulated),
            "venue": words.named(venue.name, venue.simulated),
        },
        link=f"/venues/{venue_id}/welcome",
        nonce=f"{member.id} {now.isoformat()}",
        now=now,
    )
    return session.get_one(Welcome, (venue_id, member.id), populate_existing=True)


def answer(session: Session, *, venue_id: str, member_id: str, yes: bool, by: Member, now: dt.datetime) -> Welcome:
    """Says yes or no, also another time; gatherings that are planned stay, each can be called off. Twice is as once.

    Raises VenueUnknown, NotYourVenue, NoSuchWelcome.
    """
    venue = venues.get(session, venue_id)
    access.check_keeps(session, by, [venue])
    found = session.get(Welcome, (venue_id, member_id), with_for_update=True, populate_existing=True)
    if found is None:
        raise NoSuchWelcome
    if found.welcome is yes:
        return found
    found.welcome, found.answered_at, found.answered_by = yes, now, by.id
    session.flush()
    audit.note(session, "welcome.answered", of=f"venue/{venue_id}", by=by.id, now=now, member=member_id, yes=yes)
    inbox.tell(
        session,
        [member_id],
        kind="welcome.answered",
        of=f"venue/{venue_id}",
        sentence=later("%(venue)s says yes: you may hold gatherings there.")
        if yes
        else later("%(venue)s says no: you cannot hold gatherings there for now."),
        values={"venue": words.named(venue.name, venue.simulated)},
        link="/new" if yes else f"/venues/{venue_id}",
        nonce=now.isoformat(),
        now=now,
    )
    return found


def of_venue(session: Session, *, venue_id: str, page: paging.Page = paging.EVERYTHING) -> list[Welcome]:
    """Who asked to gather at a venue, the newest first."""
    rows = select(Welcome).where(Welcome.venue_id == venue_id)
    return page.read(session, rows, paging.down(Welcome.asked_at), paging.up(Welcome.member_id))


def venues_of(session: Session, *, member_id: str) -> list[Venue]:
    """The places where she is welcome, by name."""
    rows = (
        select(Venue)
        .join(Welcome, Welcome.venue_id == Venue.id)
        .where(Welcome.member_id == member_id, Welcome.welcome.is_(True), Venue.kind == "place")
    )
    return list(session.scalars(rows.order_by(Venue.name, Venue.id).limit(200)))


def _keepers(session: Session, venue: Venue) -> set[str]:
    staff = {role.member_id for role in roles.helpers_of(session, kind="venue", of_id=venue.id)}
    return staff | ({venue.owner_id} if venue.owner_id is not None else set())
