"""Deltas bring a browser exactly to where a snapshot would."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.live.changes import CannotTell, changes


def topic(rev: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "rev": rev,
        "venue": {"id": "cafe", "replayed": False, "now": "1"},
        "zones": [{"id": "hall", "count": 1}],
        "agents": [{"id": "door", "state": "listening"}],
        "badges": [{"id": 1, "state": "present"}, {"id": 2, "state": "away"}],
        **more,
    }


def test_nothing_changed_is_no_delta_even_at_another_revision_and_time() -> None:
    assert changes(topic(), topic(2, venue={"id": "cafe", "replayed": False, "now": "2"})) is None


def test_only_changed_entries_are_told() -> None:
    after = topic(2, badges=[{"id": 1, "state": "present"}, {"id": 2, "state": "left"}, {"id": 3, "state": "present"}])
    assert changes(topic(), after) == {
        "rev": 2,
        "badges": [{"id": 2, "state": "left"}, {"id": 3, "state": "present"}],
    }


def test_the_time_of_a_replayed_venue_is_news() -> None:
    before = topic(venue={"id": "cafe", "replayed": True, "now": "1"})
    after = topic(venue={"id": "cafe", "replayed": True, "now": "2"})
    assert changes(before, after) == {"rev": 1, "venue": after["venue"]}


def test_a_badge_that_is_gone_is_said_to_have_left_once() -> None:
    gone = topic(badges=[{"id": 1, "state": "present"}])
    assert changes(topic(), gone) == {"rev": 1, "badges": [{"id": 2, "state": "left"}]}
    left = topic(badges=[{"id": 1, "state": "present"}, {"id": 2, "state": "left"}])
    assert changes(left, gone) is None


@pytest.mark.parametrize("key", ["zones", "agents"])
def test_a_zone_or_agent_that_is_gone_needs_a_snapshot(key: str) -> None:
    with pytest.raises(CannotTell):
        changes(topic(), {**topic(), key: []})


def test_arrivals_that_fell_out_of_the_newest_are_no_news() -> None:
    before, after = topic(arrivals=[{"id": 2}, {"id": 1}]), topic(arrivals=[{"id": 3}, {"id": 2}])
    assert changes(before, after) == {"rev": 1, "arrivals": [{"id": 3}]}


def test_names_come_whole_so_that_one_taken_back_is_gone() -> None:
    assert changes(topic(names={"1": "Ana", "2": "Ben"}), topic(names={"1": "Ana"})) == {
        "rev": 1,
        "names": {"1": "Ana"},
    }


badges = st.dictionaries(st.integers(1, 6), st.sampled_from(["present", "away", "left", "unknown"]), max_size=6)


@given(badges, badges, badges)
def test_a_browser_that_takes_every_delta_sees_what_a_new_one_sees(
    first: dict[int, str], second: dict[int, str], third: dict[int, str]
) -> None:
    seen = dict(first)
    for before, after in ((first, second), (second, third)):
        delta = changes(
            topic(badges=[{"id": key, "state": state} for key, state in before.items()]),
            topic(badges=[{"id": key, "state": state} for key, state in after.items()]),
        )
        for entry in (delta or {}).get("badges", []):
            seen[entry["id"]] = entry["state"]
    assert {key: state for key, state in seen.items() if state != "left"} == {
        key: state for key, state in third.items() if state != "left"
    }
