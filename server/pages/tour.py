"""What the demonstration's communities show, one tap each, as the one who sees it: what there is at the moment."""

import datetime as dt
from collections.abc import Collection
from typing import TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from server.checkins.model import CheckIn
from server.communities.model import Community
from server.events.model import Event, SignUp, Step
from server.events.states import State
from server.governance.model import Vote
from server.met.model import Met, MetSwitch
from server.mornings import clock
from server.mornings.model import Morning, MorningCard
from server.pages.facts import Fact
from server.people import service as people
from server.people.model import Member
from server.pictures.schema import url_of
from server.posts.model import Topic
from server.proposals.model import Proposal
from server.pulse.model import Pulse
from server.reviews.model import Review
from server.stamps.model import StampCardTaken
from server.texts import Texts
from server.venues.model import Venue

# In the order of a story: how something comes to be, what comes of it, who decides.
CHAPTERS: dict[str, tuple[str, ...]] = {
    "begin": ("face-to-face", "proposal", "series", "trip", "rally"),
    "after": ("pulse", "stamps", "report", "morning", "reviews", "met"),
    "together": ("house", "topics", "vote", "fans"),
}
STOPS = tuple(role for roles in CHAPTERS.values() for role in roles)
RowT = TypeVar("RowT")


def stops(session: Session, now: dt.datetime, say: Texts) -> list[Fact]:
    """What there is to see, in the order of STOPS.

    {"role", "chapter", "next", "name", "picture" (address or None), "who" (None: whoever goes out)}; of
    what not everybody sees also "member", who shows it.
    """
    house = session.scalars(_simulated().where(Community.shape == "house").limit(1)).one_or_none()
    if house is None:
        return []
    found = _Found(session, now, say, house)
    return [
        {"role": role, "chapter": chapter, "who": None, **stop}
        for chapter, roles in CHAPTERS.items()
        for role in roles
        if (stop := getattr(found, role.replace("-", "_"))()) is not None
    ]


