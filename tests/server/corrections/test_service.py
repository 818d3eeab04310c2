"""Who is expected, changed now or for the past: check-ins follow at once from what was heard already."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from server import times, topics
from server.badges import service as badges
from server.corrections import service as corrections
from server.corrections.service import NotYet
from server.events import service as events
from server.events import signups
from server.fleet import fence
from tests.server import places
from tests.server.corrections import town
from tests.server.corrections.town import BEGIN, NOW, PRESENCE, T0, Town

OPENS = BEGIN + dt.timedelta(minutes=20)
OPENS_MS = times.to_ms(OPENS)
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


@pytest.fixture
def world(session: Session) -> Town:
    """The door hears Dora's badge from five minutes before the doors for ten minutes; the third badge is nobody's."""
    made = Town(session)
    start = OPENS_MS - 300_000
    spans = {("cafe-door", place): [(start, start + 600_000)] for place in (0, 2)}
    slots = range(start // 5000, (start + 600_000) // 5000 + 1)
    made.fill(town.Heard(spans, {key: dict.fromkeys(slots, -60) for key in spans}))
    # Others who use this database may have committed touches of theirs.
    session.execute(text("UPDATE shard SET touched = 0"))
    return made


def came(world: Town) -> list[tuple[str, str, float]]:
    """Step, member, and how many seconds after the doors opened."""
    rows = world.session.execute(
        text("SELECT step_id, member_id, at FROM checkin WHERE undone_at IS NULL ORDER BY 1, 2")
    )
    return [(step, member, (at - OPENS).total_seconds()) for step, member, at in rows]


def told(world: Town) -> list[tuple[str, str]]:
    return [tuple(row) for row in world.session.execute(text("SELECT member_id, code FROM refusal ORDER BY 1, 2"))]


def pair(world: Town, badge: int, member: str, since: dt.datetime, until: dt.datetime | None = None) -> None:
    corrections.pair(
        world.session,
        badge_id=world.badges[badge],
        member_id=member,
        since=since,
        until=until,
        presence=PRESENCE,
        now=NOW,
    )


def give_back(world: Town, badge: int, at: dt.datetime) -> None:
    corrections.give_back(world.session, badge_id=world.badges[badge], at=at, presence=PRESENCE, now=NOW)


def touched(world: Town) -> set[int]:
    return {shard for shard, held in fence.hold(world.session, range(64)).items() if held.touched}


def test_a_badge_claimed_after_the_visit_checks_in_late_and_says_so(world: Town) -> None:
    assert came(world) == [("night-1", "dora", 15.0)]
    pair(world, 2, "ben", BEGIN)
    assert came(world) == [("night-1", "ben", 90.0), ("night-1", "dora", 15.0)]
    recorded_at = world.session.scalar(text("SELECT recorded_at FROM checkin WHERE member_id = 'ben'"))
    assert recorded_at == NOW
    assert touched(world) == {wire.shard_of("cafe")}


def test_a_claim_for_a_part_of_the_visit_counts_that_part_alone(world: Town) -> None:
    pair(world, 2, "ben", BEGIN, OPENS + 80 * SECOND)
    assert [member for _, member, _ in came(world)] == ["dora"]
    pair(world, 2, "ben", OPENS + 100 * SECOND, OPENS + 115 * SECOND)
    assert ("night-1", "ben", 110.0) in [(step, who, round(at)) for step, who, at in came(world)]


def test_a_badge_is_claimed_only_for_a_time_in_which_it_was_registered(world: Town) -> None:
    with pytest.raises(badges.NotRegisteredThen):
        pair(world, 2, "ben", BEGIN - 2 * places.HOUR)
    # Unregistered for ten minutes: what was heard then was never kept, and nobody can claim that time.
    world.session.execute(
        text("UPDATE identity SET valid = tstzrange(lower(valid), :at) WHERE badge_id = :badge"),
        {"at": OPENS, "badge": world.badges[2]},
    )
    with pytest.raises(badges.NotRegisteredThen):
        pair(world, 2, "ben", BEGIN, OPENS + MINUTE)
    pair(world, 2, "ben", BEGIN, OPENS)
    again = OPENS + 10 * MINUTE
    world.session.execute(
        text("""
            INSERT INTO identity (identity, badge_id, valid)
            SELECT identity, badge_id, tstzrange(:at, NULL) FROM identity WHERE badge_id = :badge
        """),
        {"at": again, "badge": world.badges[2]},
    )
    world.session.expire_all()
    with pytest.raises(badges.NotRegisteredThen):
        pair(world, 2, "ben", OPENS + MINUTE)
    with pytest.raises(badges.NotRegisteredThen):
        pair(world, 2, "ben", OPENS - MINUTE, again + MINUTE)
    pair(world, 2, "ben", again)


def test_handing_over_told_afterwards_splits_the_visit_between_both(world: Town) -> None:
    at = OPENS + 10 * SECOND
    give_back(world, 0, at)
    assert came(world) == []
    assert told(world) == [("dora", "not_open_yet")]
    pair(world, 0, "ben", at)
    assert came(world) == [("night-1", "ben", 100.0)]
    visits = world.session.execute(text("SELECT from_ms, to_ms FROM visit WHERE badge_id = :b"), {"b": world.badges[0]})
    assert [tuple(row) for row in visits] == [(OPENS_MS - 300_000, OPENS_MS + 300_000)]  # what the radio says


def test_given_back_before_the_doors_she_was_told_nothing_later(world: Town) -> None:
    give_back(world, 0, OPENS - 4 * MINUTE)
    last_at = world.session.scalar(text("SELECT last_at FROM refusal"))
    assert last_at == OPENS - 5 * MINUTE
    give_back(world, 0, BEGIN)
    assert (came(world), told(world)) == ([], [])


def test_a_check_in_by_other_evidence_and_one_taken_back_stay(world: Town) -> None:
    world.session.execute(text("UPDATE checkin SET evidence = 'manual', badge_id = NULL"))
    give_back(world, 0, BEGIN)
    assert came(world) == [("night-1", "dora", 15.0)]
    world.session.execute(text("UPDATE checkin SET undone_at = at + interval '1 minute', evidence = 'beacon'"))
    pair(world, 0, "dora", BEGIN)
    assert [who for _, who, at in came(world) if at == 90.001] == ["dora"]


def test_who_signs_up_while_there_is_checked_in_at_once_by_the_rule_for_her(world: Town) -> None:
    pair(world, 2, "ben", BEGIN)
    now = OPENS + 10 * MINUTE
    corrections.sign_up(world.session, event_id="night", member_id="ben", presence=PRESENCE, now=now)
    assert ("night-1", "ben", 15.0) in came(world)
    assert ("ben", "not_open_yet") in told(world)
    # Withdrawing takes back what she was told, never that she came.
    corrections.withdraw(world.session, event_id="night", member_id="ben", presence=PRESENCE, now=now)
    assert ("night-1", "ben", 15.0) in came(world)
    assert told(world) == [("dora", "not_open_yet")]


def test_who_gets_a_place_while_there_is_checked_in_whoever_freed_it(world: Town) -> None:
    session, now = world.session, OPENS + 10 * MINUTE
    session.execute(text("UPDATE event SET approval = true"))
    session.execute(text("UPDATE step SET capacity = 1, starts_at = opens_at + interval '30 minutes'"))
    session.expire_all()
    pair(world, 2, "ben", BEGIN)
    signups.sign_up(session, event_id="night", member_id="ben", now=now)
    signups.answer(session, event_id="night", member_id="ben", yes=True, now=now)
    assert signups.states_of(session, member_id="ben")["night"] == "waiting"
    signups.withdraw_everywhere(session, member_id="dora", now=now)
    assert signups.states_of(session, member_id="ben")["night"] == "going"
    assert ("night-1", "ben", 15.0) not in came(world)
    (args,) = session.scalars(text(f"SELECT args FROM procrastinate_jobs WHERE task_name = '{signups.JUDGE}'"))
    assert args == {"event_id": "night", "member_ids": ["ben"]}
    for _ in range(2):
        corrections.judge_promoted(session, **args, presence=PRESENCE, now=now)
    assert ("night-1", "ben", 15.0) in came(world)


def test_signing_up_days_before_touches_no_gateway(world: Town) -> None:
    corrections.sign_up(
        world.session, event_id="night", member_id="ben", presence=PRESENCE, now=BEGIN - dt.timedelta(days=2)
    )
    assert touched(world) == set()


def test_an_event_opened_while_people_are_there_checks_them_in_at_once(world: Town) -> None:
    before = topics.revisions(world.session, [topics.EXPECTED, "event/flash", "member/dora"])
    step = events.NewStep(
        name="Flash", venue_id="cafe", opens_at=OPENS + MINUTE, starts_at=OPENS + MINUTE, ends_at=OPENS + 9 * MINUTE
    )
    corrections.create_event(
        world.session,
        id="flash",
        name="Flash",
        organizer_id="cleo",
        steps=[step],
        presence=PRESENCE,
        now=OPENS + 4 * MINUTE,
    )
    assert ("flash-1", "dora", 150.0) in came(world)
    after = topics.revisions(world.session, before)
    assert after == {name: rev + 1 for name, rev in before.items()}


def test_a_step_that_moves_checks_in_as_if_it_had_always_been_so(world: Town) -> None:
    def move(opens_at: dt.datetime, zone_id: str | None, venue_id: str = "cafe") -> None:
        corrections.move_step(
            world.session,
            event_id="night",
            step_id="night-1",
            venue_id=venue_id,
            zone_id=zone_id,
            opens_at=opens_at,
            starts_at=opens_at,
            ends_at=BEGIN + places.HOUR,
            presence=PRESENCE,
            now=NOW,
        )

    before = world.tables()
    move(OPENS + MINUTE, "cafe-front")
    assert came(world) == [("night-1", "dora", 75.0)]
    move(OPENS + 10 * MINUTE, "cafe-front")
    assert came(world) == []
    assert told(world) == [("dora", "not_open_yet")]
    move(OPENS, "cafe-back")
    assert (came(world), told(world)) == ([], [])
    move(OPENS, None, "bar")
    assert (came(world), told(world)) == ([], [])
    move(OPENS, "cafe-front")
    assert world.tables() == before


def test_times_to_come_are_refused(world: Town) -> None:
    with pytest.raises(NotYet):
        pair(world, 2, "ben", NOW + SECOND)
    with pytest.raises(NotYet):
        give_back(world, 0, NOW + SECOND)


def test_what_is_refused_leaves_all_as_it_was_and_later_changes_are_raised(world: Town) -> None:
    with pytest.raises(badges.BadgeHeld):
        pair(world, 0, "ben", BEGIN)
    assert [who for _, who, _ in came(world)] == ["dora"]
    assert topics.bump(world.session, ["venue/cafe"]) != {}
    assert times.to_ms(BEGIN) == T0
