"""Signing up: places, guests, the waiting list, the host's word, and steps."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.erasure import service as erasure
from server.errors import MusterError
from server.events import life, signups, slots
from server.events import service as events
from server.events.states import State
from tests.server.events.gathering import TOMORROW, by_step, come, leave, make_dinner, seen, told
from tests.server.places import HOUR, NOW


def refused(session: Session, member_id: str = "dora", **how: Any) -> str:
    with pytest.raises(MusterError) as error:
        come(session, member_id, **how)
    return error.value.code


def entry(session: Session, **how: Any) -> None:
    signups.set_entry(session, event_id="dinner", now=NOW, **how)


def test_who_finds_no_place_waits_in_turn_and_gets_the_next(session: Session) -> None:
    make_dinner(session, 2)
    come(session, "dora", "ben", "eva", "finn")
    assert seen(session) == {"dora": "going", "ben": "going", "eva": "waiting after 0", "finn": "waiting after 1"}
    assert signups.count_sign_ups(session, event_id="dinner") == 2
    leave(session, "dora")
    assert seen(session) == {"dora": "withdrawn", "ben": "going", "eva": "going", "finn": "waiting after 0"}
    assert (told(session, "eva"), told(session, "finn")) == (["event.promoted"], [])


def test_the_turn_does_not_hang_on_clocks(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "dora")
    come(session, "eva", now=NOW)
    come(session, "finn", now=NOW - HOUR)  # by a server whose clock is late
    leave(session, "dora")
    assert seen(session)["eva"] == "going"


def test_who_comes_back_stands_at_the_end(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "dora", "eva", "finn")
    leave(session, "eva")
    come(session, "eva")
    assert seen(session) == {"dora": "going", "finn": "waiting after 0", "eva": "waiting after 1"}


def test_signing_up_twice_keeps_the_turn(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "dora", "eva", "finn", "eva", "dora")
    assert seen(session) == {"dora": "going", "eva": "waiting after 0", "finn": "waiting after 1"}


def test_guests_take_places_and_a_party_that_does_not_fit_is_passed_over(session: Session) -> None:
    make_dinner(session, 4, guests_max=3)
    come(session, "dora", guests=2)
    come(session, "eva", guests=2)
    come(session, "finn")
    assert seen(session) == {"dora": "going+2", "eva": "waiting+2 after 0", "finn": "going"}
    come(session, "gus", "hana")
    come(session, "dora", guests=1)
    assert seen(session)["gus"] == "going"  # one place: too few for Eva, who keeps her turn
    assert seen(session)["eva"] == "waiting+2 after 0"
    leave(session, "dora")
    assert seen(session) | {"dora": ""} == {
        "dora": "", "eva": "waiting+2 after 0", "finn": "going", "gus": "going", "hana": "going",
    }  # fmt: skip
    come(session, "eva", guests=0)
    assert seen(session)["eva"] == "going"


def test_guests_that_cannot_be_are_refused_and_the_own_place_is_safe(session: Session) -> None:
    make_dinner(session, 2, guests_max=3)
    assert refused(session, guests=4) == "too_many_guests"
    assert refused(session, guests=2) == "party_too_large"
    come(session, "dora", "ben")
    assert refused(session, guests=1) == "no_room_for_guests"
    assert seen(session) == {"dora": "going", "ben": "going"}
    entry(session, capacities={"dinner-1": 1})  # a retry of who is over the new bound changes nothing
    come(session, "dora", "ben")
    assert seen(session) == {"dora": "going", "ben": "going"}


def test_fewer_places_send_nobody_away_and_more_let_the_next_ones_in(session: Session) -> None:
    make_dinner(session, 2)
    come(session, "dora", "ben", "eva", "finn")
    entry(session, capacities={"dinner-1": 1})
    assert seen(session)["ben"] == "going"
    assert [*slots.free(session, "dinner").values()] == [-1]
    leave(session, "dora")
    assert seen(session)["eva"] == "waiting after 0"
    entry(session, capacities={"dinner-1": 2})
    assert seen(session)["eva"] == "going"
    entry(session, capacities={"dinner-1": None})
    assert seen(session)["finn"] == "going"


def test_nobody_is_promoted_once_it_has_begun(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "dora", "eva")
    leave(session, "dora", now=TOMORROW)
    assert seen(session)["eva"] == "waiting after 0"


def test_nobody_is_promoted_twice_nor_told_twice(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "dora", "eva")
    leave(session, "dora")
    for _ in range(2):
        entry(session, capacities={"dinner-1": 1})
    assert told(session, "eva") == ["event.promoted"]


def test_where_the_host_lets_in_who_signs_up_asks_first(session: Session) -> None:
    make_dinner(session, 1, approval=True)
    come(session, "dora", "eva")
    assert seen(session) == {"dora": "asked", "eva": "asked"}
    assert not signups.has_signed_up(session, event_id="dinner", member_id="dora")
    for _ in range(2):
        signups.answer(session, event_id="dinner", member_id="eva", yes=True, now=NOW)
    signups.answer(session, event_id="dinner", member_id="dora", yes=True, now=NOW)
    assert seen(session) == {"dora": "waiting after 0", "eva": "going"}
    assert (told(session, "eva"), told(session, "dora")) == (["event.answered"], ["event.answered"])


def test_the_hosts_no_frees_the_place_and_holds(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "dora", "eva")
    signups.answer(session, event_id="dinner", member_id="dora", yes=False, now=NOW)
    assert seen(session) == {"dora": "declined", "eva": "going"}
    assert refused(session) == "said_no"
    signups.answer(session, event_id="dinner", member_id="dora", yes=True, now=NOW)
    assert seen(session)["dora"] == "waiting after 0"
    with pytest.raises(MusterError, match="have not signed up"):
        signups.answer(session, event_id="dinner", member_id="finn", yes=True, now=NOW)


def test_by_step_each_step_has_its_own_places_and_its_own_list(session: Session) -> None:
    make_dinner(session, 1, None, 1, by_step=True)
    come(session, "dora", step_ids=["dinner-1", "dinner-2"])
    come(session, "eva")
    assert (by_step(session, "dora"), by_step(session, "eva")) == (["going", "going"], ["waiting", "going", "going"])
    assert seen(session)["eva"] == "going"
    come(session, "dora", step_ids=["dinner-2"])
    assert (by_step(session, "dora"), by_step(session, "eva")) == (["withdrawn", "going"], ["going"] * 3)
    come(session, "dora")
    assert by_step(session, "dora") == ["withdrawn", "going"]
    come(session, "dora", step_ids=["dinner-1", "dinner-3"])
    assert by_step(session, "dora") == ["waiting", "withdrawn", "waiting"]
    assert refused(session, step_ids=["elsewhere"]) == refused(session, step_ids=[]) == "step_unknown"


def test_a_whole_evening_needs_room_at_every_step(session: Session) -> None:
    make_dinner(session, 2, 1)
    come(session, "dora", "eva")
    assert seen(session) == {"dora": "going", "eva": "waiting after 0"}
    assert refused(session, step_ids=["dinner-1"]) == "whole_only"


def test_a_communitys_gathering_is_its_members_unless_it_is_open_to_all(session: Session) -> None:
    communities.create(session, id="swifts", name="Swift watchers")
    dinner = make_dinner(session, 5, community_id="swifts")
    assert refused(session) == "members_only"
    about = events.details_of(dinner)
    events.edit(session, dinner, name="Dinner", community_id="swifts", about=type(about)(open_to_all=True))
    come(session, "dora")


def test_a_draft_takes_nobody_and_one_called_off_tells_who_signed_up_once(session: Session) -> None:
    make_dinner(session, 1, state=State.DRAFT)
    assert refused(session) == "not_announced"
    life.publish(session, event_id="dinner", now=NOW)
    come(session, "dora", "eva")
    for _ in range(2):
        life.cancel(session, event_id="dinner", reason="The oven is\u00a0broken.", now=NOW)
    assert refused(session) == refused(session, "finn") == "called_off"
    assert (told(session, "dora"), told(session, "eva"), told(session, "finn")) == ([CALLED_OFF], [CALLED_OFF], [])
    assert events.steps_open_at(session, at=TOMORROW) == []


CALLED_OFF = "event.called_off"


def test_a_list_brings_people_whatever_room_there_is(session: Session) -> None:
    make_dinner(session, 1, 1, by_step=True)
    come(session, "dora")
    signups.bring(session, event_id="dinner", member_ids=["eva", "finn"], now=NOW)
    assert by_step(session, "finn") == ["going", "going"]
    come(session, "gus")
    assert by_step(session, "gus") == ["waiting", "waiting"]


def test_the_place_of_somebody_erased_goes_to_who_waits(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "dora", "eva")
    erasure.erase(session, member_id="dora", now=NOW)
    assert seen(session) == {"eva": "going"}


def test_once_it_has_begun_a_place_is_for_who_waits_longest_and_asks_again(session: Session) -> None:
    make_dinner(session, 1)
    come(session, "eva", "finn", "hana")
    on = TOMORROW + HOUR / 2
    leave(session, "eva", now=on)
    assert seen(session)["finn"] == "waiting after 0"
    come(session, "gus", "hana", now=on)
    assert (seen(session)["gus"], seen(session)["hana"]) == ("waiting after 2", "waiting after 1")
    come(session, "finn", now=on)
    assert seen(session)["finn"] == "going"
    leave(session, "finn", now=on)
    come(session, "hana", now=on)
    assert (seen(session)["hana"], seen(session)["gus"]) == ("going", "waiting after 0")


def test_a_party_too_large_for_what_is_free_keeps_nobody_from_it(session: Session) -> None:
    make_dinner(session, 3, guests_max=2)
    come(session, "dora", "ben")
    come(session, "eva", guests=2)
    on = TOMORROW + HOUR / 2
    leave(session, "ben", now=on)
    come(session, "finn", now=on)
    assert (seen(session)["eva"], seen(session)["finn"]) == ("waiting+2 after 0", "going")
    come(session, "dora", now=on)
    assert seen(session)["dora"] == "going"