class _Found:
    """The stops of one moment, each a method of its name; None: there is nothing of it."""

    def __init__(self, session: Session, now: dt.datetime, say: Texts, house: Community) -> None:
        """house: whose the demonstration is."""
        self._session = session
        self._now = now
        self._say = say
        self._house = house
        shown = [*people.demo_members(session), *self._keepers()]
        self._people = {member.id: member for member in shown}

    def _keepers(self) -> list[Member]:
        """Who keeps the house."""
        venue = self._session.get(Venue, self._house.source_venue_id or "")
        found = None if venue is None or venue.owner_id is None else self._session.get(Member, venue.owner_id)
        return [] if found is None or not found.simulated else [found]

    def face_to_face(self) -> Fact | None:
        return _stop("/gather")

    def proposal(self) -> Fact | None:
        """The one that most ways lead to: with several times to choose from."""
        of = select(Community.id).where(Community.simulated)
        wanted = select(Proposal).where(
            Proposal.state == "open", Proposal.decide_by > self._now, Proposal.community_id.in_(of)
        )
        found = self._one(wanted.order_by(Proposal.quorum.desc(), Proposal.opened_at, Proposal.id))
        if found is None:
            return None
        return _stop(f"/proposals/{found.id}", self._say.name(found.title, True), self._picture(found.community_id))

    def series(self) -> Fact | None:
        return self._gathering(_coming(self._now).where(Event.series_id.is_not(None)))

    def trip(self) -> Fact | None:
        return self._gathering(_coming(self._now).where(Event.kind == "trip"))

    def rally(self) -> Fact | None:
        event = self._one(_coming(self._now).where(Event.needs.is_not(None)))
        if event is None:
            return None
        came = select(SignUp.member_id).where(SignUp.event_id == event.id, SignUp.state == "going")
        return self._of_event(event) | self._as(self._session.scalars(came).all())

    def pulse(self) -> Fact | None:
        asked = select(Pulse.event_id).where(Pulse.closed_at.is_(None))
        event = self._one(_coming(self._now).where(Event.id.in_(asked)))
        if event is None:
            return None
        came = select(CheckIn.member_id).join(Step, Step.id == CheckIn.step_id).where(Step.event_id == event.id)
        shown = self._as(self._session.scalars(came.where(CheckIn.undone_at.is_(None))).all())
        return _stop(f"/events/{event.id}/pulse") | shown if shown else None

    def stamps(self) -> Fact | None:
        """Of who has most of them."""
        wanted = (
            select(CheckIn.member_id)
            .join(StampCardTaken, StampCardTaken.member_id == CheckIn.member_id)
            .where(CheckIn.venue_id.is_not(None), CheckIn.undone_at.is_(None), CheckIn.member_id.in_(self._people))
            .group_by(CheckIn.member_id)
            .order_by(func.count().desc(), CheckIn.member_id)
        )
        shown = self._as(self._session.scalars(wanted.limit(1)).all())
        return _stop("/me/stamps") | shown if shown else None

    def report(self) -> Fact | None:
        """Where most came to share something, for who hosted it; evenings of the simulation are of no kind."""
        came = (
            select(func.count())
            .select_from(CheckIn)
            .join(Step, Step.id == CheckIn.step_id)
            .where(Step.event_id == Event.id, CheckIn.undone_at.is_(None))
        )
        over = _events().where(
            _ends().scalar_subquery() <= self._now, Event.kind == "sharing", Event.organizer_id.in_(self._people)
        )
        event = self._one(over.order_by(came.correlate(Event).scalar_subquery().desc(), Event.id))
        if event is None:
            return None
        return self._of_event(event) | {"next": f"/events/{event.id}/report"} | self._as([event.organizer_id])

    def morning(self) -> Fact | None:
        """A card that waits for an answer, best of what is proposed again; or else one that may still be changed."""
        since = self._now - clock.OPEN_FOR
        wanted = (
            select(MorningCard)
            .join(Event, Event.id == MorningCard.event_id)
            .outerjoin(Morning, Morning.event_id == MorningCard.event_id)
            .where(Event.simulated, MorningCard.member_id.in_(self._people), MorningCard.at > since)
            .order_by(
                MorningCard.answer.is_not(None),
                Morning.proposal_id.is_(None),
                MorningCard.at.desc(),
                MorningCard.member_id.desc(),
            )
        )
        card = self._one(wanted)
        if card is None:
            return None
        of = self._session.get_one(Event, card.event_id)
        return self._of_event(of) | {"next": f"/mornings/{of.id}"} | self._as([card.member_id])

    def reviews(self) -> Fact | None:
        """Of the house's own venue."""
        of = self._house.source_venue_id
        there = select(Review.id).where(Review.venue_id == of).limit(1)
        return None if self._session.scalar(there) is None else _stop(f"/venues/{of}/reviews")

    def met(self) -> Fact | None:
        willing = select(MetSwitch.member_id).where(MetSwitch.willing)
        wanted = select(Met.member_id).where(Met.member_id.in_(self._people), Met.member_id.in_(willing))
        known = self._session.scalars(wanted.where(Met.other_id.in_(willing)).distinct())
        shown = self._as(known.all())
        return _stop("/me/met") | shown if shown else None

    def house(self) -> Fact | None:
        of = self._house
        return _stop(f"/communities/{of.id}", self._say.name(of.name, True), of.picture_id)

    def topics(self) -> Fact | None:
        return self._of_community(select(Topic.community_id), "topics")

    def vote(self) -> Fact | None:
        running = select(Vote.community_id).where(Vote.decided_at.is_(None), Vote.ends_at > self._now)
        return self._of_community(running, "votes")

    def fans(self) -> Fact | None:
        shown = self._as([keeper.id for keeper in self._keepers()])
        return _stop(f"/communities/{self._house.id}/fans") | shown if shown else None

    def _one(self, wanted: Select[RowT]) -> RowT | None:
        return self._session.scalars(wanted.limit(1)).one_or_none()

    def _as(self, member_ids: Collection[str | None]) -> Fact:
        """The first of the demonstration's people who is one of these; nothing where nobody is."""
        shown = next((member for id_, member in self._people.items() if id_ in member_ids), None)
        return {} if shown is None else {"member": shown.id, "who": self._say.name(shown.name, shown.simulated)}

    def _gathering(self, wanted: Select[Event]) -> Fact | None:
        event = self._one(wanted)
        return None if event is None else self._of_event(event)

    def _of_event(self, event: Event) -> Fact:
        picture_id = event.picture_id or self._picture(event.community_id)
        return _stop(f"/events/{event.id}", self._say.name(event.name, True), picture_id)

    def _picture(self, community_id: str | None) -> str | None:
        return self._session.scalar(select(Community.picture_id).where(Community.id == community_id))

    def _of_community(self, ids: Select[str], page: str) -> Fact | None:
        found = self._one(_simulated().where(Community.id.in_(ids)))
        if found is None:
            return None
        return _stop(f"/communities/{found.id}/{page}", self._say.name(found.name, True), found.picture_id)


def _stop(leads_to: str, name: str = "", picture_id: str | None = None) -> Fact:
    return {"next": leads_to, "name": name, "picture": None if picture_id is None else url_of(picture_id)}


def _simulated() -> Select[Community]:
    return select(Community).where(Community.simulated, Community.dissolved_at.is_(None)).order_by(Community.id)


def _events() -> Select[Event]:
    of = select(Community.id).where(Community.simulated)
    return select(Event).where(Event.simulated, Event.state == State.PUBLISHED, Event.community_id.in_(of))


def _ends() -> Select[dt.datetime]:
    return select(func.max(Step.ends_at)).where(Step.event_id == Event.id).correlate(Event)


def _coming(now: dt.datetime) -> Select[Event]:
    """What is not over, the one that ends first of all."""
    ends = _ends().scalar_subquery()
    return _events().where(ends > now).order_by(ends, Event.id)
