"""Puts what the demonstration remembers into the database: once what was, and the dinner whenever it is long ago."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Settings
from server.checkins import days
from server.checkins import service as checkins
from server.checkins.model import CheckIn
from server.communities.model import Community
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.events.model import Event, Step
from server.face_to_face.model import Founding
from server.governance.model import Vote
from server.met import judging
from server.met import service as met
from server.mornings import service as mornings
from server.operations.demo import memories, past, tales
from server.operations.demo.past import DAY
from server.pulse import service as pulse
from server.pulse.model import PulseAnswer
from server.reviews.model import Review
from server.stamps import cards
from server.stamps.model import StampCardTaken, StampRedemption

ASKED_FOR = 5 * DAY  # so long after a dinner people are still asked about it, with a day to spare


def remember(session: Session, settings: Settings, now: dt.datetime, time_zone: str) -> None:
    """What was, told once: after the communities and what they did of late."""
    session.add(Founding(community_id=memories.SOUP.id, founded_at=now - 20 * DAY, kept_at=now - 12 * DAY))
    _make_reading_hours(session, settings, now, time_zone)
    for who in memories.BY_NAME:
        for community_id in (tales.HOUSE, tales.READERS):
            consent.say(
                session,
                member_id=who,
                kind=Kind.COMMUNITY,
                of_id=community_id,
                level=Level.NAME,
                until=now + memories.SEEN_FOR,
                source="page",
                now=now,
            )
    for who in memories.WILLING:
        met.switch(session, member_id=who, willing=True, now=now)
    for one in tales.PASTS:
        judging.judge(session, event_id=one.id)
    _make_reviews(session, now)
    _make_cafe_card(session, now, time_zone)
    _fail_a_vote(session, now)


def dine(session: Session, settings: Settings, now: dt.datetime, time_zone: str) -> None:
    """The dinner and its morning after, unless people are still asked about the last one."""
    of = memories.DINNER
    if session.get(Community, memories.SOUP.id) is None:
        return  # a world that was made before there was this circle
    told = select(Step.id).join(Event, Event.id == Step.event_id).where(Event.id.startswith(of.prefix), Event.simulated)
    if session.scalar(told.where(Step.ends_at > now - ASKED_FOR).limit(1)) is not None:
        return
    starts_at = past.at(now - of.days_ago * DAY, of.hour, time_zone)
    event_id = f"{of.prefix}-{starts_at:%Y%m%d}"
    past.make(session, settings, memories.DINED, starts_at, event_id)
    judging.judge(session, event_id=event_id)
    morning = mornings.begins_at(session, event_id)
    mornings.deal(session, event_id=event_id, now=morning)
    for number, (who, answer, line) in enumerate(of.said, 1):
        at = morning + number * dt.timedelta(minutes=9)
        mornings.answer(session, event_id=event_id, member_id=who, answer=_known(answer), line=line, now=at)


def complete(session: Session, event_id: str, organizer: str, now: dt.datetime) -> None:
    """What the rally has besides: a stamp card, and a question to who is in."""
    event = session.get_one(Event, event_id)
    opens_at = session.scalars(select(Step.opens_at).where(Step.event_id == event_id).limit(1)).one()
    cards.make(
        session, of=cards.Of("event", event.id), reward=memories.RALLY_REWARD, needs=None, by=organizer, now=opens_at
    )
    asked = pulse.ask(
        session,
        event_id=event_id,
        question=memories.QUESTION,
        choices=memories.CHOICES,
        by=organizer,
        nonce="the demonstration asks",
        now=now,
    )
    rows = [
        {"pulse_id": asked.id, "member_id": who, "choice": choice, "at": now}
        for who, choice in memories.ANSWERS.items()
    ]
    session.execute(insert(PulseAnswer).values(rows))


def _known(answer: str) -> mornings.Answer:
    return next(one for one in mornings.ANSWERS if one == answer)


def _make_reading_hours(session: Session, settings: Settings, now: dt.datetime, time_zone: str) -> None:
    of = memories.READING_HOUR
    # The last Saturday that is over.
    last = past.at(now - ((now.weekday() - 5) % 7 or 7) * DAY, of.hour, time_zone)
    for week in range(of.weeks, 0, -1):
        starts_at = past.at(last - (week - 1) * 7 * DAY, of.hour, time_zone)
        came = tuple(
            who
            for who, (every, first, until) in memories.RHYTHMS.items()
            if until <= week <= first and (first - week) % every == 0
        )
        evening = tales.Past(
            of.prefix, of.name, of.about, tales.HOUSE, of.organizer, memories.BOOKS, 7 * week, of.hour, "other",
            {"beacon": came},
        )  # fmt: skip
        past.make(session, settings, evening, starts_at, f"{of.prefix}-{starts_at:%Y%m%d}")


def _make_reviews(session: Session, now: dt.datetime) -> None:
    for number, one in enumerate(memories.SAID):
        at = now - one.days_ago * DAY + number * DAY / 24
        session.add(
            Review(
                event_id=one.of_event,
                venue_id=one.of_venue,
                member_id=one.by,
                stars=one.stars,
                words=one.words,
                at=at,
                answer=one.answer,
                answered_at=at + DAY / 2 if one.answer else None,
                answered_by=memories.READING_HOUR.organizer if one.answer else None,
            )
        )
    session.flush()


def _make_cafe_card(session: Session, now: dt.datetime, time_zone: str) -> None:
    of = memories.CAFE_CARD
    card = cards.make(
        session,
        of=cards.Of("venue", memories.CAFE),
        reward=of.reward,
        needs=of.needs,
        renews=True,
        by="amina",
        now=now - 60 * DAY,
    )
    for who, days_ago in of.days_ago.items():
        session.execute(insert(StampCardTaken).values(card_id=card.id, member_id=who, at=now - 50 * DAY))
        checkins.remember(session, member_id=who, venue_id=memories.CAFE, now=now - 50 * DAY)
        came = [past.at(now - ago * DAY, 9, time_zone) for ago in days_ago]
        session.execute(
            insert(CheckIn).values(
                [
                    {
                        "venue_id": memories.CAFE,
                        "day": days.day_of(at, time_zone),
                        "member_id": who,
                        "at": at,
                        "recorded_at": at,
                        "evidence": "beacon",
                        "signed_up": False,
                    }
                    for at in came
                ]
            )
        )
        if who == memories.REDEEMED_BY:
            keys = [f"{days.day_of(at, time_zone)}" for at in came[: of.needs]]
            redeemed = StampRedemption(
                card_id=card.id, member_id=who, stamps=keys, by="amina", at=came[of.needs - 1] + DAY / 24
            )
            session.add(redeemed)
    session.flush()


def _fail_a_vote(session: Session, now: dt.datetime) -> None:
    """One that nothing came of: two of nine said something, three would have had to."""
    ended_at = now - (memories.FAILED_DAYS_AGO - 3) * DAY
    vote = Vote(
        community_id=tales.WALKERS,
        kind="dissolve",
        reason=memories.FAILED_REASON,
        opened_by="nadia",
        opened_at=ended_at - 3 * DAY,
        ends_at=ended_at,
        voters=9,
        quorum=3,
        yes=2,
        no=0,
        decided_at=ended_at,
        outcome="too_few",
    )
    session.add(vote)
    session.flush()
