"""Tests of the simulated people."""

from collections.abc import Callable

import pytest

from server.operations.demo import neighbourhood, people, residents
from server.operations.demo.neighbourhood import STREET

EVENING = people.Evening(begins_s=1200, ends_s=8400)
STEP_S = 0.2


def make_crowd(evening: people.Evening = EVENING, seed: int = 1) -> people.Crowd:
    return people.Crowd(residents.RESIDENTS, evening, seed)


def run(crowd: people.Crowd, until_s: float, from_s: float = 0.0, each: Callable[[float], None] | None = None) -> None:
    for tick in range(round(from_s / STEP_S) + 1, round(until_s / STEP_S) + 1):
        crowd.step(tick * STEP_S, STEP_S)
        if each is not None:
            each(tick * STEP_S)


def spaces(crowd: people.Crowd) -> dict[str, str]:
    return {person.id: neighbourhood.space_at(*person.at) for person in crowd.people.values() if person.at is not None}


def test_you_stand_in_the_street_until_moved() -> None:
    crowd = make_crowd()
    run(crowd, 120)
    assert crowd.people["you"].at == neighbourhood.YOU_AT_M
    assert neighbourhood.space_at(*neighbourhood.YOU_AT_M) == STREET


def test_who_is_moved_by_hand_is_there_at_once_and_stays() -> None:
    crowd = make_crowd()
    for person in ("you", "xiaowen", "amina"):
        crowd.hold(person, (52.0, 23.0))
    run(crowd, 1500)
    assert {crowd.people[person].at for person in ("you", "xiaowen", "amina")} == {(52.0, 23.0)}


def test_nobody_of_an_unknown_name_can_be_moved() -> None:
    with pytest.raises(KeyError):
        make_crowd().hold("nobody", (0.0, 0.0))


@pytest.mark.parametrize("seed", range(5))
def test_a_newcomer_sees_somebody_enter_a_shop_within_fifteen_seconds(seed: int) -> None:
    crowd = make_crowd(seed=seed)
    before = spaces(crowd)
    assert sum(space != STREET for space in before.values()) >= 8
    run(crowd, 15)
    after = spaces(crowd)
    assert sum(before.get(person, STREET) == STREET and space != STREET for person, space in after.items()) >= 3


