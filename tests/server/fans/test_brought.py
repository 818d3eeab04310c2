"""What brought somebody the first time, from how she signed up."""

import datetime as dt

import pytest

from server.fans.brought import Signs, Way, way

NOW = dt.datetime(2026, 3, 13, 19, tzinfo=dt.UTC)
BEFORE, AFTER = NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (None, Way.WALKED_BY),
        (Signs(None, BEFORE, BEFORE), Way.WALKED_BY),
        (Signs(NOW, None, BEFORE), Way.COMMUNITY),
        (Signs(NOW, BEFORE, BEFORE), Way.POST),
        (Signs(NOW, AFTER, BEFORE), Way.COMMUNITY),
        (Signs(NOW, BEFORE, AFTER), Way.LINK),
        (Signs(NOW, None, None), Way.LINK),
    ],
)
def test_the_way_follows_from_what_was_known_when_she_signed_up(signs: Signs | None, expected: Way) -> None:
    assert way(signs) is expected
