"""Proposes a gathering again with the yeses of the morning after: once, at the same place, weekday and time."""

import contextlib
import datetime as dt
import itertools
from collections.abc import Iterator, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.errors import Conflict, MusterError
from server.events import copies, recurrence
from server.events import service as events
from server.events.model import Event, Step
from server.events.states import State
from server.inbox import service as inbox
from server.inbox import words
from server.mornings.model import Morning
from server.people import access, roles
from server.people import service as people
from server.people.model import Member
from server.proposals import service as proposals
from server.proposals.service import NewOption
from server.proposals.states import State as ProposalState
from server.texts import later
from server.venues import service as venues
from server.venues.model import Venue

YESES = 3  # one is kind, two are friends
TRIED = 5  # proposers, when the first has ten proposals open or may not meet there
AHEAD = dt.timedelta(days=3)  # so that there is time to commit
DECIDED_BEFORE = dt.timedelta(days=1)
FEWEST = 3  # that it takes to happen again
LEADS = later("%(event)s is proposed again, and you lead it: you said yes first. Take it back if you can't.")


class NextIsThere(Conflict):
    """Its next date is there already: nothing has to be proposed."""

    code = "next_is_there"


# Who said yes and was there, in the order in which they said so. Guests have no account to organize with.
_YES = text("""
    SELECT member_id FROM morning_card WHERE event_id = :event AND answer = 'yes' AND EXISTS (
        SELECT FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = :event AND checkin.member_id = morning_card.member_id AND checkin.undone_at IS NULL)
    ORDER BY answered_at, member_id
""")
_CAME = text("""
    SELECT count(DISTINCT coalesce(checkin.member_id, 'erased ' || coalesce(checkin.stranger, checkin.id)))
    FROM checkin JOIN step ON step.id = checkin.step_id WHERE step.event_id = :event AND checkin.undone_at IS NULL
""")


def by_itself(session: Session, event: Event, morning: Morning, now: dt.datetime) -> None:
    """Opens the proposal if enough said yes, in a circle or among friends; a house's host does it herself.

    Whoever hosted and said yes leads it, else who said yes first and may. If nobody may, the yeses stay, and the host
    can still open it. The morning's row is locked.
    """
    yes = list(session.scalars(_YES, {"event": event.id}))
    if len(yes) < YESES or is_of_house(session, event) or next_of(session, event, now) is not None:
        return
    for leader in itertools.islice(_leaders(session, event, yes), TRIED):
        with contextlib.suppress(MusterError), session.begin_nested():
            _open(session, event, morning, leader, yes, now)
            if leader.id != event.organizer_id:
                _tell_leader(session, event, morning, leader.id, now)
            return


def by_host(session: Session, event: Event, morning: Morning, *, by_id: str, now: dt.datetime) -> None:
    """Opens the proposal with the yeses that there are, led by a host. The morning's row is locked.

    Raises NextIsThere, NoFreeDate, and what proposals refuse.
    """
    if next_of(session, event, now) is not None:
        raise NextIsThere
    yes = list(session.scalars(_YES, {"event": event.id}))
    _open(session, event, morning, people.get(session, by_id), yes, now)


def follow(session: Session, morning: Morning, *, member_id: str, yes: bool, now: dt.datetime) -> None:
    """Counts a yes that comes after the proposal was opened, and takes back one that is none any more.

    While it is open; what cannot be counted there stays said here.
    """
    if morning.proposal_id is None:
        return
    with contextlib.suppress(MusterError), session.begin_nested():
        proposal = proposals.look(session, proposal_id=morning.proposal_id, now=now)
        if proposal.state != ProposalState.OPEN:
            return
        options = [one.id for one in proposals.options_of(session, proposal_id=proposal.id)]
        proposals.commit(
            session,
            proposal_id=proposal.id,
            member_id=member_id,
            option_ids=options if yes else (),
            now=now,
            elsewhere=True,
        )


