"""Codes of posters and screens, tickets and links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.doors import codes

SECRET = bytes(range(32))


def test_a_new_code_has_six_signs_that_nobody_confuses() -> None:
    made = {codes.new_code() for _ in range(200)}
    assert len(made) == 200
    assert all(len(code) == 6 and not set(code) & set("01OIL") for code in made)


@pytest.mark.parametrize("typed", ["k7m2px", "K7M 2PX", " k7m-2px ", "K7M2PX0", "O1k7m2pxIL"])
def test_what_a_thumb_adds_is_forgiven(typed: str) -> None:
    assert codes.read(typed) == "K7M2PX"


@given(st.text(max_size=60))
def test_whatever_is_typed_gives_a_code_or_none(typed: str) -> None:
    code = codes.read(typed)
    assert code is None or (len(code) == codes.LENGTH and set(code) <= set(codes.SIGNS))


@given(turn=st.integers(0, 1 << 40), within_s=st.floats(0, 29.9))
def test_this_code_and_the_last_are_known_by_their_age(turn: int, within_s: float) -> None:
    at_s = turn * 30 + 600 + within_s
    now = codes.turn_of(at_s)
    assert codes.age(SECRET, codes.of_turn(SECRET, now), at_s) == 0
    assert codes.age(SECRET, codes.of_turn(SECRET, now - 1), at_s) == 1
    assert codes.age(SECRET, codes.of_turn(SECRET, now - 19), at_s) == 19
    assert codes.age(bytes(32), codes.of_turn(SECRET, now), at_s) is None


def test_a_ticket_is_good_for_its_screen_and_five_minutes() -> None:
    ticket = codes.ticket(SECRET, 7, 1000.0)
    assert codes.door_of(ticket) == 7
    assert codes.is_ticket(SECRET, ticket, 1000)
    assert codes.is_ticket(SECRET, ticket, 1300)
    assert not codes.is_ticket(SECRET, ticket, 1301)
    assert not codes.is_ticket(SECRET, ticket, 999)
    assert not codes.is_ticket(bytes(32), ticket, 1000)
    assert not codes.is_ticket(SECRET, ticket.replace("1000", "1200"), 1200)


@given(st.text(max_size=60))
def test_no_other_text_is_a_ticket(text: str) -> None:
    assert not codes.is_ticket(SECRET, text, 1000)
    codes.door_of(text)
