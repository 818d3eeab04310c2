"""Laws of who would gather with whom, and of when a gathering is over."""

import dataclasses
import datetime as dt
import random

from hypothesis import given
from hypothesis import strategies as st

from config import settings as config
from geo import cells, distances
from server.popups import rules
from server.popups.rules import Person, Seen
from tests.server.fences.scene import PARK, east
from tests.server.places import NOW

RULE = config.load(environment={}).pop_ups
SMALL = dataclasses.replace(RULE, people=3, most_people=4)
SPOTS = [cells.of(east(300 * number, PARK), cells.NEAR) for number in range(8)]
MINUTE = dt.timedelta(minutes=1)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Person], list[tuple[str, str]]]:
    """A dozen people around a park, what they like, and who wants nothing of whom."""
    ids = [f"m{number}" for number in range(draw(st.integers(0, 14)))]
    people = [
        Person(
            one,
            draw(st.sampled_from(SPOTS)),
            draw(st.sampled_from([None, None, "cafe", "bar"])),
            frozenset(draw(st.sets(st.sampled_from(["chess", "music", "go"])))),
            draw(st.integers(0, 9)) == 0,
            float(draw(st.integers(0, 2))),
        )
        for one in ids
    ]
    pairs = draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=6)) if ids else []
    return people, [(one, other) for one, other in pairs if one != other]


@given(worlds())
def test_each_group_is_one_that_would_gather(world: tuple[list[Person], list[tuple[str, str]]]) -> None:
    people, pairs = world
    of = {one.member_id: one for one in people}
    found = rules.groups(people, rules.blocks_of(pairs), SMALL)
    everybody = [one for group in found for one in group.member_ids]
    assert len(everybody) == len(set(everybody)), "nobody is in two"
    for group in found:
        assert SMALL.people <= len(group.member_ids) <= SMALL.most_people
        members = [of[one] for one in group.member_ids]
        assert all(group.interest_id in one.interests for one in members)
        assert {one.simulated for one in members} == {group.simulated}
        assert not [pair for pair in pairs if set(pair) <= set(group.member_ids)], "nobody with whom she blocked"
        assert (group.venue_id is None) != (group.cell is None)
        if group.venue_id is not None:
            assert {one.venue_id for one in members} == {group.venue_id}
        if group.cell is not None:
            middle = cells.centre(group.cell)
            assert all(distances.between_m(middle, cells.centre(one.cell)) <= SMALL.near_m for one in members)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_changes_nothing(world: tuple[list[Person], list[tuple[str, str]]], by: random.Random) -> None:
    people, pairs = world
    before = rules.groups(people, rules.blocks_of(pairs), SMALL)
    by.shuffle(people)
    by.shuffle(pairs)
    turned = [(other, one) for one, other in pairs]
    assert rules.groups(people, rules.blocks_of(turned), SMALL) == before


@given(st.integers(0, 12))
def test_without_blocks_whoever_is_enough_in_one_place_is_found(count: int) -> None:
    people = [Person(f"m{number}", SPOTS[0], None, frozenset({"chess"})) for number in range(count)]
    found = rules.groups(people, {}, RULE)
    assert [len(group.member_ids) for group in found] == ([count] if count >= RULE.people else [])


def test_one_with_whom_nobody_would_gather_does_not_spoil_it() -> None:
    people = [Person(f"m{number}", SPOTS[0], None, frozenset({"chess"})) for number in range(5)]
    blocks = rules.blocks_of([("m0", f"m{number}") for number in range(1, 5)])
    [group] = rules.groups(people, blocks, RULE)
    assert group.member_ids == ("m1", "m2", "m3", "m4")


def test_who_was_asked_longest_ago_goes_first() -> None:
    people = [
        Person(f"m{number:02}", SPOTS[0], None, frozenset({"chess"}), False, 20.0 - number) for number in range(15)
    ]
    [group] = rules.groups(people, {}, RULE)
    assert group.member_ids == tuple(f"m{number:02}" for number in range(3, 15))


def test_the_newest_sign_says_whether_somebody_is_there() -> None:
    since = Seen(NOW)
    at = [NOW + minute * MINUTE for minute in range(200)]
    assert rules.is_there(since, at[120], RULE)
    assert not rules.is_there(since, at[121], RULE), "silence is not absence, for two hours"
    assert not rules.is_there(since._replace(placed_at=at[5], away_m=900), at[6], RULE)
    assert rules.is_there(since._replace(placed_at=at[5], away_m=700), at[125], RULE)
    assert rules.is_there(since._replace(heard_at=at[8], placed_at=at[5], away_m=900), at[9], RULE)
    assert not rules.is_there(since._replace(heard_at=at[8], left=True), at[15], RULE)
    assert rules.is_there(since._replace(heard_at=NOW - MINUTE, left=True), at[1], RULE), "her yes came after that"


@given(st.lists(st.booleans(), max_size=60))
def test_it_is_over_only_after_ten_minutes_in_a_row_with_too_few(enough: list[bool]) -> None:
    thin_at, run = None, 0
    for minute, there in enumerate(enough):
        now = NOW + minute * MINUTE
        seen = [Seen(now)] * (2 if there else 1)
        ends_at = NOW + dt.timedelta(hours=4)
        over, thin_at = rules.judge(seen, thin_at=thin_at, ends_at=ends_at, now=now, rule=RULE)
        run = 0 if there else run + 1
        assert over is (run > RULE.gone_s / 60)
        assert rules.judge(seen, thin_at=thin_at, ends_at=ends_at, now=now, rule=RULE) == (over, thin_at)
