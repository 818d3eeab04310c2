"""How lively venues are: what is counted, when nothing is known, what is usual."""

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from config import settings as config
from server import database, times
from server.badges import service as badges
from server.badges.model import Identity
from server.consent import reading
from server.consent import service as consent
from server.consent.model import Consent
from server.consent.rules import Kind, Level
from server.fans.model import FanRounding
from server.jobs.service import Work
from server.nearby import liveliness, tasks, usual
from server.nearby.model import VenueMoment, VenueUsual
from server.nearby.moments import Moment, Mood
from server.venues.model import Venue
from tests.server import places
from tests.server.conftest import As
from tests.server.plans import read_whole
from tests.server.presence import scene
from tests.server.presence.scene import NOW, NOW_MS, at

SETTINGS = config.load(environment={})
MINUTE = dt.timedelta(minutes=1)
WEEK = dt.timedelta(weeks=1)
HOUR_OF_WEEK = 5 * 24 + 20  # 2025-11-22, a Saturday, 20:00 in Berlin


def come(session: Session, number: int, venue_id: str = "cafe", *, since_s: float = 1800, until_s: float = 60) -> None:
    """So many members are at a venue until a minute ago, by a badge each; they are called after the venue."""
    already = session.execute(text("SELECT count(*) FROM member WHERE id LIKE :ids"), {"ids": f"{venue_id}-%"}).scalar()
    for each in range(already or 0, (already or 0) + number):
        scene.member(session, f"{venue_id}-{each}")
        badge_id = scene.badge(session, held_by=f"{venue_id}-{each}")
        scene.visit(session, badge_id, venue_id, None, at(since_s), at(until_s))


def look(session: Session, now: dt.datetime = NOW, venue_id: str = "cafe") -> Moment | None:
    """What is told of a venue after a run at that time."""
    liveliness.write(session, now=now, presence=SETTINGS.presence)
    session.expire_all()
    return liveliness.of_venue(session, venue_id, now=now)


def asked() -> dict[str, Any]:
    """What the statement that counts takes."""
    return {
        "now": NOW, "now_ms": NOW_MS, "since_ms": NOW_MS - 900_000, "fresh": NOW - 15 * MINUTE,
        "listened_ms": 600_000, "given_up_ms": 3_600_000, "learn_ms": 300_000, "parts": 3, "part_ms": 300_000,
    }  # fmt: skip


def counted(session: Session, venue_id: str = "cafe") -> int | None:
    """How many people are counted, before anything is rounded; None where nothing is known."""
    found = {row.venue_id: row.people for row in session.execute(liveliness._COUNT, asked())}
    return found.get(venue_id)


@pytest.fixture
def cafe(session: Session) -> Session:
    """A cafe in Berlin that is listened to since yesterday."""
    scene.venue(session, "cafe")
    scene.listens(session, "cafe-hall-pi", at(86_400), at(5))
    return session


def test_few_are_quiet_without_a_number_and_many_a_rounded_one(cafe: Session) -> None:
    assert look(cafe) == Moment(Mood.QUIET, None), "an empty place that is listened to"
    come(cafe, 9)
    assert look(cafe, NOW + dt.timedelta(seconds=1)) == Moment(Mood.QUIET, None)
    come(cafe, 17)
    told = look(cafe, NOW + dt.timedelta(seconds=2))
    assert counted(cafe) == 26
    assert told is not None
    assert told.people in (15, 20, 25)
    assert told.mood is Mood.LIVELY, "nothing is known of this hour"


def test_offsets_are_another_at_each_venue_and_in_each_hour(cafe: Session) -> None:
    scene.venue(cafe, "bar")
    scene.listens(cafe, "bar-hall-pi", at(86_400), at(5))
    cafe.add(FanRounding(id=1, secret=b"of this test"))
    come(cafe, 24)
    come(cafe, 24, "bar")
    told = set()
    for hour in range(12):
        cafe.execute(text("UPDATE coverage SET to_ms = to_ms + 3600000"))
        cafe.execute(text("UPDATE visit SET to_ms = to_ms + 3600000, reach_ms = reach_ms + 3600000"))
        cafe.execute(text("DELETE FROM venue_moment"))
        now = NOW + (hour + 1) * dt.timedelta(hours=1)
        told.add((look(cafe, now), liveliness.of_venue(cafe, "bar", now=now)))
    assert len({one for one, _ in told}) > 1
    assert any(one != other for one, other in told)