def test_the_bookshop_fills_until_the_beginning_and_empties_after_the_end() -> None:
    crowd = make_crowd()
    counts: dict[float, int] = {}

    def count(now_s: float) -> None:
        if now_s % 60 < STEP_S:
            counts[now_s // 60] = sum(space.startswith("books-") for space in spaces(crowd).values())

    run(crowd, 9000, each=count)
    coming = sum(r.intent in (residents.Intent.STORIES, *people.FIRST) for r in residents.RESIDENTS)
    assert counts[1] < counts[8] < counts[25]
    assert counts[25] >= coming - 3
    assert counts[149] < 6


def test_at_the_beginning_people_sit_where_the_stories_are_read() -> None:
    crowd = make_crowd()
    run(crowd, EVENING.begins_s + 240)
    assert sum(space == people.STAGE for space in spaces(crowd).values()) > 30


def test_when_the_world_begins_in_the_middle_most_are_there_already() -> None:
    crowd = make_crowd(people.Evening(begins_s=-1800, ends_s=5400))
    assert sum(space == people.STAGE for space in spaces(crowd).values()) > 25


def test_a_new_evening_brings_those_back_who_had_gone() -> None:
    crowd = make_crowd(people.Evening(begins_s=-8000, ends_s=-3600))
    run(crowd, 600)
    assert sum(space.startswith("books-") for space in spaces(crowd).values()) < 6
    crowd.plan_evening(people.Evening(begins_s=1800, ends_s=9000), 600)
    run(crowd, 2100, from_s=600)
    assert sum(space.startswith("books-") for space in spaces(crowd).values()) > 30


def test_nobody_walks_faster_than_people_walk() -> None:
    crowd = make_crowd()
    before = {person.id: person.at for person in crowd.people.values()}

    def check(_now_s: float) -> None:
        for person in crowd.people.values():
            earlier = before[person.id]
            if earlier is not None and person.at is not None:
                assert neighbourhood.distance_m(earlier, person.at) <= people.WALKING_M_S * STEP_S + 1e-9
            before[person.id] = person.at

    run(crowd, 300, each=check)


def test_who_does_not_come_is_never_heard() -> None:
    crowd = make_crowd()
    heard: set[str] = set()

    def hear(now_s: float) -> None:
        heard.update(person.id for person in crowd.adverts(now_s))

    run(crowd, 1500, each=hear)
    assert not heard & {r.id for r in residents.RESIDENTS if r.intent is residents.Intent.AT_HOME}
    assert "you" in heard


def test_a_badge_sends_about_once_a_second() -> None:
    crowd = make_crowd()
    count = 0

    def hear(now_s: float) -> None:
        nonlocal count
        count += sum(person.id == "you" for person in crowd.adverts(now_s))

    run(crowd, 300, each=hear)
    assert 290 <= count <= 310


def test_after_a_pause_of_the_machine_badges_do_not_send_what_they_missed() -> None:
    crowd = make_crowd()
    assert sum(person.id == "you" for person in crowd.adverts(3600)) <= 7


def test_the_same_seed_gives_the_same_evening() -> None:
    first, second, other = make_crowd(seed=3), make_crowd(seed=3), make_crowd(seed=4)
    for crowd in (first, second, other):
        run(crowd, 200)
    places = [[person.at for person in crowd.people.values()] for crowd in (first, second, other)]
    assert places[0] == places[1]
    assert places[0] != places[2]


def crowd_spaces(crowd: people.Crowd) -> list[str]:
    return [space for person, space in spaces(crowd).items() if person.startswith("crowd-")]


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_is_in_the_bookshop_within_half_a_minute_and_gone_after_some(seed: int) -> None:
    crowd = make_crowd(seed=seed)
    run(crowd, 60)
    assert crowd_spaces(crowd) == []
    crowd.call_crowd(60)
    run(crowd, 90, from_s=60)
    assert len(crowd_spaces(crowd)) >= 20
    assert all(space.startswith("books-") for space in crowd_spaces(crowd))
    # Long enough to be checked in without having signed up.
    run(crowd, 240, from_s=90)
    assert len(crowd_spaces(crowd)) >= 20
    run(crowd, 480, from_s=240)
    assert crowd_spaces(crowd) == []
    assert crowd.crowd_here() == 0


def test_a_crowd_called_twice_is_one_crowd_and_can_be_called_again_later() -> None:
    crowd, twice = make_crowd(), make_crowd()
    for each in (crowd, twice):
        each.call_crowd(0)
        run(each, 20)
    before = {person.id: (person.at, list(person.plan)) for person in twice.people.values()}
    twice.call_crowd(20)
    assert {person.id: (person.at, list(person.plan)) for person in twice.people.values()} == before
    run(crowd, 480, from_s=20)
    crowd.call_crowd(480)
    run(crowd, 510, from_s=480)
    assert len(crowd_spaces(crowd)) >= 20


def test_a_badge_left_behind_sends_from_where_it_lies_and_goes_along_again_when_it_is_picked_up() -> None:
    crowd = make_crowd()
    crowd.leave_badge("you", True)
    crowd.hold("you", (0.0, 5.0))
    you = crowd.people["you"]
    assert (you.at, you.badge_at) == ((0.0, 5.0), people.LEFT_AT)
    assert neighbourhood.space_at(*people.LEFT_AT) == "cafe-tables"
    crowd.leave_badge("you", False)
    assert you.badge_at == (0.0, 5.0)
    with pytest.raises(KeyError):
        crowd.leave_badge("nobody", True)
