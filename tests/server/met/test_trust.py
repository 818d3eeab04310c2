"""What a word weighs, by what proves that somebody came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.checkins import words
from server.met import trust

KINDS = st.sampled_from(sorted(trust.WEIGHTS))


def test_every_evidence_of_a_check_in_is_weighed() -> None:
    assert set(trust.WEIGHTS) == set(words._EVIDENCE)


def test_a_badge_weighs_more_than_a_door_a_position_a_poster_and_a_friends_hand() -> None:
    order = ["beacon", "qr", "phone", "poster", "manual"]
    weights = [trust.weight([one]) for one in order]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == len(order)
    assert trust.weight(["manual"] * 5) == trust.weight(["beacon"]), "five waved through are as one who came"


def test_who_came_to_nothing_weighs_nothing_whomever_she_met() -> None:
    assert trust.weight([], met=10) == 0


@given(st.lists(KINDS, max_size=12), KINDS, st.integers(-3, 30))
def test_coming_once_more_or_meeting_more_never_weighs_less_and_is_bounded(
    given_: list[str], more: str, met: int
) -> None:
    before = trust.weight(given_, met)
    assert before <= trust.weight([*given_, more], met) <= trust.weight([*given_, more], met + 1) <= 10
    assert trust.weight(list(reversed(given_)), met) == before


@pytest.mark.parametrize(
    ("came", "met", "word"),
    [
        ([], 3, trust.Word(False, 0, False)),
        (["poster"], 0, trust.Word(False, 1, False)),
        (["poster"], 1, trust.Word(True, 1, True)),
        (["poster", "beacon"], 1, trust.Word(True, 2, False)),
        (["manual"], 0, trust.Word(True, 1, False)),
    ],
)
def test_whose_word_counts_and_why(came: list[str], met: int, word: trust.Word) -> None:
    assert trust.word(came, met) == word
