"""Sentences about check-ins."""

import datetime as dt

import pytest

from server.checkins import words

AT = dt.datetime(2026, 7, 1, 17, 28, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        ("entrance", "19:28 · by your badge, at the entrance"),
        ("Studio 2", "19:28 · by your badge, at Studio 2"),
        ("everywhere", "19:28 · by your badge"),
        (None, "19:28 · by your badge"),
    ],
)
def test_an_arrival_is_told_in_the_venues_time(zone: str | None, sentence: str) -> None:
    assert words.arrived(AT, "Europe/Berlin", "beacon", zone) == sentence


@pytest.mark.parametrize(
    ("earlier", "note"), [(0, "first time"), (1, "second time here"), (2, "third time here"), (9, "10 times here")]
)
def test_visits_before_are_counted_in_words(earlier: int, note: str) -> None:
    assert words.times_here(earlier) == note


@pytest.mark.parametrize(
    ("name", "letters"), [("Ana Moreno", "AM"), ("Cher", "C"), ("Maria del Carmen Ruiz", "MR"), ("李 明", "李明")]
)
def test_initials_are_of_the_first_and_the_last_word(name: str, letters: str) -> None:
    assert words.initials(name) == letters
