"""What the demonstration tells of its communities is there, once, and what has come to its end is told anew."""

import datetime as dt
import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select

from config import settings
from server import database
from server.checkins.model import CheckIn
from server.communities.model import Community
from server.events.model import Event, Step
from server.fans import service as fans
from server.governance import votes
from server.governance.model import Vote
from server.inbox.model import Notification
from server.met import reading as met
from server.mornings import service as mornings
from server.operations import postgres as private_postgres
from server.operations.demo import drawings, memories, seed, tales
from server.pages import tour
from server.people import service as people
from server.posts import floating
from server.posts.places import Where
from server.presence.model import Visit
from server.proposals import service as proposals
from server.proposals.model import Proposal
from server.recaps import reading
from server.reviews import service as reviews
from server.reviews import things
from server.reviews.model import Review
from server.stamps import service as stamps
from server.texts import IN_ENGLISH
from server.turnout import service as turnout
from tests.conftest import TEMPLATE, Mqtt

NOW = dt.datetime(2026, 5, 8, 18, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def told(postgres: private_postgres.Cluster, worker: str, mosquitto: Mqtt) -> Iterator[str]:
    """The name of a database in which all was told once."""
    name = f"muster_{worker}_told"
    postgres.create_database(name, template=TEMPLATE)
    engine = database.connect(postgres.conninfo(name), pool=1)
    seed.seed(engine, settings.load(environment=mosquitto.environment("server")), NOW)
    engine.dispose()
    yield name
    postgres.drop_database(name)


@pytest.fixture
def seeded(postgres: private_postgres.Cluster, told: str) -> Iterator[Engine]:
    """A copy of it, of this test's own."""
    name = f"{told}_{secrets.token_hex(4)}"
    postgres.create_database(name, template=told)
    engine = database.connect(postgres.conninfo(name), pool=1)
    yield engine
    engine.dispose()
    postgres.drop_database(name)


def test_every_stop_of_the_tour_is_there(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        assert [stop["role"] for stop in tour.stops(session, NOW, IN_ENGLISH)] == list(tour.STOPS)


def test_the_house_has_its_circles_and_a_proposal_needs_two_more(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        house = session.get_one(Community, tales.HOUSE)
        assert (house.shape, house.source_venue_id) == ("house", "left-bank-books")
        under = session.scalars(select(Community.id).where(Community.parent_id == house.id).order_by(Community.id))
        assert list(under) == [tales.READERS, tales.WALKERS]
        proposal = session.scalars(select(Proposal).where(Proposal.community_id == tales.WALKERS)).one()
        case = proposals.case_of(session, proposal)
        assert max(len(option.can) for option in case.options) == proposal.quorum - 2


def test_what_people_came_for_floats_and_the_advert_sinks(seeded: Engine) -> None:
    rules = settings.load(environment={}).posts
    with database.transaction(seeded) as session:
        you = people.get(session, "you")
        picture = floating.look(session, Where(tales.READERS, None), you, rules=rules, now=NOW)
        ranked = [seen.topic.title for seen in floating.topics(session, picture)]
    assert ranked[0] == "What shall we read aloud next?"
    assert ranked[-1] == "Lamps at half price"


def test_a_vote_runs_and_you_may_vote(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        vote = session.scalars(select(Vote).where(Vote.decided_at.is_(None))).one()
        seen = votes.seen_by(session, vote, "you")
        assert (seen.may_vote, seen.cast) == (True, 3)


def test_badges_collect_at_six_doors(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        rally = session.scalars(select(Event).where(Event.needs.is_not(None))).one()
        comings = turnout.came(session, event_ids=[rally.id])
        by_person: dict[str | None, int] = {}
        for coming in comings:
            by_person[coming.member_id] = by_person.get(coming.member_id, 0) + 1
        assert len({coming.step_id for coming in comings}) == 6
        assert max(by_person.values()) >= tales.RALLY.needs > min(by_person.values())


def test_a_second_start_tells_nothing_twice_and_a_late_one_goes_on(seeded: Engine, mosquitto: Mqtt) -> None:
    configured = settings.load(environment=mosquitto.environment("server"))
    before = _counts(seeded)
    seed.seed(seeded, configured, NOW + dt.timedelta(minutes=5))
    assert _counts(seeded) == before
    seed.seed(seeded, configured, NOW + 40 * DAY)
    with database.transaction(seeded) as session:
        roles = {stop["role"] for stop in tour.stops(session, NOW + 40 * DAY, IN_ENGLISH)}
    assert {"house", "rally", "pulse", "proposal", "trip", "series", "morning", "met", "fans"} <= roles


@pytest.mark.parametrize("name", ["shelf", "lamp", "hills", "doors", "sea", "cup", "soup"])
def test_a_picture_is_the_same_each_time(name: str) -> None:
    assert drawings.draw(name) == drawings.draw(name)


def test_each_stop_is_shown_as_somebody_who_may_see_it(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        by = {stop["role"]: (stop.get("member"), stop["next"]) for stop in tour.stops(session, NOW, IN_ENGLISH)}
    assert by["report"] == ("jonas", f"/events/{tales.LETTERS.id}/report")
    assert by["fans"] == ("jonas", f"/communities/{tales.HOUSE}/fans")
    assert by["stamps"] == ("xiaowen", "/me/stamps")
    assert by["rally"][0] == by["pulse"][0] == "xiaowen"
    assert by["morning"][0] == by["met"][0] == "you"
    assert by["reviews"] == (None, "/venues/left-bank-books/reviews")


def test_the_report_says_how_long_and_where(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        recap = reading.read(
            session, event_id=tales.LETTERS.id, now=NOW, presence=settings.load(environment={}).presence
        )
    assert recap.came.value == 22
    assert recap.silences == ()
    assert recap.dwell.half is not None
    assert 60 < recap.dwell.half.value < 120
    assert max(room.room.people.value for room in recap.rooms if room.room.people is not None) >= 15


def test_your_yes_makes_the_dinner_happen_again(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        event_id = session.scalars(select(Event.id).where(Event.id.startswith(memories.DINNER.prefix))).one()
        card = mornings.card_of(session, event_id=event_id, member_id="you")
        assert card is not None
        assert card.answer is None
        proposal_id = mornings.proposed(session, event_id=event_id)
        assert proposal_id is not None
        assert proposals.look(session, proposal_id=proposal_id, now=NOW).state == "open"
        mornings.answer(session, event_id=event_id, member_id="you", answer="yes", now=NOW)
        settled = proposals.look(session, proposal_id=proposal_id, now=NOW)
        assert settled.state == "settled"
        again = session.get_one(Event, settled.event_id)
        assert (again.name, again.simulated) == (memories.DINNER.name, True)


def test_the_house_knows_its_fans_by_name_or_as_numbers(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        house = session.get_one(Community, tales.HOUSE)
        found = fans.of_house(session, house, span="quarter", time_zone="UTC", now=NOW)
        assert {fan.member_id for fan in found.named} >= {"anais", "ben", "oskar", "chiara"}
        assert [fan.member_id for fan in found.named if fan.drifting] == ["oskar"]
        assert found.people.least >= 15
        assert found.drifting.least >= 5


def test_two_who_met_learn_it_of_each_other(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        hers = {one.member_id for one in met.meetings(session, member_id="you", now=NOW)}
        assert {"xiaowen", "ben", "anais"} <= hers <= set(memories.WILLING)
        assert "you" in {one.member_id for one in met.meetings(session, member_id="xiaowen", now=NOW)}


def test_reviews_are_marked_by_who_was_there(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        thing = things.venue(session, memories.BOOKS)
        listed = reviews.list_of(session, thing, viewer=people.get(session, "you"), now=NOW)
        assert [one.review.member_id for one in listed if not one.mark.there] == ["luca"]
        assert reviews.rating(session, thing, now=NOW).mean is not None
        assert any(
            one.name
            for one in reviews.list_of(
                session,
                things.event(session, tales.LETTERS.id, people.get(session, "you")),
                viewer=people.get(session, "you"),
                now=NOW,
            )
        )


def test_cards_stamp_themselves(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        held = {one.card.reward: one for one in stamps.of_member(session, member_id="xiaowen", now=NOW)}
        cafe, rally = held[memories.CAFE_CARD.reward], held[memories.RALLY_REWARD]
        assert (len(cafe.standing.stamps), cafe.standing.needs) == (5, 6)
        assert (len(rally.standing.stamps), rally.standing.needs) == (3, 4)
        bens = next(one for one in stamps.of_member(session, member_id="ben", now=NOW) if one.card.id == cafe.card.id)
        assert (bens.standing.redeemed, len(bens.standing.stamps)) == (1, 3)


def test_a_vote_failed_its_quorum(seeded: Engine) -> None:
    with database.transaction(seeded) as session:
        vote = session.scalars(select(Vote).where(Vote.decided_at.is_not(None))).one()
        assert vote.outcome == "too_few"
        assert (vote.yes or 0) + (vote.no or 0) < vote.quorum


def _counts(engine: Engine) -> list[int]:
    tables = (Event, Step, Vote, Proposal, CheckIn, Visit, Review, Notification)
    with database.transaction(engine) as session:
        return [session.scalars(select(func.count()).select_from(one)).one() for one in tables]