def test_people_are_counted_once_and_passers_by_and_the_past_are_not(cafe: Session) -> None:
    come(cafe, 3)
    second = scene.badge(cafe, held_by="cafe-0")
    scene.visit(cafe, second, "cafe", None, at(700), at(30))
    assert counted(cafe) == 3, "two badges of one person"
    scene.member(cafe, "passes")
    scene.visit(cafe, scene.badge(cafe, held_by="passes"), "cafe", None, at(200), at(120))
    come(cafe, 1, since_s=7200, until_s=901)
    assert counted(cafe) == 3
    come(cafe, 1, since_s=7200, until_s=899)
    assert counted(cafe) == 4


def test_badges_of_nobody_count_if_they_are_registered_and_beacons_never(cafe: Session) -> None:
    nobodys = badges.register(cafe, identity=b"u" * 20, label="", since=NOW - WEEK)
    erased = scene.badge(cafe)
    for badge_id in (nobodys, erased):
        scene.visit(cafe, badge_id, "cafe", None, at(700), at(30))
    (placement_id,) = cafe.execute(text("SELECT id FROM placement")).scalars()
    scene.beacon(cafe, "cafe-hall-pi", placement_id, at(80_000), at(10))
    assert counted(cafe) == 1


def say(session: Session, member_id: str, level: Level, of_id: str | None, until: dt.datetime | None = None) -> None:
    consent.say(
        session, member_id=member_id, kind=Kind.VENUE, of_id=of_id, level=level, until=until, source="page",
        now=NOW - MINUTE,
    )  # fmt: skip


def test_who_is_hidden_or_paused_is_in_no_number(cafe: Session) -> None:
    scene.venue(cafe, "bar")
    come(cafe, 6)
    say(cafe, "cafe-0", Level.HIDDEN, "cafe")
    say(cafe, "cafe-1", Level.HIDDEN, None)
    say(cafe, "cafe-2", Level.HIDDEN, "bar")
    say(cafe, "cafe-3", Level.HIDDEN, None)
    say(cafe, "cafe-3", Level.COUNTED, "cafe")
    consent.pause(cafe, member_id="cafe-4", now=NOW - MINUTE)
    assert counted(cafe) == 3
    consent.resume(cafe, member_id="cafe-4", now=NOW)
    consent.take_back(cafe, member_id="cafe-0", kind=Kind.VENUE, of_id="cafe", now=NOW)
    assert counted(cafe) == 5


def test_a_badge_that_a_hidden_member_handed_back_does_not_count_her(cafe: Session) -> None:
    scene.member(cafe, "hidden")
    badge_id = badges.register(cafe, identity=b"u" * 20, label="", since=NOW - WEEK)
    cafe.execute(
        text("INSERT INTO pairing (badge_id, member_id, valid) VALUES (:badge, 'hidden', tstzrange(NULL, :until))"),
        {"badge": badge_id, "until": NOW - 5 * MINUTE},
    )
    scene.visit(cafe, badge_id, "cafe", None, at(1800), at(60))
    assert counted(cafe) == 1
    say(cafe, "hidden", Level.HIDDEN, None)
    assert counted(cafe) == 0


def test_the_statement_hides_whom_the_rules_hide(cafe: Session) -> None:
    """Every combination of what can be said of this venue, of all, with an end or without, and a pause."""
    said: list[tuple[Level, dt.datetime | None] | None] = [None]
    ends = (None, NOW - MINUTE, NOW, NOW + MINUTE)
    said += [(level, until) for level in Level for until in ends if level is not Level.NAME or until]
    cases = list(itertools.product(said, said, (False, True)))
    come(cafe, len(cases))
    for number, (here, everywhere, paused) in enumerate(cases):
        for of_id, what in (("cafe", here), (None, everywhere)):
            if what is not None:
                cafe.add(
                    Consent(
                        member_id=f"cafe-{number}", kind="venue", of_id=of_id, level=what[0].word, until=what[1],
                        since=NOW - WEEK, source="page",
                    )
                )  # fmt: skip
        if paused:
            consent.pause(cafe, member_id=f"cafe-{number}", now=NOW - MINUTE)
    cafe.flush()
    hidden = set(reading.hidden_at(cafe, "cafe", NOW_MS))
    assert 0 < len(hidden) < len(cases)
    assert counted(cafe) == len(cases) - len(hidden)


