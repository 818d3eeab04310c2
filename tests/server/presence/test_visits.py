"""How visits ended, and attendances: what counts them."""

import pytest
from sqlalchemy.orm import Session

from config import settings
from server import times
from server.consent.reading import Eyes
from server.errors import NotFound
from server.presence import rule, visits
from server.presence.intervals import Interval
from server.presence.listening import Reckoning
from server.presence.states import Kind
from server.presence.visits import SeenVisit, Visited
from tests.server.presence import scene
from tests.server.presence.scene import NOW, NOW_MS, at

PRESENCE = settings.load(environment={}).presence
RULE = rule.make(PRESENCE, 300)
MIN = 60_000
T = 1_000_000_000


def reckoning(*runs: Interval, judged_ms: int = T + 600 * MIN) -> Reckoning:
    return Reckoning(0, judged_ms, runs, {"door": runs}, {}, {})


def see(rows: list[Visited], known: Reckoning) -> list[SeenVisit]:
    return visits.see(rows, known, {}, RULE)


def ends(rows: list[Visited], known: Reckoning) -> list[tuple[int, Kind, bool | None]]:
    return [(visit.id, visit.kind, visit.observed) for visit in see(rows, known)]


def test_the_end_of_an_older_visit_was_observed_only_if_it_was_before_the_next_began() -> None:
    rows = [Visited(1, 7, T, T + 10 * MIN), Visited(2, 7, T + 30 * MIN, T + 40 * MIN)]
    # Nobody listened between the two; that everybody did during and after the second proves nothing of the first.
    dark = reckoning((T, T + 10 * MIN), (T + 30 * MIN, T + 600 * MIN))
    assert ends(rows, dark) == [(1, Kind.UNKNOWN, False), (2, Kind.LEFT, True)]
    seen = reckoning((T, T + 15 * MIN), (T + 30 * MIN, T + 600 * MIN))
    assert ends(rows, seen) == [(1, Kind.LEFT, True), (2, Kind.LEFT, True)]
    late = reckoning((T, T + 12 * MIN), (T + 26 * MIN, T + 600 * MIN))
    assert ends(rows, late)[0] == (1, Kind.UNKNOWN, False)


def test_that_somebody_had_left_at_last_does_not_say_that_the_end_was_observed() -> None:
    rows = [Visited(1, 7, T, T + 10 * MIN)]
    assert ends(rows, reckoning((T, T + 14 * MIN), (T + 15 * MIN, T + 60 * MIN))) == [(1, Kind.LEFT, False)]
    assert ends(rows, reckoning((T, T + 15 * MIN), (T + 16 * MIN, T + 60 * MIN))) == [(1, Kind.LEFT, True)]


def test_the_visits_of_others_say_nothing_about_an_end() -> None:
    rows = [Visited(1, 7, T, T + 10 * MIN), Visited(2, 8, T + 11 * MIN, T + 40 * MIN)]
    assert ends(rows, reckoning((T, T + 600 * MIN)))[0] == (1, Kind.LEFT, True)


def test_a_visit_that_goes_on_has_no_end_yet() -> None:
    rows = [Visited(1, 7, T, T + 10 * MIN)]
    for later_ms, kind, observed in (
        (20_000, Kind.PRESENT, None),
        (60_000, Kind.AWAY, None),
        (5 * MIN, Kind.LEFT, True),
    ):
        now_ms = T + 10 * MIN + later_ms
        assert ends(rows, reckoning((T, now_ms), judged_ms=now_ms)) == [(1, kind, observed)]
    silent = reckoning((T, T + 11 * MIN), judged_ms=T + 100 * MIN)
    assert ends(rows, silent) == [(1, Kind.UNKNOWN, False)]


def test_the_rhythm_of_a_badge_tells_away_and_never_when_it_left() -> None:
    row = Visited(1, 7, T, T + 10 * MIN)
    for later_ms, kind in ((119_000, Kind.PRESENT), (121_000, Kind.AWAY), (300_000, Kind.LEFT)):
        now_ms = row.to_ms + later_ms
        (seen,) = visits.see([row], reckoning((T, now_ms), judged_ms=now_ms), {7: 120_000}, RULE)
        assert seen.kind is kind


def grouped(rows: list[Visited], *runs: Interval) -> list[list[int]]:
    return [[visit.id for visit in group] for group in visits.group(see(rows, reckoning(*runs)), runs)]


TWO = [Visited(1, 7, T, T + 10 * MIN), Visited(2, 7, T + 30 * MIN, T + 40 * MIN)]


def test_visits_with_a_gap_that_was_wholly_listened_to_are_two_attendances() -> None:
    assert grouped(TWO, (T, T + 60 * MIN)) == [[1], [2]]
    assert grouped(TWO, (T + 10 * MIN, T + 30 * MIN)) == [[1], [2]]


@pytest.mark.parametrize(
    "runs",
    [
        (),
        ((T, T + 10 * MIN), (T + 30 * MIN, T + 60 * MIN)),
        ((T, T + 29 * MIN), (T + 29 * MIN + 1, T + 60 * MIN)),
        ((T + 10 * MIN + 1, T + 60 * MIN),),
        ((T, T + 30 * MIN - 1),),
    ],
)
def test_visits_whose_gap_was_not_wholly_listened_to_are_one(runs: tuple[Interval, ...]) -> None:
    assert grouped(TWO, *runs) == [[1, 2]]


