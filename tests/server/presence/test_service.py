"""The picture of a venue, from real tables."""

import dataclasses

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from config import settings
from server import times
from server.consent.reading import Eyes
from server.errors import NotFound
from server.fleet.model import Placement
from server.presence import schema, service, visits
from server.presence.listening import AgentKind
from server.presence.service import VenuePicture
from server.presence.states import Kind, ZoneKind
from tests.server.presence import scene
from tests.server.presence.scene import NOW, at

PRESENCE = settings.load(environment={}).presence


def picture(session: Session) -> VenuePicture:
    return service.picture(session, venue_id="cafe", now=NOW, presence=PRESENCE)


def test_a_venue_nobody_knows_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        picture(session)


def test_an_empty_venue_has_zones_and_agents_that_never_spoke(session: Session) -> None:
    scene.venue(session, "cafe", zones=("bar", "hall"))
    seen = picture(session)
    assert seen.picture.badges == {}
    assert [zone.id for zone in seen.record.facts.zones] == ["cafe-bar", "cafe-hall"]
    assert {agent.kind for agent in seen.picture.agents.values()} == {AgentKind.GIVEN_UP}
    assert seen.picture.zones["cafe-bar"] == (ZoneKind.NOT_COVERED, None, 0, None)


def test_badges_stand_in_the_zone_of_their_last_stay_with_the_state_of_their_last_visit(session: Session) -> None:
    scene.venue(session, "cafe", zones=("bar", "hall"))
    scene.venue(session, "elsewhere")
    for agent in ("cafe-bar-pi", "cafe-hall-pi", "elsewhere-hall-pi"):
        scene.listens(session, agent, at(20_000), at(2))
    here, away, gone, before, there = (scene.badge(session) for _ in range(5))
    scene.visit(session, here, "cafe", "cafe-bar", at(9000), at(8000))
    scene.visit(session, here, "cafe", "cafe-bar", at(900), at(600))
    session.execute(
        text("UPDATE visit SET to_ms = :to, reach_ms = :to WHERE badge_id = :badge AND from_ms = :from"),
        {"to": at(3), "badge": here, "from": at(900)},
    )
    session.execute(
        text("INSERT INTO stay VALUES (:badge, 'cafe', :from, 'cafe-hall')"),
        {"badge": here, "from": at(600)},
    )
    scene.visit(session, away, "cafe", "cafe-bar", at(900), at(60))
    scene.visit(session, gone, "cafe", "cafe-bar", at(900), at(400))
    scene.visit(session, before, "cafe", "cafe-bar", at(9000), at(8000))
    scene.visit(session, there, "elsewhere", "elsewhere-hall", at(900), at(3))
    scene.changed(session, "venue/cafe")
    seen = picture(session)
    assert seen.record.rev == 1
    assert seen.picture.badges == {
        here: (Kind.PRESENT, at(900)),
        away: (Kind.AWAY, at(60)),
        gone: (Kind.LEFT, at(100)),
    }
    assert seen.record.heard[here].zone_id == "cafe-hall"
    assert seen.picture.zones == {
        "cafe-bar": (ZoneKind.COVERED, None, 1, None),
        "cafe-hall": (ZoneKind.COVERED, None, 1, None),
    }


def test_a_dead_pi_makes_its_zone_unknown_and_says_since_when(session: Session) -> None:
    scene.venue(session, "cafe", zones=("bar", "hall"))
    scene.listens(session, "cafe-bar-pi", at(20_000), at(2))
    scene.listens(session, "cafe-hall-pi", at(20_000), at(1000))
    badge = scene.badge(session)
    scene.visit(session, badge, "cafe", "cafe-hall", at(5000), at(1001))
    seen = picture(session)
    assert seen.picture.zones["cafe-hall"] == (ZoneKind.UNKNOWN, at(1000), 0, 1)
    assert seen.picture.badges[badge] == (Kind.UNKNOWN, at(1000))
    assert seen.picture.agents["cafe-hall-pi"] == ("cafe-hall", AgentKind.SILENT, at(1000))


def test_an_agent_that_died_days_ago_says_since_when(session: Session) -> None:
    scene.venue(session, "cafe")
    scene.listens(session, "cafe-hall-pi", at(900_000), at(500_000))
    assert picture(session).picture.agents["cafe-hall-pi"] == ("cafe-hall", AgentKind.GIVEN_UP, at(500_000))


def test_who_was_heard_last_before_a_night_is_no_part_of_the_picture(session: Session) -> None:
    scene.venue(session, "cafe")
    scene.listens(session, "cafe-hall-pi", at(90_000), at(50_000))
    badge = scene.badge(session)
    scene.visit(session, badge, "cafe", None, at(60_000), at(50_000))
    assert picture(session).picture.badges == {}


