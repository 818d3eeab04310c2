"""What check-ins prove together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.checkins import words
from server.turnout import evidence

KINDS = st.sampled_from(sorted(evidence.STRENGTHS))


def test_every_evidence_of_a_check_in_is_weighed() -> None:
    assert set(evidence.STRENGTHS) == set(words._EVIDENCE)


@given(st.lists(st.lists(KINDS, max_size=4), max_size=30), st.integers(-5, 50))
def test_the_mix_counts_each_once_and_its_bar_holds_it(people: list[list[str]], missed: int) -> None:
    found = evidence.mix(people)
    assert found.total == sum(1 for one in people if one)
    assert found.proven == sum(1 for one in people if set(one) - {"poster"})
    bar = evidence.figure(found, missed)
    assert bar.low <= bar.counted <= bar.high
    assert bar.high - bar.counted == max(0, missed)


@given(st.lists(KINDS, min_size=1), st.randoms())
def test_the_strongest_does_not_hang_on_the_order(given_: list[str], chance: object) -> None:
    turned = list(given_)
    chance.shuffle(turned)  # type: ignore[attr-defined]
    assert evidence.strongest(given_) == evidence.strongest(turned)


@pytest.mark.parametrize(
    ("given_", "met", "word"),
    [
        ([], 0, False),
        ([], 3, False),
        (["poster"], 0, False),
        (["poster"], 1, True),
        (["poster", "poster"], 0, False),
        (["phone"], 0, False),
        (["phone", "poster"], 0, False),
        (["phone"], 1, True),
        (["poster", "screen"], 0, True),
        (["beacon"], 0, True),
        (["manual"], 0, True),
        (["rumour"], 0, False),
    ],
)
def test_whose_word_counts(given_: list[str], met: int, word: bool) -> None:
    assert evidence.has_word(given_, met) is word