def test_attendances_are_of_one_badge_and_chain_whatever_the_order() -> None:
    rows = [*TWO, Visited(3, 8, T, T + 10 * MIN), Visited(4, 7, T + 60 * MIN, T + 70 * MIN)]
    runs = ((T + 35 * MIN, T + 65 * MIN),)
    assert grouped(rows, *runs) == grouped(rows[::-1], *runs) == [[1, 2], [4], [3]]


def test_nobody_is_thought_to_have_stayed_for_longer_than_a_picture_waits() -> None:
    far = visits.BRIDGED_MS
    rows = [Visited(1, 7, T, T + MIN), Visited(2, 7, T + MIN + far, T + 2 * MIN + far)]
    assert grouped(rows) == [[1, 2]]
    rows[1] = rows[1]._replace(from_ms=rows[1].from_ms + 1)
    assert grouped(rows) == [[1], [2]]


@pytest.fixture
def badge(session: Session) -> int:
    """A cafe whose only Pi was off for ten minutes while a guest sat there; she left an hour ago, for sure."""
    scene.venue(session, "cafe")
    made = scene.badge(session)
    placement = scene.agent(session, "bar-pi", venue_id="cafe", zone_id="cafe-hall", since=times.from_ms(at(20_000)))
    for agent in ("cafe-hall-pi", "bar-pi"):
        scene.listens(session, agent, at(20_000), at(6000))
        scene.listens(session, agent, at(5400), at(0))
    scene.visit(session, made, "cafe", "cafe-hall", at(7000), at(6000))
    scene.visit(session, made, "cafe", "cafe-hall", at(5400), at(3600))
    scene.span(session, made, placement, at(7000), at(6500))
    scene.span(session, made, placement, at(6460), at(6000))  # 40 s later: heard in between, as for check-ins
    scene.span(session, made, placement, at(5400), at(5300))
    scene.span(session, made, placement, at(4000), at(3600))
    return made


def test_a_guest_who_stayed_through_a_restart_counts_once(session: Session, badge: int) -> None:
    (seen,) = visits.attendances_since(session, venue_id="cafe", since=None, now=NOW, presence=PRESENCE, eyes=Eyes())
    assert seen.badge_id == badge
    assert [(visit.from_ms, visit.to_ms, visit.observed) for visit in seen.visits] == [
        (at(7000), at(6000), False),
        (at(5400), at(3600), True),
    ]
    assert seen.heard_ms == (1000 + 100 + 400) * 1000
    told = visits.visits_since(session, venue_id="cafe", since=None, now=NOW, presence=PRESENCE, eyes=Eyes())
    assert [visit.observed for visit in told] == [True, False]
    since = times.from_ms(at(10_000))
    counted = visits.count_since(session, venue_id="cafe", since=since, now=NOW, presence=PRESENCE, eyes=Eyes())
    assert counted == (1, 0)


def test_an_attendance_is_told_whole_though_a_part_of_it_was_over_by_then(session: Session, badge: int) -> None:
    assert badge
    for since_s, expected in ((5000, 1), (3600, 1), (3599, 0)):
        since = times.from_ms(at(since_s))
        found = visits.attendances_since(session, venue_id="cafe", since=since, now=NOW, presence=PRESENCE, eyes=Eyes())
        assert [len(seen.visits) for seen in found] == [2] * expected
        counted = visits.count_since(session, venue_id="cafe", since=since, now=NOW, presence=PRESENCE, eyes=Eyes())
        assert counted.attendances == expected


def test_the_newest_attendance_comes_first_and_unobserved_ends_are_counted(session: Session, badge: int) -> None:
    scene.listens(session, "cafe-hall-pi", at(9_000_000), at(8_000_000))
    other = scene.badge(session)
    scene.visit(session, other, "cafe", "cafe-hall", at(20_500), at(20_001))
    scene.venue(session, "dark")
    lost = scene.badge(session)
    scene.visit(session, lost, "dark", "dark-hall", at(900), at(800))
    found = visits.attendances_since(session, venue_id="cafe", since=None, now=NOW, presence=PRESENCE, eyes=Eyes())
    assert [seen.badge_id for seen in found] == [badge, other]
    since = times.from_ms(NOW_MS - visits.VISITS_BACK_MS)
    assert visits.count_since(session, venue_id="dark", since=since, now=NOW, presence=PRESENCE, eyes=Eyes()) == (1, 1)


def test_a_venue_nobody_knows_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        visits.attendances_since(session, venue_id="nowhere", since=None, now=NOW, presence=PRESENCE, eyes=Eyes())
    with pytest.raises(NotFound):
        visits.count_since(session, venue_id="nowhere", since=NOW, now=NOW, presence=PRESENCE, eyes=Eyes())


def test_ends_long_ago_are_judged_by_who_listened_then(session: Session) -> None:
    scene.venue(session, "cafe")
    days = 30 * 86_400
    scene.listens(session, "cafe-hall-pi", at(days + 9000), at(days + 5000))
    scene.listens(session, "cafe-hall-pi", at(9000), at(0))
    seen, unseen = scene.badge(session), scene.badge(session)
    scene.visit(session, seen, "cafe", None, at(days + 8000), at(days + 7000))
    scene.visit(session, unseen, "cafe", None, at(days + 6000), at(days + 5000))
    since = times.from_ms(at(days + 9000))
    told = visits.visits_since(session, venue_id="cafe", since=since, now=NOW, presence=PRESENCE, eyes=Eyes())
    observed = {visit.badge_id: visit.observed for visit in told}
    assert observed[seen] is True
    # It is silent ever since the agent is back, so that it has left is sure; nobody saw when.
    assert observed[unseen] is False
    assert {visit.kind for visit in told} == {Kind.LEFT}
