"""Sentences about check-ins."""

import datetime as dt

import pytest

from server import texts
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


def test_the_sentence_says_when_the_doors_open() -> None:
    opens_at = dt.datetime(2026, 3, 13, 19, 0, tzinfo=dt.UTC)
    assert "12 minutes" in words.opens_in(opens_at, opens_at - dt.timedelta(minutes=11, seconds=20))
    assert "1 minute." in words.opens_in(opens_at, opens_at - dt.timedelta(seconds=5))


def test_a_reader_of_chinese_is_told_the_same_in_chinese() -> None:
    say = texts.of("zh")
    assert words.arrived(AT, "Europe/Berlin", "beacon", "入口", say) == "19:28 · 凭你的徽章，在入口"
    assert words.times_here(2, say) == "第三次来"
    assert words.opens_in(AT, AT - dt.timedelta(minutes=5), say).startswith("还有 5 分钟")


def test_a_refusal_is_said_anew_for_each_reader_by_the_times_of_its_step() -> None:
    opens_at, ends_at = AT, AT + dt.timedelta(hours=2)
    said = words.out_of_time("not_open_yet", AT - dt.timedelta(minutes=7), opens_at, ends_at)
    assert said == "Check-in opens in 7 minutes. Stay near, your badge does the rest."
    said = words.out_of_time("ended", ends_at + dt.timedelta(minutes=9), opens_at, ends_at)
    assert said == "This ended 9 minutes ago. Ask the host if you were there."
    assert words.at_door("This door closed at %(time)s.", {"time": "23:00"}) == "This door closed at 23:00."
