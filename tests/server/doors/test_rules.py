"""The rules of doors: clocks, steps, decisions, days, positions."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.doors import rules
from server.doors.rules import Ask, By, Case, Flag, In, No, Window
from tests.server.places import CAFE, HOUR, NOW

MINUTE = dt.timedelta(minutes=1)
OPEN = Window("supper-1", "Supper", NOW - HOUR, NOW + 3 * HOUR)
CASE = Case(By.SELF, NOW, False, False, False, False, False, None, 0)

spans = st.timedeltas(min_value=-3 * HOUR, max_value=3 * HOUR)


@given(offset=spans, age=st.timedeltas(min_value=dt.timedelta(0), max_value=15 * MINUTE))
def test_a_phones_clock_does_not_matter_as_long_as_it_runs(offset: dt.timedelta, age: dt.timedelta) -> None:
    sent_at = NOW + offset
    told = rules.moment(sent_at - age, sent_at, NOW, rules.OWN_MOST)
    assert told == (NOW - age, age > rules.LATE_AFTER, False)


@given(told_at=st.datetimes(timezones=st.just(dt.UTC)), sent_at=st.datetimes(timezones=st.just(dt.UTC)))
def test_no_clock_lets_anybody_come_in_the_future_or_long_ago(told_at: dt.datetime, sent_at: dt.datetime) -> None:
    told = rules.moment(told_at, sent_at, NOW, rules.DOOR_MOST)
    assert NOW - rules.DOOR_MOST <= told.at <= NOW


@pytest.mark.parametrize(
    ("told_at", "sent_at"),
    [(NOW + 2 * MINUTE, NOW), (NOW - 8 * 24 * HOUR, NOW), (NOW - 40 * 24 * HOUR, NOW - 40 * 24 * HOUR)],
)
def test_absurd_clocks_are_flagged_and_now_counts(told_at: dt.datetime, sent_at: dt.datetime) -> None:
    told = rules.moment(told_at, sent_at, NOW, rules.DOOR_MOST)
    assert (told.at, told.clock) == (NOW, True)


@given(ahead=st.timedeltas(min_value=dt.timedelta(seconds=1), max_value=12 * HOUR))
def test_before_the_doors_the_minutes_are_told(ahead: dt.timedelta) -> None:
    step, miss = rules.choose([OPEN], OPEN.opens_at - ahead)
    assert step == OPEN
    assert miss is not None
    assert miss.code == "not_open_yet"
    assert 0 <= miss.values["minutes"] * 60 - ahead.total_seconds() < 60 or miss.values["minutes"] == 1


def test_the_nearest_step_is_told_of_several() -> None:
    later = Window("supper-2", "Dancing", NOW + 4 * HOUR, NOW + 6 * HOUR)
    assert rules.choose([OPEN, later], NOW) == (OPEN, None)
    assert rules.choose([OPEN, later], NOW + 5 * HOUR) == (later, None)
    assert rules.choose([OPEN, later], NOW + 4 * HOUR - 12 * MINUTE) == (later, No("not_open_yet", {"minutes": 12}))
    assert rules.choose([OPEN, later], NOW, "supper-2")[0] == later
    assert rules.choose([OPEN, later], NOW + 6 * HOUR + 20 * MINUTE) == (later, No("ended", {"minutes": 20}))
    assert rules.choose([OPEN], NOW + 24 * HOUR) == (OPEN, No("other_evening", {"at": OPEN.opens_at}))
    assert rules.choose([OPEN], NOW - 24 * HOUR) == (OPEN, No("other_evening", {"at": OPEN.opens_at}))
    assert rules.choose([], NOW)[1] == No("nothing_here", {})
    assert rules.choose([OPEN], NOW, "gone")[1] == No("nothing_here", {})


cases = st.builds(
    Case,
    by=st.sampled_from(By),
    at=st.just(NOW),
    late=st.booleans(),
    signed_up=st.booleans(),
    standing=st.booleans(),
    answered=st.booleans(),
    approval=st.booleans(),
    capacity=st.none() | st.integers(1, 5),
    inside=st.integers(0, 8),
)
misses = st.none() | st.sampled_from(
    [No("not_open_yet", {"minutes": 3}), No("ended", {"minutes": 3}), No("other_evening", {}), No("nothing_here", {})]
)


@given(case=cases, miss=misses)
def test_laws_of_every_decision(case: Case, miss: No | None) -> None:
    verdict = rules.decide(case, miss)
    if miss is not None and miss.code in ("other_evening", "nothing_here"):
        assert verdict == miss
    elif case.by is By.HOST or case.late:
        assert isinstance(verdict, In)  # a host decides, and what a door told afterwards has happened
    elif case.standing or case.answered:
        assert not isinstance(verdict, Ask)
    if isinstance(verdict, In) and not case.standing and case.capacity is not None and case.inside >= case.capacity:
        assert Flag.OVER_CAPACITY in verdict.flags  # never silently
    if isinstance(verdict, Ask):
        assert miss is None
    if case.signed_up and isinstance(verdict, Ask):
        assert verdict.reason == "full"  # approval does not concern who signed up


def test_the_last_place_is_given_and_the_next_one_asks() -> None:
    assert rules.decide(CASE._replace(capacity=2, inside=1), None) == In()
    assert rules.decide(CASE._replace(capacity=2, inside=2), None) == Ask("full")
    assert rules.decide(CASE._replace(approval=True), None) == Ask("approval")
    assert rules.decide(CASE._replace(approval=True, signed_up=True), None) == In()
    assert rules.decide(CASE._replace(approval=True, by=By.DOOR), None) == Ask("approval")


def test_what_an_offline_door_tells_is_kept_and_flagged() -> None:
    late = CASE._replace(by=By.DOOR, late=True, capacity=1, inside=1, approval=True)
    ended = No("ended", {"minutes": 3})
    assert rules.decide(late, ended) == In((Flag.ENDED, Flag.OVER_CAPACITY, Flag.NOT_APPROVED))


def test_a_position_counts_with_all_that_it_may_be_off() -> None:
    def at(metres: float, accuracy_m: float, age_s: float = 1) -> No | None:
        return rules.check_position((CAFE[0], CAFE[1] + metres / 111_195), accuracy_m, age_s, CAFE, 150)

    assert at(0, 20) is at(100, 49.9) is None
    assert at(100, 51) == No("position_vague", {"accuracy": 51, "radius": 150})
    assert at(175, 10) == No("too_far", {"metres": 180, "radius": 150})
    assert at(10, 20, 61) == No("position_old", {"seconds": 61})
    impossible = No("position_impossible", {})
    assert at(10, 0) == at(10, -5) == at(10, 6000) == impossible
    for fix in ((0.0, 0.0), (200.0, 10.0), (10.0, 91.0)):
        assert rules.check_position(fix, 10, 0, CAFE, 150) == impossible


@given(metres=st.floats(0, 400), accuracy_m=st.floats(0.1, 400), more=st.floats(0, 200), age_s=st.floats(0, 60))
def test_nearer_and_more_exact_is_never_worse(metres: float, accuracy_m: float, more: float, age_s: float) -> None:
    def counts(metres: float, accuracy_m: float) -> bool:
        fix = (CAFE[0], CAFE[1] + metres / 111_195)
        return rules.check_position(fix, accuracy_m, age_s, CAFE, 150) is None

    if counts(metres + more, accuracy_m):
        assert counts(metres, accuracy_m)
    if counts(metres, accuracy_m + more):
        assert counts(metres, accuracy_m)


def test_links_close_two_hours_after_the_end_and_posters_do_not() -> None:
    end = NOW + 3 * HOUR
    assert rules.closes_at("volunteer", None, end) == rules.closes_at("screen", None, end) == end + 2 * HOUR
    assert rules.closes_at("volunteer", NOW, end) == NOW
    assert rules.closes_at("poster", None, end) is None
    assert rules.closes_at("screen", NOW, None) == NOW
