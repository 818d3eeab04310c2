"""A moment in a file: by the clock of its place, with the offset, and in UTC."""

import datetime as dt
import zoneinfo

from server import fields


def write(moment: dt.datetime, time_zone: str) -> str:
    """`2026-03-13 19:28:05+01:00`: with the offset, the hour that a clock shows twice is told apart."""
    return moment.astimezone(zoneinfo.ZoneInfo(time_zone)).isoformat(sep=" ", timespec="seconds")


def utc(moment: dt.datetime | None) -> str | None:
    """`2026-03-13T18:28:05Z`."""
    return None if moment is None else fields.write_moment(moment.replace(microsecond=0))
