"""What is left on a card, and how it stands: pure."""

import datetime as dt

import pytest

from server.stamps import rules
from server.stamps.rules import Stamp, State

NOW = dt.datetime(2026, 3, 13, 19, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def test_stamps_are_left_once_each_in_the_order_of_coming_without_those_redeemed() -> None:
    stamps = [Stamp("b", NOW), Stamp("a", NOW - HOUR), Stamp("a", NOW), Stamp("c", NOW + HOUR)]
    assert [stamp.key for stamp in rules.left(stamps, {"c"})] == ["a", "b"]
    assert rules.left(stamps, {"c"})[0].at == NOW - HOUR
    assert rules.left([], {"c"}) == ()


@pytest.mark.parametrize(
    ("stamps", "redeemed", "renews", "until", "ended", "state"),
    [
        (5, 0, False, None, None, State.COLLECTING),
        (6, 0, False, None, None, State.FULL),
        (7, 0, False, None, None, State.FULL),
        (6, 1, False, None, None, State.REDEEMED),
        (0, 1, True, None, None, State.COLLECTING),
        (6, 1, True, None, None, State.FULL),
        (6, 0, False, HOUR, None, State.FULL),
        (6, 0, False, HOUR * 0, None, State.OVER),  # at that very moment
        (6, 1, False, -HOUR, None, State.REDEEMED),
        (5, 0, False, None, HOUR * 0, State.OVER),
        (6, 0, False, None, -HOUR, State.FULL),  # what is full is still redeemed
        (6, 0, False, -HOUR, -HOUR, State.OVER),
    ],
)
def test_how_a_card_of_six_stands(
    stamps: int, redeemed: int, renews: bool, until: dt.timedelta | None, ended: dt.timedelta | None, state: State
) -> None:
    found = rules.state(
        stamps,
        6,
        redeemed=redeemed,
        renews=renews,
        until=None if until is None else NOW + until,
        ended_at=None if ended is None else NOW + ended,
        now=NOW,
    )
    assert found is state