def test_an_agent_listens_for_a_venue_only_while_it_stands_there(session: Session) -> None:
    scene.venue(session, "cafe")
    scene.listens(session, "cafe-hall-pi", at(9000), at(2))
    moved = session.query(Placement).filter_by(agent_id="cafe-hall-pi").one()
    moved.valid = Range(None, times.from_ms(at(600)))
    session.flush()
    badge = scene.badge(session)
    scene.visit(session, badge, "cafe", None, at(900), at(601))
    seen = picture(session)
    assert seen.picture.agents == {}
    assert seen.picture.badges[badge] == (Kind.UNKNOWN, at(600))


def test_a_replayed_venue_has_the_now_of_its_newest_window(session: Session) -> None:
    scene.venue(session, "cafe", replayed=True)
    long_ago = at(10 * 365 * 86_400)
    scene.listens(session, "cafe-hall-pi", long_ago - 900_000, long_ago)
    badge = scene.badge(session)
    scene.visit(session, badge, "cafe", "cafe-hall", long_ago - 900_000, long_ago - 45_000)
    seen = picture(session)
    assert seen.picture.now_ms == long_ago
    assert seen.picture.badges[badge] == (Kind.AWAY, long_ago - 45_000)
    assert schema.venue_topic(seen, Eyes())["venue"]["now"] == schema.rfc3339_ms(long_ago)


def test_a_picture_takes_a_handful_of_statements_however_much_there_is(session: Session, engine: Engine) -> None:
    scene.venue(session, "cafe", zones=("bar", "hall", "roof"))
    for number in range(20):
        scene.member(session, f"guest-{number}")
        scene.visit(session, scene.badge(session, held_by=f"guest-{number}"), "cafe", "cafe-hall", at(900), at(3))
    statements: list[str] = []

    def count(*given: object) -> None:
        statements.append(str(given[2]))

    event.listen(engine, "before_cursor_execute", count)
    picture(session)
    event.remove(engine, "before_cursor_execute", count)
    assert len(statements) <= 13


def test_visits_say_whether_their_end_was_observed(session: Session) -> None:
    scene.venue(session, "cafe", zones=("bar",))
    scene.listens(session, "cafe-bar-pi", at(9000), at(5000))
    scene.listens(session, "cafe-bar-pi", at(4000), at(2))
    ids = [scene.badge(session) for _ in range(4)]
    scene.visit(session, ids[0], "cafe", "cafe-bar", at(900), at(3))
    scene.visit(session, ids[1], "cafe", "cafe-bar", at(900), at(600))
    scene.visit(session, ids[2], "cafe", "cafe-bar", at(6000), at(5100))
    scene.visit(session, ids[3], "cafe", "cafe-bar", at(8000), at(7600))
    found = visits.visits_since(
        session, venue_id="cafe", since=times.from_ms(at(7000)), now=NOW, presence=PRESENCE, eyes=Eyes()
    )
    assert [(visit.badge_id, visit.kind, visit.observed) for visit in found] == [
        (ids[0], Kind.PRESENT, None),
        (ids[1], Kind.LEFT, True),
        (ids[2], Kind.LEFT, False),  # nobody listened soon after: it may have left later
    ]
    scene.listens(session, "cafe-bar-pi", at(4990), at(4980))
    session.execute(text("DELETE FROM coverage WHERE from_ms = :from"), {"from": at(4000)})
    found = visits.visits_since(
        session, venue_id="cafe", since=times.from_ms(at(5500)), now=NOW, presence=PRESENCE, eyes=Eyes()
    )
    assert found[-1].kind is Kind.UNKNOWN
    assert found[-1].observed is False


def test_the_topic_is_what_the_stream_promises(session: Session) -> None:
    scene.member(session, "olga")
    scene.venue(session, "cafe", owner_id="olga", simulated=True)
    scene.listens(session, "cafe-hall-pi", at(9000), at(2))
    badge = scene.badge(session)
    scene.visit(session, badge, "cafe", "cafe-hall", at(900), at(3))
    topic = schema.venue_topic(picture(session), Eyes())
    assert topic["badges"] == [
        {
            "id": badge,
            "zone": "cafe-hall",
            "state": "present",
            "since": "2025-11-22T18:45:00.000Z",
            "last_heard": "2025-11-22T18:59:57.000Z",
            "state_since": "2025-11-22T18:45:00.000Z",
        }
    ]
    assert topic["zones"][0]["count"] == 1
    assert topic["agents"][0]["state"] == "listening"
    assert topic["venue"]["simulated"] is True


def test_a_picture_drawn_later_from_memory_moves_on_with_time_alone(session: Session) -> None:
    scene.venue(session, "cafe")
    scene.listens(session, "cafe-hall-pi", at(9000), at(0))
    badge = scene.badge(session)
    scene.visit(session, badge, "cafe", "cafe-hall", at(900), at(3))
    record = service.load(session, venue_id="cafe", now=NOW, presence=PRESENCE)
    assert service.draw(record, at(0)).picture.badges[badge].kind is Kind.PRESENT
    assert service.draw(record, at(-11)).picture.badges[badge].kind is Kind.UNKNOWN
    far = dataclasses.replace(record)
    assert service.draw(far, at(-13 * 3600)).picture.badges == {}