@pytest.mark.parametrize(("from_s", "until_s", "known"), [(900, 290, True), (600, 10, False), (5000, 310, False)])
def test_nothing_is_known_unless_two_thirds_of_the_quarter_were_listened_to(
    session: Session, from_s: float, until_s: float, known: bool
) -> None:
    scene.venue(session, "cafe")
    scene.listens(session, "cafe-hall-pi", at(from_s), at(until_s))
    come(session, 20)
    assert (look(session) is not None) is known


def test_what_was_told_goes_when_nobody_listens_any_more(cafe: Session) -> None:
    come(cafe, 20)
    assert look(cafe) is not None
    assert look(cafe, NOW + 4 * MINUTE) is not None
    assert look(cafe, NOW + 10 * MINUTE) is None
    assert cafe.query(VenueMoment).count() == 0


def test_all_agents_have_to_listen_but_who_is_silent_for_an_hour_is_not_waited_for(session: Session) -> None:
    scene.venue(session, "cafe", zones=("hall", "yard"))
    scene.listens(session, "cafe-hall-pi", at(86_400), at(5))
    assert look(session) is not None, "the yard has never said anything"
    scene.listens(session, "cafe-yard-pi", at(86_400), at(1800))
    assert look(session, NOW + dt.timedelta(seconds=1)) is None, "it listened until half an hour ago"
    session.execute(text("UPDATE coverage SET to_ms = :ms WHERE agent_id = 'cafe-yard-pi'"), {"ms": at(3700)})
    assert look(session, NOW + dt.timedelta(seconds=2)) is not None


def test_a_deaf_agent_makes_nothing_quiet(session: Session) -> None:
    """It says that it listens, and no longer hears the beacon that it is known to hear."""
    scene.venue(session, "cafe", zones=("hall", "yard"))
    for agent_id in ("cafe-hall-pi", "cafe-yard-pi"):
        scene.listens(session, agent_id, at(86_400), at(5))
        session.add(Identity(identity=agent_id.encode().ljust(20)[:20], agent_id=agent_id, valid=Range(None, None)))
    placements = {row.agent_id: row.id for row in session.execute(text("SELECT agent_id, id FROM placement"))}
    scene.beacon(session, "cafe-hall-pi", placements["cafe-yard-pi"], at(80_000), at(10))
    scene.beacon(session, "cafe-yard-pi", placements["cafe-hall-pi"], at(80_000), at(10))
    assert look(session) == Moment(Mood.QUIET, None)
    ended = text("UPDATE beacon_span SET to_ms = :ms WHERE placement_id = :placement")
    session.execute(ended, {"ms": at(700), "placement": placements["cafe-hall-pi"]})
    assert look(session, NOW + dt.timedelta(seconds=1)) is None
    session.execute(text("DELETE FROM identity WHERE agent_id = 'cafe-yard-pi'"))
    assert look(session, NOW + dt.timedelta(seconds=2)) is not None, "the beacon is off"


@pytest.mark.parametrize("change", [{"replayed": True}, {"kind": "home"}, {"kind": "spot"}])
def test_replays_and_homes_are_told_to_nobody(cafe: Session, change: dict[str, object]) -> None:
    come(cafe, 20)
    assert look(cafe) is not None
    cafe.query(Venue).update(change)  # type: ignore[arg-type]
    assert look(cafe, NOW + MINUTE) is None
    usual.learn(cafe, now=NOW)
    assert cafe.query(VenueUsual).count() == 0


def test_twice_is_as_once_and_what_comes_later_from_before_changes_nothing(cafe: Session) -> None:
    come(cafe, 20)
    told = look(cafe)
    assert look(cafe) == told
    liveliness.write(cafe, now=NOW - 5 * MINUTE, presence=SETTINGS.presence)
    cafe.expire_all()
    assert liveliness.of_venue(cafe, "cafe", now=NOW) == told
    assert cafe.query(VenueMoment).one().at == NOW


def test_a_moment_is_told_for_a_quarter_of_an_hour(cafe: Session) -> None:
    look(cafe)
    assert liveliness.of_venue(cafe, "cafe", now=NOW + 14 * MINUTE) is not None
    assert liveliness.of_venue(cafe, "cafe", now=NOW + 15 * MINUTE) is None
    assert liveliness.of_venue(cafe, "cafe", now=NOW - MINUTE) is None


def usually(session: Session) -> dict[int, float]:
    session.expire_all()
    return {row.hour: row.people for row in session.query(VenueUsual)}


