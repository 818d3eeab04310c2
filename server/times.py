"""Milliseconds since the epoch, as the radio counts, and datetimes, as people and HTTP do."""

import datetime as dt

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MS = dt.timedelta(milliseconds=1)


def from_ms(ms: int) -> dt.datetime:
    """The time in UTC, exact to the millisecond."""
    return EPOCH + dt.timedelta(milliseconds=ms)


def to_ms(at: dt.datetime) -> int:
    """Whole milliseconds since the epoch, rounded down; `at` must know its offset."""
    return (at - EPOCH) // _MS