def is_of_house(session: Session, event: Event) -> bool:
    """Whether its community is a house, whose host decides what is next."""
    return event.community_id is not None and communities.get(session, event.community_id).shape == "house"


def next_of(session: Session, event: Event, now: dt.datetime) -> Event | None:
    """The next date of a series, if there is one."""
    if event.series_id is None:
        return None
    wanted = (
        select(Event)
        .join(Step, Step.event_id == Event.id)
        .where(Event.series_id == event.series_id, Event.state == State.PUBLISHED, Step.starts_at > now)
        .order_by(Step.starts_at, Event.id)
        .limit(1)
    )
    return session.scalar(wanted)


def _leaders(session: Session, event: Event, yes: Sequence[str]) -> Iterator[Member]:
    """Who may lead it, hosts first, each looked at when she is asked for; at somebody's home only who keeps it."""
    helpers = roles.helpers_of(session, kind="event", of_id=event.id)
    hosts = {event.organizer_id, *(role.member_id for role in helpers)}
    home = [one for one in _venues_of(session, event) if one.kind == venues.HOME]
    for member_id in sorted(yes[: 50 * TRIED], key=lambda one: one not in hosts):
        one = people.get(session, member_id)
        if one.guest or not all(access.keeps(session, one, venue) for venue in home):
            continue
        if event.community_id is None or communities.belongs(
            session, community_id=event.community_id, member_id=member_id
        ):
            yield one


def _open(
    session: Session, event: Event, morning: Morning, leader: Member, yes: Sequence[str], now: dt.datetime
) -> None:
    wall = copies.next_free(session, event, member_id=leader.id, now=now + AHEAD)
    option = _option(session, event, leader, wall)
    came = session.scalar(_CAME, {"event": event.id}) or 0
    details = events.details_of(event)
    proposal = proposals.open(
        session,
        by_id=leader.id,
        title=event.name,
        about=event.about,
        kind=details.kind,
        community_id=event.community_id,
        options=[option],
        # Half of those who came: enough that it is worth it, and no more than it was worth the last time.
        quorum=max(FEWEST, -(-came // 2)),
        decide_by=option.starts_at - DECIDED_BEFORE,
        votes=yes,
        now=now,
    )
    morning.proposal_id, morning.opened_at = proposal.id, now
    session.flush()


def _option(session: Session, event: Event, leader: Member, wall: dt.datetime) -> NewOption:
    """The same place, for as long, from this wall time on; somebody's venue that may not be proposed by its name."""
    steps = events.steps_of(session, event_id=event.id)
    venue = venues.get(session, steps[0].venue_id)
    length = max(step.ends_at for step in steps) - steps[0].starts_at
    if length > events.MAX_LENGTH - dt.timedelta(hours=1):
        length = steps[0].ends_at - steps[0].starts_at
    starts_at = recurrence.at(wall, venue.time_zone)
    ends_at = starts_at + length
    if (venue.kind == "place" and venue.listed) or access.keeps(session, leader, venue):
        return NewOption(starts_at, ends_at, venue.id, steps[0].zone_id)
    # Where somebody lives is never handed on; of any other place everybody may see where it is.
    location = None if venue.kind == venues.HOME else venues.location_of(venue)
    return NewOption(starts_at, ends_at, place=venue.name, location=location, time_zone=venue.time_zone)


def _venues_of(session: Session, event: Event) -> list[Venue]:
    ids = {step.venue_id for step in events.steps_of(session, event_id=event.id)}
    return [venues.get(session, venue_id) for venue_id in sorted(ids)]


def _tell_leader(session: Session, event: Event, morning: Morning, leader_id: str, now: dt.datetime) -> None:
    inbox.tell(
        session,
        [leader_id],
        kind="morning.leads",
        of=f"event/{event.id}",
        sentence=LEADS,
        values={"event": words.named(event.name, event.simulated)},
        link=f"/proposals/{morning.proposal_id}",
        now=now,
    )