def opened(session: Session, begins: dt.datetime, hours: float, people: int) -> None:
    """The cafe was listened to for so long, and so many were there all the time."""
    ends = begins + dt.timedelta(hours=hours)
    scene.listens(session, "cafe-hall-pi", times.to_ms(begins), times.to_ms(ends))
    for _ in range(people):
        badge_id = badges.register(
            session, identity=b"u" * 12 + next(_identities).to_bytes(8, "big"), label="", since=begins - WEEK
        )
        scene.visit(session, badge_id, "cafe", None, times.to_ms(begins), times.to_ms(ends) - 1)


_identities = itertools.count(1)


def test_what_is_usual_is_the_average_of_the_quarters_that_were_listened_to(session: Session) -> None:
    scene.venue(session, "cafe")
    opened(session, NOW - WEEK, 1, 4)
    usual.learn(session, now=NOW)
    assert usually(session) == {}, "one evening is no habit"
    opened(session, NOW - 2 * WEEK, 1, 2)
    opened(session, NOW - 3 * WEEK, 0.5, 0)
    usual.learn(session, now=NOW)
    assert usually(session) == {HOUR_OF_WEEK: pytest.approx((4 * 4 + 4 * 2 + 2 * 0) / 10)}
    before = usually(session)
    usual.learn(session, now=NOW)
    assert usually(session) == before
    usual.learn(session, now=NOW + 6 * WEEK)
    assert usually(session) == {HOUR_OF_WEEK: pytest.approx((4 * 4 + 4 * 2) / 8)}, "what is older than eight weeks goes"
    usual.learn(session, now=NOW + 20 * WEEK)
    assert usually(session) == {}


def test_what_is_usual_decides_what_is_lively(cafe: Session) -> None:
    come(cafe, 34)
    cafe.add(VenueUsual(venue_id="cafe", hour=HOUR_OF_WEEK, people=80))
    cafe.add(VenueUsual(venue_id="cafe", hour=HOUR_OF_WEEK - 1, people=5))
    cafe.flush()
    told = look(cafe)
    assert told is not None
    assert (told.mood, told.people is not None) == (Mood.QUIET, True)
    cafe.query(VenueUsual).update({"people": 30})
    cafe.execute(text("DELETE FROM venue_moment"))
    told = look(cafe)
    assert told is not None
    assert told.mood is Mood.NORMAL


@pytest.mark.parametrize(
    ("nights", "expected"),
    [
        # 2025-10-26, 03:00 summer time is 02:00: the hour from 2 comes twice, with 6 in the first and 0 in the second.
        ((dt.datetime(2025, 10, 25, 22, tzinfo=dt.UTC), dt.datetime(2025, 11, 1, 23, tzinfo=dt.UTC)), {2: 4.0}),
        # 2025-03-30, 02:00 is 03:00: that hour has only the other Sunday, which is no habit.
        ((dt.datetime(2025, 3, 29, 23, tzinfo=dt.UTC), dt.datetime(2025, 4, 5, 22, tzinfo=dt.UTC)), {2: None}),
    ],
)
def test_nights_in_which_clocks_change_are_by_the_clock_of_the_venue(
    session: Session, nights: tuple[dt.datetime, dt.datetime], expected: dict[int, float | None]
) -> None:
    """Each of two Sundays is listened to from midnight to five; six are there until 03:00 summer time, or 03:00."""
    scene.venue(session, "cafe")
    for begins, hours in zip(nights, (6 if expected[2] else 4, 5), strict=True):
        scene.listens(session, "cafe-hall-pi", times.to_ms(begins), times.to_ms(begins + dt.timedelta(hours=hours)))
    for begins in nights:
        for _ in range(6):
            badge_id = badges.register(
                session, identity=b"u" * 12 + next(_identities).to_bytes(8, "big"), label="", since=begins
            )
            until = times.to_ms(begins + dt.timedelta(hours=3)) - 1
            scene.visit(session, badge_id, "cafe", None, times.to_ms(begins), until)
    usual.learn(session, now=nights[1] + WEEK)
    found = {hour - 6 * 24: people for hour, people in usually(session).items()}
    assert found.get(2) == expected[2]
    assert found[0] == found[1] == 6.0
    assert found[4] == 0.0


def test_venues_are_learnt_some_at_a_time(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usual, "VENUES", 2)
    for name in ("a", "b", "c"):
        scene.venue(session, name)
    assert usual.learn(session, now=NOW) == "b"
    assert usual.learn(session, after="b", now=NOW) == "c"
    assert usual.learn(session, after="c", now=NOW) is None


