"""Checking in by what was heard: spans in the tables become check-ins and refusals."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from config import settings
from server import times
from server.badges import service as badges
from server.checkins import capacity
from server.checkins import heard as hearing
from server.checkins import service as checkins
from server.events import service as events
from server.events import signups
from server.fleet import fence
from server.fleet import service as fleet
from server.people import service as people
from tests.server import places

PRESENCE = settings.load(environment={}).presence
NOW = places.NOW
OPENS = NOW + dt.timedelta(hours=1)
STARTS = NOW + dt.timedelta(hours=2)
ENDS = NOW + dt.timedelta(hours=4)


class Cafe:
    """The cafe, badge of Dora, an event there, and what its agent hears."""

    def __init__(self, session: Session) -> None:
        """Makes it all."""
        self.session = session
        places.make_members(session)
        places.make_cafe(session)
        places.make_agent(session)
        self.badge_id = places.make_badge(session)
        badges.pair(session, badge_id=self.badge_id, member_id="dora", since=NOW)
        self.add_event("night")

    def add_event(self, event_id: str, **changed: object) -> None:
        """An event of one step at the cafe, doors at OPENS."""
        step = events.NewStep(
            **{
                "id": f"{event_id}-1",
                "name": "All",
                "venue_id": "cafe",
                "starts_at": STARTS,
                "ends_at": ENDS,
                **changed,
            }  # type: ignore[arg-type]
        )
        events.create(self.session, id=event_id, name=event_id.title(), organizer_id="cleo", steps=[step])

    def sign_up(self, event_id: str = "night", member_id: str = "dora") -> None:
        """She means to come."""
        signups.sign_up(self.session, event_id=event_id, member_id=member_id, now=NOW)

    def hear(
        self, begin: dt.datetime, seconds: float, agent: str = "cafe-door", badge_id: int | None = None
    ) -> set[str]:
        """The agent hears the badge for so long; returns the topics that changed."""
        badge_id = self.badge_id if badge_id is None else badge_id
        placement = fleet.placement_at(self.session, agent_id=agent, at=begin)
        assert placement is not None
        from_ms, to_ms = times.to_ms(begin), times.to_ms(begin) + round(seconds * 1000)
        self.session.execute(
            text("INSERT INTO span (badge_id, placement_id, from_ms, to_ms) VALUES (:badge, :placement, :low, :high)"),
            {"badge": badge_id, "placement": placement.id, "low": from_ms, "high": to_ms},
        )
        heard = [hearing.HeardAt(badge_id, "cafe", from_ms, to_ms)]
        return hearing.check_in_heard(self.session, heard, PRESENCE, NOW + dt.timedelta(hours=5)).topics

    def arrivals(self) -> list[tuple[str, str, dt.datetime]]:
        """Step, member and time of the check-ins that stand."""
        rows = self.session.execute(
            text("SELECT step_id, member_id, at FROM checkin WHERE undone_at IS NULL ORDER BY 1, 2")
        )
        return [tuple(row) for row in rows]

    def refusals(self) -> list[tuple[str, str]]:
        """Code and sentence of the refusals."""
        return [tuple(row) for row in self.session.execute(text("SELECT code, sentence FROM refusal ORDER BY 1"))]


@pytest.fixture
def cafe(session: Session) -> Cafe:
    """The cafe."""
    return Cafe(session)


def test_who_signed_up_is_checked_in_after_fifteen_seconds(cafe: Cafe) -> None:
    cafe.sign_up()
    assert cafe.hear(STARTS, 14.9) == set()
    assert cafe.arrivals() == []
    cafe.session.execute(text("DELETE FROM span"))
    assert cafe.hear(STARTS, 20) == {"event/night", "member/dora"}
    assert cafe.arrivals() == [("night-1", "dora", STARTS + dt.timedelta(seconds=15))]


def test_who_did_not_sign_up_needs_ninety_seconds(cafe: Cafe) -> None:
    cafe.hear(STARTS, 89)
    assert cafe.arrivals() == []
    cafe.hear(STARTS + dt.timedelta(seconds=100), 5)
    assert cafe.arrivals() == [("night-1", "dora", STARTS + dt.timedelta(seconds=90))]


def test_a_badge_of_nobody_checks_nobody_in(cafe: Cafe) -> None:
    other = badges.register(cafe.session, identity=places.IDENTITY[:-1] + b"\x77", since=NOW)
    cafe.hear(STARTS, 600, badge_id=other)
    assert cafe.arrivals() == []


def test_the_same_evidence_again_changes_nothing(cafe: Cafe) -> None:
    cafe.sign_up()
    cafe.hear(STARTS, 60)
    before = cafe.session.execute(text("SELECT id, at, recorded_at FROM checkin")).all()
    heard = [hearing.HeardAt(cafe.badge_id, "cafe", times.to_ms(STARTS), times.to_ms(STARTS) + 60_000)]
    assert hearing.check_in_heard(cafe.session, heard, PRESENCE, ENDS).topics == set()
    assert cafe.session.execute(text("SELECT id, at, recorded_at FROM checkin")).all() == before


def test_late_evidence_moves_a_check_in_earlier(cafe: Cafe) -> None:
    cafe.sign_up()
    cafe.hear(STARTS + dt.timedelta(minutes=30), 60)
    assert cafe.hear(STARTS, 60) == {"event/night", "member/dora"}
    assert cafe.arrivals() == [("night-1", "dora", STARTS + dt.timedelta(seconds=15))]
    assert cafe.hear(STARTS + dt.timedelta(minutes=40), 60) == set()


def test_time_before_the_doors_open_does_not_count_and_she_is_told_when_they_do(cafe: Cafe) -> None:
    cafe.sign_up()
    assert cafe.hear(OPENS - dt.timedelta(minutes=12), 5) == {"event/night", "member/dora"}
    assert cafe.arrivals() == []
    ((code, sentence),) = cafe.refusals()
    assert code == "not_open_yet"
    assert "12 minutes" in sentence
    cafe.hear(OPENS - dt.timedelta(seconds=10), 24)
    assert cafe.arrivals() == []
    cafe.hear(OPENS + dt.timedelta(seconds=20), 10)
    assert cafe.arrivals() == [("night-1", "dora", OPENS + dt.timedelta(seconds=15))]


def test_who_comes_after_the_end_is_told_so_and_a_stranger_to_the_event_is_not(cafe: Cafe) -> None:
    cafe.hear(ENDS + dt.timedelta(minutes=10), 100)
    assert cafe.refusals() == []
    cafe.sign_up()
    cafe.hear(ENDS + dt.timedelta(minutes=20), 100)
    assert [code for code, _ in cafe.refusals()] == ["ended"]
    assert cafe.arrivals() == []


def test_another_members_badge_gives_nobody_else_a_refusal(cafe: Cafe) -> None:
    cafe.sign_up()
    other = badges.register(cafe.session, identity=places.IDENTITY[:-1] + b"\x77", since=NOW)
    badges.pair(cafe.session, badge_id=other, member_id="ben", since=NOW)
    placement = fleet.placement_at(cafe.session, agent_id="cafe-door", at=STARTS)
    assert placement is not None
    early, on_time = times.to_ms(OPENS) - 600_000, times.to_ms(STARTS)
    heard = [
        hearing.HeardAt(other, "cafe", early, early + 1000),
        hearing.HeardAt(cafe.badge_id, "cafe", on_time, on_time + 1000),
    ]
    hearing.check_in_heard(cafe.session, heard, PRESENCE, NOW)
    assert cafe.refusals() == []


def test_an_undone_check_in_stays_undone_until_new_evidence(cafe: Cafe) -> None:
    cafe.sign_up()
    cafe.hear(STARTS, 60)
    ((checkin_id,),) = cafe.session.execute(text("SELECT id FROM checkin")).all()
    undone_at = STARTS + dt.timedelta(minutes=5)
    checkins.undo(cafe.session, checkin_id=checkin_id, now=undone_at, by="cleo")
    assert cafe.arrivals() == []
    cafe.hear(STARTS + dt.timedelta(minutes=2), 60)
    assert cafe.arrivals() == []
    cafe.hear(undone_at + dt.timedelta(minutes=10), 60)
    assert cafe.arrivals() == [("night-1", "dora", undone_at + dt.timedelta(minutes=10, seconds=15))]
    assert len(cafe.session.execute(text("SELECT id FROM checkin")).all()) == 2
    with pytest.raises(checkins.NotCheckedIn):
        checkins.undo(cafe.session, checkin_id=checkin_id, now=undone_at, by="cleo")


def test_an_undoing_at_a_replayed_venue_is_by_its_own_time(cafe: Cafe) -> None:
    cafe.sign_up()
    cafe.hear(STARTS, 60)
    cafe.session.execute(text("UPDATE venue SET replayed = true"))
    placement = fleet.placement_at(cafe.session, agent_id="cafe-door", at=STARTS)
    assert placement is not None
    listened_ms = times.to_ms(STARTS) + 90_000
    cafe.session.execute(
        text("INSERT INTO coverage (placement_id, agent_id, from_ms, to_ms) VALUES (:id, 'cafe-door', :low, :high)"),
        {"id": placement.id, "low": listened_ms - 60_000, "high": listened_ms},
    )
    checkin_id = cafe.session.scalar(text("SELECT id FROM checkin"))
    checkins.undo(cafe.session, checkin_id=checkin_id, now=STARTS + dt.timedelta(days=300), by="cleo")
    assert cafe.session.scalar(text("SELECT at FROM undoing")) == times.from_ms(listened_ms)
    cafe.hear(STARTS + dt.timedelta(seconds=200), 60)  # by the wall this is long before the undoing
    assert cafe.arrivals() == [("night-1", "dora", STARTS + dt.timedelta(seconds=215))]


def test_what_an_agent_heard_ahead_of_the_clock_is_before_the_undoing_too(cafe: Cafe) -> None:
    cafe.sign_up()
    cafe.hear(STARTS, 20)
    checkin_id = cafe.session.scalar(text("SELECT id FROM checkin"))
    checkins.undo(cafe.session, checkin_id=checkin_id, now=STARTS + dt.timedelta(seconds=10), by="cleo")
    assert cafe.session.scalar(text("SELECT at FROM undoing")) == STARTS + dt.timedelta(seconds=15)


def test_two_events_at_one_venue_each_check_in_by_their_own_rule(cafe: Cafe) -> None:
    cafe.add_event("reading", name="In the back")
    cafe.sign_up()
    cafe.hear(STARTS, 100)
    assert cafe.arrivals() == [
        ("night-1", "dora", STARTS + dt.timedelta(seconds=15)),
        ("reading-1", "dora", STARTS + dt.timedelta(seconds=90)),
    ]


def test_each_step_of_an_event_checks_in_by_itself(cafe: Cafe) -> None:
    half = STARTS + dt.timedelta(hours=1)
    parts = [
        events.NewStep(name="First", venue_id="cafe", opens_at=STARTS, starts_at=STARTS, ends_at=half),
        events.NewStep(name="Second", venue_id="cafe", opens_at=half, starts_at=half, ends_at=ENDS),
    ]
    events.create(cafe.session, id="day", name="Day", organizer_id="cleo", steps=parts)
    cafe.sign_up("day")
    cafe.hear(half - dt.timedelta(seconds=20), 30)
    assert [step for step, _, _ in cafe.arrivals()] == ["day-1"]
    cafe.hear(half + dt.timedelta(seconds=30), 5)  # joined with what came before, and cut to the second step
    assert cafe.arrivals()[1:] == [("day-2", "dora", half + dt.timedelta(seconds=15))]


def test_a_step_bound_to_a_zone_counts_only_that_zones_agents(cafe: Cafe) -> None:
    fleet.enrol(cafe.session, agent_id="cafe-rear")
    fleet.place(cafe.session, agent_id="cafe-rear", venue_id="cafe", zone_id="cafe-back", since=NOW)
    cafe.add_event("reading", zone_id="cafe-back", name="In the back")
    for event in ("night", "reading"):
        cafe.sign_up(event)
    cafe.hear(STARTS, 60)
    assert [step for step, _, _ in cafe.arrivals()] == ["night-1"]
    cafe.hear(STARTS, 20, agent="cafe-rear")
    assert [step for step, _, _ in cafe.arrivals()] == ["night-1", "reading-1"]


def test_a_check_in_by_badge_beyond_the_capacity_is_marked_never_refused(cafe: Cafe) -> None:
    cafe.add_event("tiny", capacity=1, name="Tiny")
    people.create(cafe.session, id="eva", name="Eva")
    other = badges.register(cafe.session, identity=places.IDENTITY[:-1] + b"\x77", since=NOW)
    badges.pair(cafe.session, badge_id=other, member_id="eva", since=NOW)
    cafe.hear(STARTS, 100)
    cafe.hear(STARTS, 100, badge_id=other)
    rows = cafe.session.execute(text("SELECT id, member_id FROM checkin WHERE step_id = 'tiny-1'"))
    found = {row.id: row.member_id for row in rows}
    assert sorted(found.values()) == ["dora", "eva"]
    assert [found[one] for one in capacity.over(cafe.session, ["night-1", "tiny-1"])] == ["eva"]
    cafe.hear(STARTS - dt.timedelta(minutes=10), 100, badge_id=other)  # late evidence: Eva came first
    assert [found[one] for one in capacity.over(cafe.session, ["night-1", "tiny-1"])] == ["dora"]


def test_a_badge_handed_over_counts_for_each_only_while_she_held_it(cafe: Cafe) -> None:
    cafe.sign_up()
    cafe.sign_up(member_id="ben")
    given_at = STARTS + dt.timedelta(seconds=10)
    badges.give_back(cafe.session, badge_id=cafe.badge_id, at=given_at)
    badges.pair(cafe.session, badge_id=cafe.badge_id, member_id="ben", since=given_at)
    cafe.hear(STARTS, 40)
    assert cafe.arrivals() == [("night-1", "ben", given_at + dt.timedelta(seconds=15))]


def test_a_reading_just_after_she_gave_the_badge_back_bridges_in_any_batches(cafe: Cafe) -> None:
    cafe.sign_up()
    badges.give_back(cafe.session, badge_id=cafe.badge_id, at=STARTS + dt.timedelta(seconds=20))
    cafe.hear(STARTS, 5)
    assert cafe.arrivals() == []
    cafe.hear(STARTS + dt.timedelta(seconds=40), 5)  # one batch would have brought this as heard from 0 to 45 s
    assert cafe.arrivals() == [("night-1", "dora", STARTS + dt.timedelta(seconds=15))]


def test_nobody_is_told_what_her_badge_did_in_other_hands(cafe: Cafe) -> None:
    cafe.sign_up()
    given_at = OPENS - dt.timedelta(minutes=30)
    badges.give_back(cafe.session, badge_id=cafe.badge_id, at=given_at)
    for at in (given_at - dt.timedelta(minutes=10), given_at + dt.timedelta(seconds=1)):
        cafe.hear(at, 5)
    assert cafe.session.scalar(text("SELECT last_at FROM refusal")) == given_at - dt.timedelta(minutes=10)


def test_too_early_and_too_late_are_both_told_when_they_come_in_one_batch(cafe: Cafe) -> None:
    cafe.sign_up()
    for at in (OPENS - dt.timedelta(minutes=10), ENDS + dt.timedelta(minutes=10)):
        cafe.hear(at, 5)
    assert [code for code, _ in cafe.refusals()] == ["ended", "not_open_yet"]


def test_undoing_waits_for_the_batches_of_the_venues_gateway_and_is_noticed_by_it(cafe: Cafe) -> None:
    cafe.sign_up()
    cafe.hear(STARTS, 60)
    checkin_id = cafe.session.scalar(text("SELECT id FROM checkin"))
    before = fence.hold(cafe.session, range(64))
    checkins.undo(cafe.session, checkin_id=checkin_id, now=STARTS + dt.timedelta(minutes=5), by="cleo")
    after = fence.hold(cafe.session, range(64))
    shard = wire.shard_of("cafe")
    assert [other for other in after if after[other] != before[other]] == [shard]
    assert after[shard].touched == before[shard].touched + 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_badges_of_hers_the_same_one_checks_in_whichever_is_reported_first(
    cafe: Cafe, order: tuple[int, int]
) -> None:
    cafe.sign_up()
    other = badges.register(cafe.session, identity=places.IDENTITY[:-1] + b"\x77", since=NOW)
    badges.pair(cafe.session, badge_id=other, member_id="dora", since=NOW)
    for index in order:
        cafe.hear(STARTS, 20, badge_id=(cafe.badge_id, other)[index])
    assert cafe.session.scalar(text("SELECT badge_id FROM checkin")) == min(cafe.badge_id, other)
