"""The rhythm of badges that advertise slowly: learnt, bounded, and what it is worth with real recordings."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import settings
from server.presence import joining, listening, rhythm, rule, states, trace
from server.presence.intervals import Interval
from server.presence.rhythm import Recent
from server.presence.rule import Rule
from server.presence.states import Kind
from tests.journeys import score
from tests.server.presence import summit

RULE = rule.make(settings.load(environment={}).presence, 300)
SLOT = RULE.slot_ms
ALWAYS = [(0, 1 << 50)]
S = 1000


def after_s(slots: Sequence[int], listened: Sequence[Interval] = ALWAYS, judged_by: Rule = RULE) -> float:
    usual = rhythm.usual_ms(slots, listened, judged_by)
    return rhythm.away_after_ms(usual, judged_by) / 1000


def every(seconds: int, times: int) -> list[int]:
    return [at * seconds * S // SLOT for at in range(times)]


def test_a_badge_heard_all_the_time_keeps_the_constant() -> None:
    assert after_s(every(5, 360)) == 30
    assert after_s([]) == 30


@pytest.mark.parametrize(("seconds", "expected"), [(10, 30), (15, 45), (40, 120), (80, 240), (120, 240), (295, 240)])
def test_a_badge_that_sends_slowly_is_away_after_three_of_its_intervals_at_most_the_bound(
    seconds: int, expected: int
) -> None:
    assert after_s(every(seconds, 10)) == expected


def test_nothing_is_learnt_from_a_few_intervals() -> None:
    assert after_s(every(40, rhythm.LEAST)) == 30
    assert after_s(every(40, rhythm.LEAST + 1)) == 120


def test_one_real_absence_is_no_rhythm() -> None:
    heard = every(10, 20)
    back = [heard[-1] + 40 + slot for slot in heard]
    assert after_s([*heard, *back]) == 30


def test_intervals_that_ended_a_visit_or_were_not_listened_to_do_not_count() -> None:
    assert after_s(every(310, 20)) == 30
    heard = every(40, 10)
    deaf_in_each = [(at * 40 * S + 20 * S, at * 40 * S + 59 * S) for at in range(10)]
    assert after_s(heard, deaf_in_each) == 30
    assert after_s(heard, [(0, 400 * S)]) == 120


def test_the_bound_of_a_venue_is_its_own_join_gap() -> None:
    quick = rule.make(settings.load(environment={}).presence, 61)
    assert after_s(every(40, 10), judged_by=quick) == 61


blocks = st.lists(
    st.tuples(
        st.integers(0, 29).map(lambda minute: minute * trace.BLOCK_MS),
        st.dictionaries(
            st.integers(1, 5),
            st.binary(min_size=12, max_size=12).map(lambda raw: bytes(b if b % 3 else 0x80 for b in raw)),
            max_size=3,
        ),
    ),
    max_size=8,
)


@given(blocks, st.randoms(use_true_random=False))
def test_what_a_trace_tells_does_not_depend_on_order_repetition_or_placements(
    found: list[tuple[int, dict[int, bytes]]], chance: random.Random
) -> None:
    once, again = Recent(SLOT), Recent(SLOT)
    for block_ms, peaks in found:
        once.take(block_ms, trace.pack(peaks))
    repeated = [*found, *found]
    chance.shuffle(repeated)
    for block_ms, peaks in repeated:
        again.take(block_ms, trace.pack(peaks))
    for badge_id in range(1, 6):
        heard = {
            block_ms // SLOT + place
            for block_ms, peaks in found
            for place, byte in enumerate(peaks.get(badge_id, b""))
            if byte != 0x80
        }
        assert once.slots_of(badge_id) == again.slots_of(badge_id) == sorted(heard)
    assert once.rhythms(ALWAYS, RULE) == again.rhythms(ALWAYS, RULE)
    once.forget_before(10 * trace.BLOCK_MS)
    assert all(slot * SLOT >= 10 * trace.BLOCK_MS for badge_id in range(1, 6) for slot in once.slots_of(badge_id))


def test_only_badges_with_a_rhythm_of_their_own_are_told() -> None:
    recent = Recent(SLOT)
    for minute in range(10):
        steady = bytes([0xC4] * 12)
        slow = bytes([0xC4, *[0x80] * 11])
        recent.take(minute * trace.BLOCK_MS, trace.pack({1: steady, 2: slow}))
    assert recent.rhythms(ALWAYS, RULE) == {2: 180_000}


def judged(heard_ms: Sequence[int], step_ms: int, learns: bool, begin: int) -> Iterator[tuple[int, Kind]]:
    """The state of a badge each step_ms from its first hearing to its last, with what was known at that moment."""
    slots = sorted({at // SLOT for at in heard_ms})
    known = last = 0
    away_after_ms = RULE.away_after_ms
    for at in range(heard_ms[0], heard_ms[-1], step_ms):
        while last + 1 < len(heard_ms) and heard_ms[last + 1] <= at:
            last += 1
        before = known
        while known < len(slots) and (slots[known] + 1) * SLOT <= at:
            known += 1
        if learns and known != before:
            recent = [slot for slot in slots[:known] if slot * SLOT >= at - rhythm.BACK_MS]
            away_after_ms = rhythm.away_after_ms(rhythm.usual_ms(recent, [(begin, at)], RULE), RULE)
        reckoning = listening.Reckoning(begin, at, ((begin, at),), {"room": ((begin, at),)}, {}, {})
        yield at, states.state(heard_ms[0], heard_ms[last], reckoning, RULE, away_after_ms).kind


def false_aways(
    recording: summit.Recording, truth: dict[int, list[score.Stay]], heard: dict[int, list[int]], learns: bool
) -> tuple[int, int]:
    """How often, and for how many seconds, badges count as away inside the stays that their carriers wrote down."""
    episodes = seconds = 0
    begin = recording.whole[0]
    for minor, stays in truth.items():
        inside = [stay for stay in stays if not stay.room.startswith(score.TRANSIT)]
        was_away = False
        for at, kind in judged(heard[minor], S, learns, begin):
            away = kind is not Kind.PRESENT and any(stay.from_ms <= at <= stay.to_ms for stay in inside)
            episodes += away and not was_away
            seconds += away
            was_away = away
    return episodes, seconds


def thinned(heard: dict[int, list[int]], every_ms: int, lost: float) -> dict[int, list[int]]:
    """The same badges, had they sent one advert every so often, of which a share is lost."""
    chance = random.Random(7)
    slow: dict[int, list[int]] = {}
    for minor, times in heard.items():
        due, kept = 0, []
        for at in times:
            if at >= due:
                due = at + every_ms
                if chance.random() >= lost:
                    kept.append(at)
        slow[minor] = kept
    return slow


def test_far_fewer_badges_are_away_by_mistake_with_their_own_rhythm(
    shared_data: Path, show: Callable[[str], None]
) -> None:
    lines = [f"{'recording':<10} {'adverts':<26} {'fixed 30 s':>18} {'learnt rhythm':>18}"]
    results = {}
    for run, truth_file in ((summit.FOUR, "truth_03-07.csv"), (summit.TWO, "truth_03-03.csv")):
        recording = summit.read(shared_data, run)
        _, truth = score.read_truth(shared_data / "summit2015" / truth_file)
        variants = {
            "as recorded": recording.badges,
            "one in 20 s, 20 % lost": thinned(recording.badges, 20 * S, 0.2),
            "one in 40 s": thinned(recording.badges, 40 * S, 0),
        }
        for name, heard in variants.items():
            fixed = false_aways(recording, truth, heard, learns=False)
            learnt = false_aways(recording, truth, heard, learns=True)
            results[run, name] = fixed, learnt
            cells = [f"{episodes:4d}, {seconds:5d} s" for episodes, seconds in (fixed, learnt)]
            lines.append(f"{run[-5:]:<10} {name:<26} {cells[0]:>18} {cells[1]:>18}")
    show("badges away by mistake inside true stays\n" + "\n".join(lines))
    for (_, name), (fixed, learnt) in results.items():
        assert learnt[0] <= fixed[0]
        assert learnt[1] <= fixed[1]
        if name != "as recorded":
            assert learnt[0] * 2 < fixed[0]


def test_a_badge_that_really_goes_is_away_no_later_than_the_bound_and_has_left_as_ever() -> None:
    heard = [at * 40 * S for at in range(20)]
    gone = heard[-1]
    slots = [at // SLOT for at in heard]
    own = rhythm.away_after_ms(rhythm.usual_ms(slots, ALWAYS, RULE), RULE)
    found = {}
    for silent_s in (120, 121, 299, 300):
        at = gone + silent_s * S
        reckoning = listening.Reckoning(0, at, ((0, at),), {"room": ((0, at),)}, {}, {})
        found[silent_s] = states.state(0, gone, reckoning, RULE, own).kind
    assert found == {120: Kind.PRESENT, 121: Kind.AWAY, 299: Kind.AWAY, 300: Kind.LEFT}
    assert joining.join([(at, at) for at in heard], RULE.join_gap_ms) == [(0, gone)]