@pytest.fixture
def work(committing_database: str) -> Iterator[Callable[[dt.datetime], Work]]:
    engine: Engine = database.connect(committing_database)
    with database.transaction(engine) as session:
        scene.venue(session, "cafe")
        scene.listens(session, "cafe-hall-pi", at(30 * 86_400), at(5))
        come(session, 20)
    yield lambda now: Work(engine, SETTINGS, lambda: now)
    engine.dispose()


def test_two_runs_at_once_write_the_same_once(work: Callable[[dt.datetime], Work]) -> None:
    failed: list[BaseException] = []

    def run(act: Callable[[Work], None], now: dt.datetime) -> None:
        try:
            act(work(now))
        except BaseException as error:
            failed.append(error)

    threads = [
        threading.Thread(target=run, args=(act, now))
        for now in (NOW, NOW, NOW + MINUTE)
        for act in (tasks.tell_moments, tasks.learn_usual)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with database.transaction(work(NOW).engine) as session:
        row = session.query(VenueMoment).one()
        assert (row.at, row.people in (10, 15, 20)) == (NOW + MINUTE, True)
        assert session.query(VenueUsual).count() == 168


def test_no_table_of_what_was_heard_is_scanned(session: Session) -> None:
    """500 venues, 20,000 badges and 40,000 visits; placements and venues may be read whole, they are few."""
    for statement in (
        "INSERT INTO venue (id, name, time_zone) SELECT 'v' || n, '', 'UTC' FROM generate_series(1, 500) AS n",
        "INSERT INTO zone (id, venue_id, name, level) SELECT id, id, '', 0 FROM venue",
        "INSERT INTO agent (id, key) SELECT id, decode(repeat('00', 32), 'hex') FROM venue",
        "INSERT INTO placement (agent_id, venue_id, zone_id, valid)"
        " SELECT id, id, id, tstzrange(NULL, NULL) FROM venue",
        "INSERT INTO coverage (placement_id, agent_id, from_ms, to_ms)"
        " SELECT id, agent_id, :now_ms - n * 3600000, :now_ms - n * 3600000 + 3000000"
        " FROM placement, generate_series(1, 100) AS n",
        "INSERT INTO badge (label) SELECT '' FROM generate_series(1, 20000)",
        "INSERT INTO member (id, name) SELECT 'm' || id, '' FROM badge",
        "INSERT INTO pairing (badge_id, member_id, valid) SELECT id, 'm' || id, tstzrange(NULL, NULL) FROM badge",
        "INSERT INTO consent (member_id, kind, level, since, source)"
        " SELECT 'm' || id, 'venue', 'hidden', now(), '' FROM badge WHERE id % 10 = 0",
        "INSERT INTO visit (badge_id, venue_id, from_ms, to_ms, reach_ms)"
        " SELECT id, 'v' || (1 + id % 500), :now_ms - n * 7200000, :now_ms - n * 7200000 + 600000,"
        " :now_ms - n * 7200000 + 600000 FROM badge, generate_series(1, 2) AS n",
        "ANALYZE",
    ):
        session.execute(text(statement), {"now_ms": NOW_MS} if ":now_ms" in statement else {})
    few = {"venue", "placement", "venue_usual", "venue_moment", "consent_pause", "identity", "beacon_span"}
    assert read_whole(session, liveliness._COUNT, asked()) <= few
    given = {
        "now": NOW, "venues": [f"v{number}" for number in range(1, 11)], "since_ms": NOW_MS - 3_600_000 * 200,
        "until_ms": NOW_MS, "quarter_ms": 900_000, "listened_ms": 600_000, "weeks": 2,
    }  # fmt: skip
    assert read_whole(session, usual._LEARN, given) <= few
    assert read_whole(session, text("SELECT * FROM visit"), {}) == {"visit"}


def test_the_page_of_a_venue_says_how_lively_it_is_and_until_when_it_is_open(as_: As, session: Session) -> None:
    session.query(Venue).filter_by(id="cafe").update({"opening_hours": "Mo-Fr 09:00-22:00"})
    session.flush()
    stranger = as_(None)
    page = stranger.get("/venues/cafe").text
    assert "Closes at 22:00" in page
    assert "Quiet now" not in page, "nothing is known"
    for mood, people, says in (("lively", 20, "Lively now · at least 20 people"), ("quiet", None, "Quiet now<")):
        session.query(VenueMoment).delete()
        session.add(VenueMoment(venue_id="cafe", at=places.NOW - MINUTE, mood=mood, people=people))
        session.flush()
        assert says in stranger.get("/venues/cafe").text
