"""Tests of seeding the neighbourhood into a real database and a real broker."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator

import pytest
from sqlalchemy import Engine, text

from config import settings
from server import database
from server.badges import service as badges
from server.demo import service as demo
from server.events import service as events
from server.events import signups
from server.events.model import Step
from server.fleet import service as fleet
from server.fleet.logins import LoginsError
from server.operations import ports
from server.operations.demo import neighbourhood, residents, seed
from server.venues import service as venues
from tests.conftest import Mqtt

NOW = dt.datetime(2026, 5, 8, 18, 0, tzinfo=dt.UTC)
TABLES = (
    "member, venue, zone, agent, placement, badge, identity, pairing, community, community_member, event, step, sign_up"
)


@pytest.fixture
def own_engine(fresh_database: str) -> Iterator[Engine]:
    engine = database.connect(fresh_database, pool=1)
    yield engine
    engine.dispose()


@pytest.fixture
def configured(mosquitto: Mqtt) -> settings.Settings:
    return settings.load(environment=mosquitto.environment("server"))


def count_rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in TABLES.split(", ")
        }


def of_the_evening(steps: Iterable[Step]) -> list[Step]:
    """Those of tonight, without the gatherings of the communities."""
    return [step for step in steps if step.event_id.startswith(tuple(one.kind for one in seed.EVENING))]


def test_a_visitor_can_be_you_a_shop_owner_a_guest_or_the_operator(
    own_engine: Engine, configured: settings.Settings
) -> None:
    names = seed.seed(own_engine, configured, NOW)
    others = [member.name for member in (residents.CAFE_OWNER, residents.GUEST, residents.OPERATOR)]
    assert names == ["Robin (that is you)", *others]


def test_the_evening_is_about_to_begin_and_open_already(own_engine: Engine, configured: settings.Settings) -> None:
    seed.seed(own_engine, configured, NOW)
    with database.transaction(own_engine) as session:
        steps = {step.venue_id: step for step in of_the_evening(events.steps_open_at(session, at=NOW))}
        assert steps.keys() == {venue.id for venue in neighbourhood.VENUES}
        stories = steps[neighbourhood.BOOKS.id]
        assert stories.starts_at == NOW + seed.STORIES.begins_after
        # "You" host them all, and so may watch all venues.
        assert {events.get(session, step.event_id).organizer_id for step in steps.values()} == {"you"}
        assert 36 <= signups.count_sign_ups(session, event_id=stories.event_id) <= 42
        assert all(signups.has_signed_up(session, event_id=step.event_id, member_id="you") for step in steps.values())


def test_every_pi_is_placed_and_every_badge_is_somebodys(own_engine: Engine, configured: settings.Settings) -> None:
    seed.seed(own_engine, configured, NOW)
    with database.transaction(own_engine) as session:
        placed = [p for venue in neighbourhood.VENUES for p in fleet.placed_at(session, venue_id=venue.id, at=NOW)]
        assert {p.agent_id: p.zone_id for p in placed} == {pi.id: pi.zone for pi in neighbourhood.PIS.values()}
        (pairing,) = badges.held_by(session, member_id="you", at=NOW)
        (identity,) = badges.identities_of(session, badge_id=pairing.badge_id)
        assert identity.identity == residents.identity_of(residents.YOU)
        areas = [venues.area_of(zone) for zone in venues.zones_of(session, venue_id=neighbourhood.CAFE.id)]
        assert all(area is not None and area["type"] == "Polygon" for area in areas)


def test_the_broker_lets_every_pi_in(own_engine: Engine, configured: settings.Settings, mosquitto: Mqtt) -> None:
    seed.seed(own_engine, configured, NOW)
    with mosquitto.administer() as logins:
        assert neighbourhood.PIS.keys() <= logins.list_agents()


def test_a_second_start_in_the_same_evening_changes_nothing(own_engine: Engine, configured: settings.Settings) -> None:
    first = seed.seed(own_engine, configured, NOW)
    before = count_rows(own_engine)
    assert seed.seed(own_engine, configured, NOW + dt.timedelta(hours=1)) == first
    assert count_rows(own_engine) == before


def test_who_came_to_live_here_since_the_last_start_is_made(own_engine: Engine, configured: settings.Settings) -> None:
    seed.seed(own_engine, configured, NOW)
    before = count_rows(own_engine)
    with own_engine.begin() as connection:
        connection.execute(text("DELETE FROM pairing WHERE member_id LIKE 'crowd-%'"))
        connection.execute(text("DELETE FROM identity WHERE badge_id NOT IN (SELECT badge_id FROM pairing)"))
        connection.execute(text("DELETE FROM badge WHERE id NOT IN (SELECT badge_id FROM pairing)"))
        connection.execute(text("DELETE FROM member WHERE id LIKE 'crowd-%'"))
    assert count_rows(own_engine)["badge"] == before["badge"] - 24
    seed.seed(own_engine, configured, NOW + dt.timedelta(hours=1))
    assert count_rows(own_engine) == before


def test_after_the_evening_the_next_start_makes_a_new_one_and_keeps_the_old(
    own_engine: Engine, configured: settings.Settings
) -> None:
    seed.seed(own_engine, configured, NOW)
    before = count_rows(own_engine)
    later = NOW + dt.timedelta(days=1)
    seed.seed(own_engine, configured, later)
    after = count_rows(own_engine)
    assert after["event"] == before["event"] + len(seed.EVENING)
    assert {table for table in after if after[table] != before[table]} == {"event", "step", "sign_up"}
    with database.transaction(own_engine) as session:
        assert len(of_the_evening(events.steps_open_at(session, at=later))) == 3
        assert len(of_the_evening(events.steps_open_at(session, at=NOW))) == 3


def test_without_a_broker_it_says_so_in_one_line_and_the_next_start_heals_it(
    own_engine: Engine, configured: settings.Settings
) -> None:
    away = dataclasses.replace(configured, broker=dataclasses.replace(configured.broker, port=ports.find_free()))
    with pytest.raises(LoginsError) as refused:
        seed.seed(own_engine, away, NOW)
    assert "\n" not in str(refused.value)
    assert seed.seed(own_engine, configured, NOW)


def test_the_browser_can_ask_for_the_neighbourhood_as_soon_as_the_world_runs(
    own_engine: Engine, configured: settings.Settings
) -> None:
    seed.seed(own_engine, configured, NOW)
    with database.transaction(own_engine) as session:
        demo.keep(session, {"agent/cafe-bar-pi": {"venue": neighbourhood.CAFE.id, "running": True}})
        world = demo.describe(session, member_id="you")
    assert tuple(world.bounds) == neighbourhood.bounds()
    assert world.streets["type"] == "FeatureCollection"


@pytest.mark.parametrize(
    ("named", "expected"),
    [("Asia/Shanghai", "Asia/Shanghai"), (":Europe/Berlin", "Europe/Berlin"), ("Moon/Far", "UTC")],
)
def test_the_neighbourhood_lives_in_the_visitors_time_zone(
    named: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", named)
    assert seed.local_time_zone() == expected
