"""Puts the tales of the communities into the database: once what was, and again whatever has come to its end since."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Settings
from geo import postgis
from server.communities import service as communities
from server.communities.model import Community, CommunityInterest, CommunityMember
from server.corrections import tasks as _judging  # noqa: F401 -- it registers itself: places go to who waits
from server.errors import MusterError
from server.events import series, signups
from server.events import service as events
from server.events.details import Details
from server.events.model import Event, Step
from server.governance import votes
from server.governance.model import CommunityChange, Vote
from server.governance.rules import Kind
from server.inbox import tasks as _tasks  # noqa: F401 -- it registers itself: people are told of what is opened
from server.interests import service as interests
from server.interests.model import MemberInterest
from server.operations.demo import drawings, memories, neighbourhood, past, remembering, tales
from server.operations.demo.past import DAY
from server.people import roles
from server.people import service as people
from server.pictures import service as pictures
from server.positions import service as positions
from server.posts.model import Post, Topic
from server.proposals import service as proposals
from server.proposals.model import Proposal
from server.venues import service as venues
from server.venues.model import Venue, Welcome

HOME_RADIUS_KM = 2.0
# So far from the shops' rally: nobody who passes by is taken in, only who signed up.
NO_WALK_INS_S = 6 * 3600.0
SMALL_SHOP_DWELL_S = 10.0  # as in the small rooms of the evening


def tell(session: Session, settings: Settings, now: dt.datetime, time_zone: str) -> None:
    """Makes what is not there yet. time_zone: of the neighbourhood."""
    if session.get(Community, tales.HOUSE) is None:
        _make_shops(session, time_zone)
        _make_communities(session, now)
        _make_tastes(session, now)
        for one in tales.PASTS:
            past.make(session, settings, one, past.at(now - one.days_ago * DAY, one.hour, time_zone))
        _make_topics(session, now)
        _make_changes(session, now)
        remembering.remember(session, settings, now, time_zone)
    remembering.dine(session, settings, now, time_zone)
    if not _is_coming(session, tales.RALLY.prefix, now):
        _make_rally(session, settings, now, time_zone)
    if not _is_coming(session, tales.TRIP.prefix, now):
        _make_trip(session, now, time_zone)
    if not _is_coming(session, tales.SERIES.prefix, now):
        _begin_series(session, now, time_zone)
    _open_proposal(session, now)
    _open_vote(session, now)


def _make_shops(session: Session, time_zone: str) -> None:
    for shop in tales.SHOPS:
        venues.create(
            session,
            id=shop.id,
            name=shop.name,
            time_zone=time_zone,
            owner_id=shop.owner,
            contact=shop.contact,
            location=neighbourhood.to_lon_lat(*shop.at),
            category=shop.category,
            simulated=True,
        )


def _make_tastes(session: Session, now: dt.datetime) -> None:
    """What those like whom a visitor may be, and about where they live: so that something is near them."""
    for member_id, liked in tales.TASTES.items():
        interests.choose(session, MemberInterest, {"member_id": member_id}, liked)
        positions.set_home(session, member_id=member_id, place=neighbourhood.ORIGIN, now=now)


def _make_communities(session: Session, now: dt.datetime) -> None:
    for number, one in enumerate((*tales.COMMUNITIES, memories.SOUP)):
        community = session.get(Community, one.id) or communities.create(session, id=one.id, name=one.name)
        if one.id == tales.HOUSE:
            community.shape, community.source_venue_id = "house", neighbourhood.BOOKS.id
        elif one.id != memories.SOUP.id:
            community.parent_id = tales.HOUSE
        community.simulated = True
        community.goal, community.charter = one.goal, one.charter
        community.home_name, community.home_radius_km = one.home, HOME_RADIUS_KM
        community.home = postgis.from_position(neighbourhood.ORIGIN)
        community.created_at = now - (20 if one.id == memories.SOUP.id else 300 - 40 * number) * DAY
        picture = pictures.take(session, drawings.draw(one.picture), by=None, now=now)
        community.picture_id = picture.id
        session.flush()
        interests.choose(session, CommunityInterest, {"community_id": one.id}, one.interests)
        rows = [
            {"community_id": one.id, "member_id": member, "joined_at": community.created_at} for member in one.members
        ]
        if rows:
            session.execute(insert(CommunityMember).values(rows).on_conflict_do_nothing())
    roles.give(session, member_id="jonas", kind="community", of_id=tales.HOUSE, called="jonas", by=None, now=now)


def _make_topics(session: Session, now: dt.datetime) -> None:
    for community_id, title, posts in tales.TOPICS:
        first = posts[0]
        topic = Topic(community_id=community_id, title=title, made_by=first.by, made_at=now - first.days_ago * DAY)
        session.add(topic)
        session.flush()
        head: int | None = None
        for words in posts:
            picture = None if words.picture is None else drawings.draw(words.picture)
            post = Post(
                topic_id=topic.id,
                member_id=words.by,
                text=words.text,
                picture_id=None if picture is None else pictures.take(session, picture, by=None, now=now).id,
                leads_to=words.leads_to,
                answer_to=head if words.answers else None,
                newcomer=words.by == "paloma",
                at=now - words.days_ago * DAY,
            )
            session.add(post)
            session.flush()
            head = head if words.answers else post.id


def _make_changes(session: Session, now: dt.datetime) -> None:
    """Somebody found better words for what the walkers are for."""
    walkers = next(one for one in tales.COMMUNITIES if one.id == tales.WALKERS)
    change = CommunityChange(
        community_id=tales.WALKERS, field="goal", was="", became=walkers.goal, by="elif", at=now - 4 * DAY
    )
    session.add(change)
    session.flush()


def _make_rally(session: Session, settings: Settings, now: dt.datetime, time_zone: str) -> None:
    rally = tales.RALLY
    event_id = f"{rally.prefix}-{now:%Y%m%d-%H%M}"
    begins = past.at(now - 2 * DAY, 10, time_zone)
    places = [(venue.id, venue.name) for venue in neighbourhood.VENUES] + [(one.id, one.name) for one in tales.SHOPS]
    events.create(
        session,
        id=event_id,
        name=rally.name,
        organizer_id=rally.organizer,
        community_id=tales.HOUSE,
        about=Details(
            kind="exhibition", about=rally.about, open_to_all=True, needs=rally.needs, picture_id=_picture(session, now)
        ),
        simulated=True,
        rule=settings.checkin,
        steps=[
            events.NewStep(
                name,
                venue_id,
                opens_at=begins,
                starts_at=begins,
                ends_at=past.at(begins + rally.lasts, 20, time_zone),
                dwell_signed_up_s=SMALL_SHOP_DWELL_S,
                dwell_walk_in_s=NO_WALK_INS_S,
            )
            for venue_id, name in places
        ],
    )
    events.choose_interests(session, events.get(session, event_id), rally.interests)
    who = ["anais", "ben", "chiara", "haoran", "dmitri", "elif", "gabriel", "hana", "siyu", "kavya", "leila", "rosa"]
    for member_id in (*who, rally.almost):
        signups.sign_up(session, event_id=event_id, member_id=member_id, now=begins + DAY / 24)
    heard = {venue.id for venue in neighbourhood.VENUES}
    for number, step in enumerate(events.steps_of(session, event_id=event_id)):
        # Each has been to some of them: the first to five, the last to one.
        came = [(one, "beacon" if step.venue_id in heard else "screen") for place, one in enumerate(who)]
        some = [one for place, one in enumerate(came) if (place * 5 + number * 7) % 12 > place - 1]
        if number in rally.been_to:
            some.append((rally.almost, "beacon" if step.venue_id in heard else "screen"))
        past.check_in(session, step, some, begins + (2 + 5 * number) * DAY / 24, dt.timedelta(minutes=11))
    remembering.complete(session, event_id, rally.organizer, now)


def _picture(session: Session, now: dt.datetime) -> str:
    return pictures.take(session, drawings.draw("doors"), by=None, now=now).id


def _make_trip(session: Session, now: dt.datetime, time_zone: str) -> None:
    trip = tales.TRIP
    saturday = now + (5 - now.weekday()) % 7 * DAY + 7 * DAY
    owner = people.get(session, trip.organizer)
    if session.get(Venue, "ingrids-home") is None:
        venues.create(
            session,
            id="ferry-landing",
            name=trip.landing,
            time_zone=time_zone,
            owner_id=owner.id,
            contact="hello@ferry.example",
            location=neighbourhood.to_lon_lat(900, -400),
            kind="spot",
            simulated=True,
        )
        venues.create(
            session,
            id="ingrids-home",
            name=trip.home,
            time_zone=time_zone,
            owner_id=owner.id,
            contact="ingrid@home.example",
            location=neighbourhood.to_lon_lat(5200, -3100),
            kind="home",
            district=trip.district,
            address=trip.address,
            simulated=True,
        )
    hours = (("ferry-landing", 0, 9, 12), ("ingrids-home", 0, 18, 23), ("ferry-landing", 1, 10, 16))
    event_id = f"{trip.prefix}-{now:%Y%m%d-%H%M}"
    events.create(
        session,
        id=event_id,
        name=trip.name,
        organizer_id=trip.organizer,
        community_id=tales.WALKERS,
        about=Details(
            kind="trip",
            about=trip.about,
            price=trip.price,
            guests_max=1,
            picture_id=pictures.take(session, drawings.draw("sea"), by=None, now=now).id,
        ),
        simulated=True,
        steps=[
            events.NewStep(
                name,
                venue_id,
                past.at(saturday + day * DAY, starts, time_zone),
                past.at(saturday + day * DAY, ends, time_zone),
                capacity=9,
            )
            for name, (venue_id, day, starts, ends) in zip(trip.steps, hours, strict=True)
        ],
    )
    for member_id in trip.going:
        signups.sign_up(session, event_id=event_id, member_id=member_id, now=now)


def _begin_series(session: Session, now: dt.datetime, time_zone: str) -> None:
    of = tales.SERIES
    first = next(day for number in range(1, 36) if (day := now + number * DAY).weekday() == 6 and day.day <= 7)
    starts_at = past.at(first, 10, time_zone)
    event_id = f"{of.prefix}-{first:%Y%m%d}"
    events.create(
        session,
        id=event_id,
        name=of.name,
        organizer_id=of.organizer,
        community_id=tales.WALKERS,
        about=Details(kind="walk", about=of.about),
        simulated=True,
        steps=[events.NewStep(of.step, neighbourhood.CAFE.id, starts_at, starts_at + dt.timedelta(hours=3))],
    )
    yes = insert(Welcome).values(venue_id=neighbourhood.CAFE.id, member_id=of.organizer, asked_at=now, welcome=True)
    session.execute(yes.on_conflict_do_nothing())
    series.begin(session, event_id=event_id, rule=of.rule, now=now)


def _open_proposal(session: Session, now: dt.datetime) -> None:
    """One that needs two more, unless one is open."""
    wanted = tales.PROPOSAL
    same = select(Proposal.id).where(Proposal.community_id == tales.WALKERS, Proposal.state == "open")
    if session.scalar(same.where(Proposal.decide_by > now).limit(1)) is not None:
        return
    evening = (now + 9 * DAY).replace(hour=19, minute=0, second=0, microsecond=0)
    proposals.open(
        session,
        by_id=wanted.by,
        title=wanted.title,
        about=wanted.about,
        kind="walk",
        options=[
            proposals.NewOption(evening + day * DAY, evening + day * DAY + DAY / 8, venue_id=venue)
            for day, venue in ((0, neighbourhood.CAFE.id), (2, neighbourhood.BOOKS.id))
        ],
        quorum=wanted.quorum,
        decide_by=now + 4 * DAY,
        now=now,
        community_id=tales.WALKERS,
        votes=wanted.votes,
    )


def _open_vote(session: Session, now: dt.datetime) -> None:
    """One that is running, unless there is one, or the last one may not be asked again yet."""
    running = select(Vote.id).where(Vote.community_id == tales.WALKERS, Vote.ends_at > now, Vote.decided_at.is_(None))
    if session.scalar(running.limit(1)) is not None:
        return
    try:
        with session.begin_nested():
            vote = votes.open_vote(
                session,
                viewer=people.get(session, "elif"),
                community_id=tales.WALKERS,
                kind=Kind.MOVE,
                reason=tales.VOTE_REASON,
                now=now,
            )
            for who, yes in (("elif", True), ("siyu", True), ("fatou", False)):
                votes.cast(
                    session, viewer=people.get(session, who), community_id=vote.community_id, vote_id=vote.id, yes=yes,
                    now=now,
                )  # fmt: skip
    except MusterError:
        return  # nobody's word counts any more, or it was voted on of late: the page says so


def _is_coming(session: Session, prefix: str, now: dt.datetime) -> bool:
    """Whether a gathering of this kind is not over."""
    rows = select(Step.id).join(Event, Event.id == Step.event_id).where(Event.id.startswith(prefix), Event.simulated)
    return session.scalar(rows.where(Step.ends_at > now).limit(1)) is not None
