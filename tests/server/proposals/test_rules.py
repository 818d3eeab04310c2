"""When a proposal is settled, by what, for whom: properties for any case, and the stories they came from."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from server.proposals import rules
from server.proposals.rules import Case, Lapse, Option, Settle, Wait, Withdraw
from tests.server.places import NOW

HOUR = dt.timedelta(hours=1)
DECIDE = NOW + 24 * HOUR
MEMBERS = [f"m{number}" for number in range(7)]

OPTIONS = st.lists(
    st.tuples(st.integers(-3, 60), st.booleans(), st.permutations(MEMBERS), st.integers(0, 7)), min_size=1, max_size=6
).map(
    lambda rows: tuple(
        Option(number, NOW + hours * HOUR, stands, tuple(order[:count]))
        for number, (hours, stands, order, count) in enumerate(rows, 1)
    )
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    quorum = draw(st.integers(2, 6))
    most = draw(st.none() | st.integers(quorum, 8))
    return Case(quorum, most, DECIDE, draw(OPTIONS), draw(st.sampled_from(["m0", "m0", "m0", None])))


MOMENTS = st.integers(-2, 70).map(lambda hours: NOW + hours * HOUR)


@given(cases(), MOMENTS, st.booleans())
def test_what_is_settled_has_its_quorum_and_nobody_is_lost_or_counted_twice(
    case: Case, now: dt.datetime, tapped: bool
) -> None:
    verdict = rules.judge(case, now, tapped=tapped)
    if not isinstance(verdict, Settle):
        return
    won = next(option for option in case.options if option.id == verdict.option_id)
    assert won.stands
    assert won.starts_at > now
    assert len(won.can) >= case.quorum
    assert verdict.going + verdict.waiting == won.can  # in the order in which they committed
    assert len(verdict.going) == min(len(won.can), case.most or len(won.can)) >= case.quorum
    told = [*verdict.going, *verdict.waiting, *verdict.others]
    assert len(told) == len(set(told))
    assert set(told) == set(rules.everybody(case))
    for other in rules.live(case, now):
        assert (-len(won.can), won.starts_at) <= (-len(other.can), other.starts_at)


@given(cases(), MOMENTS)
def test_from_its_deadline_on_it_never_waits(case: Case, now: dt.datetime) -> None:
    verdict = rules.judge(case, max(now, case.decide_by))
    assert not isinstance(verdict, Wait)


@given(cases(), MOMENTS, st.booleans())
def test_without_its_proposer_it_is_withdrawn_and_with_her_never(case: Case, now: dt.datetime, tapped: bool) -> None:
    assert isinstance(rules.judge(case, now, tapped=tapped), Withdraw) == (case.proposer is None)


@given(cases(), MOMENTS)
def test_a_tap_changes_nothing_but_how_soon(case: Case, now: dt.datetime) -> None:
    plain, tapped = rules.judge(case, now), rules.judge(case, now, tapped=True)
    assert plain == tapped or isinstance(plain, Wait)


@given(cases(), MOMENTS)
def test_it_lapses_before_its_deadline_only_when_nothing_is_left(case: Case, now: dt.datetime) -> None:
    verdict = rules.judge(case, now)
    if isinstance(verdict, Lapse):
        left = rules.live(case, now)
        assert verdict.why == ("too_few" if left else "nothing_left")
        assert now >= case.decide_by or not left


@given(cases(), MOMENTS)
def test_one_more_commitment_never_takes_a_gathering_away(case: Case, now: dt.datetime) -> None:
    before = rules.judge(case, now)
    more = case._replace(options=tuple(option._replace(can=(*option.can, "late")) for option in case.options))
    after = rules.judge(more, now)
    if isinstance(before, Settle):
        assert isinstance(after, Settle)
        assert after.option_id == before.option_id


def story(*options: Option, quorum: int = 3, most: int | None = None) -> Case:
    return Case(quorum, most, DECIDE, options, "m0")


THREE = ("m0", "m1", "m2")


def test_with_one_option_the_last_commitment_settles_it_at_once() -> None:
    friday = Option(1, NOW + 48 * HOUR, True, THREE[:2])
    assert rules.judge(story(friday), NOW) == Wait()
    assert rules.judge(story(friday._replace(can=THREE)), NOW) == Settle(1, THREE, (), ())


def test_with_several_the_best_happens_at_the_deadline_or_by_a_tap() -> None:
    friday = Option(1, NOW + 48 * HOUR, True, THREE)
    sunday = Option(2, NOW + 96 * HOUR, True, (*THREE, "m3"))
    both = story(friday, sunday)
    assert rules.judge(both, NOW) == Wait()
    assert rules.judge(both, NOW, tapped=True) == rules.judge(both, DECIDE) == Settle(2, (*THREE, "m3"), (), ())


def test_of_equals_the_earlier_start_wins() -> None:
    late, early = Option(1, NOW + 96 * HOUR, True, THREE), Option(2, NOW + 48 * HOUR, True, THREE[::-1])
    assert rules.judge(story(late, early), DECIDE) == Settle(2, THREE[::-1], (), ())


def test_an_option_that_has_started_or_lost_its_place_falls_out() -> None:
    started = Option(1, NOW + 25 * HOUR, True, (*THREE, "m3"))
    closed = Option(2, NOW + 90 * HOUR, False, (*THREE, "m3"))
    sunday = Option(3, NOW + 96 * HOUR, True, THREE)
    late = NOW + 30 * HOUR  # nobody looked at the deadline
    assert rules.judge(story(started, closed, sunday), late) == Settle(3, THREE, (), ("m3",))
    assert rules.judge(story(started, closed), late) == Lapse("nothing_left")
    assert rules.judge(story(closed), NOW) == Lapse("nothing_left")


def test_whoever_is_first_comes_when_there_is_room_for_some() -> None:
    friday = Option(1, NOW + 48 * HOUR, True, ("m0", "m3", "m1", "m2"))
    sunday = Option(2, NOW + 96 * HOUR, True, ("m5", "m1"))
    assert rules.judge(story(friday, sunday, most=3), DECIDE) == Settle(1, ("m0", "m3", "m1"), ("m2",), ("m5",))


def test_too_few_in_time_and_it_does_not_happen() -> None:
    friday = Option(1, NOW + 48 * HOUR, True, THREE[:2])
    assert rules.judge(story(friday), DECIDE - dt.timedelta(microseconds=1)) == Wait()
    assert rules.judge(story(friday), DECIDE) == Lapse("too_few")
