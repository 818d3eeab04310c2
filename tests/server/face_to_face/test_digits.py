"""Which digits are given, and what somebody typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.face_to_face import digits


def test_nothing_obvious_is_given_and_nothing_else_is_missing() -> None:
    assert {"0000", "7777", "1234", "0123", "7890", "4321", "9876", "0987", "1212", "9090"}.isdisjoint(digits.GIVEN)
    assert {"0001", "1235", "1221", "1223", "2024"} < set(digits.GIVEN)
    assert len(digits.GIVEN) == 10_000 - 100 - 8 - 8
    assert all(len(one) == 4 and one.isdecimal() for one in digits.GIVEN)


@given(st.sets(st.sampled_from(digits.GIVEN)))
def test_what_is_free_is_all_that_is_not_taken(taken: set[str]) -> None:
    found = digits.free(taken)
    assert set(found) == set(digits.GIVEN) - taken
    assert len(found) == len(set(found))


@pytest.mark.parametrize("typed", ["4821", " 48 21 ", "48-21", "4.8.2.1", "４８２１", "٤٨٢١"])
def test_gaps_and_scripts_do_not_matter(typed: str) -> None:
    assert digits.read(typed) == "4821"


@pytest.mark.parametrize("typed", ["", "482", "48210", "48a21", "4821x", "²²²²", "4821" + " " * 50 + "1", "x" * 999])
def test_what_is_not_four_digits_is_none(typed: str) -> None:
    assert digits.read(typed) is None
