"""What people earned and said comes along: stamp cards, what was redeemed, reviews; of who agreed alone."""

import datetime as dt

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from config.settings import Settings
from server import database
from server.communities.model import Community
from server.events import service as events
from server.events.model import Step
from server.people import service as people
from server.reviews import service as reviews
from server.reviews import things
from server.reviews.model import Review
from server.stamps import cards
from server.stamps import service as stamps
from server.stamps.model import StampCard, StampCardTaken, StampRedemption
from server.stamps.rules import State
from server.venues import service as venues
from tests.server.moving import world
from tests.server.places import HOUR, NOW

DAY = dt.timedelta(days=1)


@pytest.fixture
def left(there: Engine, origin: Settings) -> bytes:
    with database.transaction(there) as session:
        world.make(session)
    return world.leave(there, origin)


def here_called(session: Session, name: str) -> str:
    """The id that somebody got here."""
    found = people.by_address(session, f"{name}@example.org")
    assert found is not None
    return found.id


def test_only_what_belongs_to_who_comes_along_is_in_the_file(left: bytes) -> None:
    rows = world.rows_of(left)
    refs = {row["name"]: row["ref"] for row in rows["people.jsonl"]}
    assert [(row["event"], row["needs"], row["reward"]) for row in rows["cards.jsonl"]] == [
        ("walk", None, "A cup of tea")
    ]
    assert [(row["person"], row["stamps"], row["by"]) for row in rows["redeemed.jsonl"]] == [
        (refs["Ann Example"], ["walk-1", "walk-2"], None)
    ]
    assert [(row["person"], row["words"], row["answered_by"]) for row in rows["reviews.jsonl"]] == [
        (refs["Bob Example"], "Slow and good.", refs["Ann Example"])
    ]


def test_a_stamp_is_not_good_twice_and_a_review_stands_marked(here: Engine, left: bytes) -> None:
    with database.transaction(here) as session:
        world.arrive(session, left)
        ann, bob = here_called(session, "ann"), here_called(session, "bob")
        (held,) = stamps.of_member(session, member_id=ann, now=NOW)
        assert (held.card.reward, held.card.made_by, held.standing.state) == ("A cup of tea", ann, State.REDEEMED)
        (other,) = stamps.of_member(session, member_id=bob, now=NOW)
        assert ([stamp.key for stamp in other.standing.stamps], other.standing.state) == (["walk-1"], State.COLLECTING)
        thing = things.event(session, "walk", people.get(session, bob))
        (seen,) = reviews.list_of(session, thing, viewer=people.get(session, bob), now=NOW)
        assert (seen.review.stars, seen.review.words, seen.own) == (5, "Slow and good.", True)
        assert (seen.review.answer, seen.review.answered_by) == ("Come again!", ann)
        assert seen.mark.there


def test_stamps_of_a_gathering_whose_id_was_taken_are_known_again(here: Engine, left: bytes) -> None:
    with database.transaction(here) as session:
        people.create(session, id="own", name="Own")
        session.add(Community(id="others", name="Others"))
        session.flush()
        _take_the_id(session)
        world.arrive(session, left)
        redeemed = session.scalars(select(StampRedemption)).one()
        card = session.get_one(StampCard, redeemed.card_id)
        assert card.event_id != "walk"
        assert set(redeemed.stamps) == set(session.scalars(select(Step.id).where(Step.event_id == card.event_id)))
        (held,) = stamps.of_member(session, member_id=here_called(session, "ann"), now=NOW)
        assert held.standing.state is State.REDEEMED


def test_a_newer_file_says_again_what_was_changed_there_alone(
    there: Engine, here: Engine, origin: Settings, left: bytes
) -> None:
    with database.transaction(here) as session:
        world.arrive(session, left)
    with database.transaction(there) as session:
        bobs = session.scalars(select(Review).where(Review.member_id == "bob")).one()
        bobs.words, bobs.stars, bobs.edited_at = "Slow, and good.", 4, NOW + HOUR / 60
        session.add(Review(event_id="walk", member_id="ann", stars=3, words="Rain.", at=NOW))
        session.scalars(select(StampCard)).one().ended_at = NOW
    newer = world.leave(there, origin, NOW + HOUR / 4)
    with database.transaction(here) as session:
        world.arrive(session, newer)
        said = session.scalars(select(Review).order_by(Review.id)).all()
        assert [(one.stars, one.words, one.answer) for one in said] == [
            (4, "Slow, and good.", "Come again!"),
            (3, "Rain.", ""),
        ]
        assert session.scalars(select(StampCard)).one().ended_at == NOW
        assert len(session.scalars(select(StampRedemption)).all()) == 1
        # Said otherwise here, and taken back here: the file of there changes neither.
        said[0].words, said[0].edited_at = "Here I say so.", NOW + HOUR
        session.delete(said[1])
    newest = world.leave(there, origin, NOW + HOUR / 2)
    with database.transaction(here) as session:
        world.arrive(session, newest)
        assert session.scalars(select(Review.words)).all() == ["Here I say so."]


def test_a_house_takes_its_card_and_who_has_one_along(there: Engine, here: Engine, origin: Settings) -> None:
    with database.transaction(there) as session:
        world.make(session)
        house = session.get_one(Community, "walkers")
        house.shape, house.source_member_id = "house", "ann"
        session.flush()
        card = cards.make(
            session, of=cards.Of("community", "walkers"), reward="A book", needs=2, renews=True, by="ann", now=NOW - DAY
        )
        for who in ("bob", "dan"):
            stamps.take(session, card_id=card.id, member_id=who, remember=False, now=NOW)
    data = world.leave(there, origin)
    assert len(world.rows_of(data)["holders.jsonl"]) == 1
    with database.transaction(here) as session:
        world.arrive(session, data)
        bob = here_called(session, "bob")
        card = session.scalars(select(StampCard).where(StampCard.community_id == "walkers")).one()
        assert (card.needs, card.renews, card.ended_at) == (2, True, None)
        assert session.scalars(select(StampCardTaken.member_id)).all() == [bob]
        stamps.lay_down(session, card_id=card.id, member_id=bob)
        # A second card is made there after the first ended, and here as well.
        cards.end(session, card.id, now=NOW)
        cards.make(session, of=cards.Of("community", "walkers"), reward="Here", needs=3, by=bob, now=NOW)
    with database.transaction(there) as session:
        first = session.scalars(select(StampCard).where(StampCard.community_id == "walkers")).one()
        cards.end(session, first.id, now=NOW)
        cards.make(session, of=cards.Of("community", "walkers"), reward="There", needs=3, by="ann", now=NOW)
    newer = world.leave(there, origin, NOW + HOUR / 4)
    with database.transaction(here) as session:
        world.arrive(session, newer)
        standing = select(StampCard.reward).where(StampCard.community_id == "walkers", StampCard.ended_at.is_(None))
        assert session.scalars(standing).all() == ["Here"]
        assert session.scalars(select(StampCardTaken)).all() == []


def _take_the_id(session: Session) -> None:
    venues.create(session, id="hall", name="Hall", time_zone="UTC", owner_id="own", contact="x")
    steps = [events.NewStep(name, "hall", NOW + DAY, NOW + DAY + HOUR) for name in ("One", "Two")]
    events.create(session, id="walk", name="Another", organizer_id="own", steps=steps)
