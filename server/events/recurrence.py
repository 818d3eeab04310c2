"""The dates of a rule (RFC 5545): checked by python-dateutil, counted by the clock on the wall, bounded; pure."""

import datetime as dt
import re
import zoneinfo
from collections.abc import Collection, Iterator
from itertools import islice

from dateutil import rrule

from server.errors import Invalid

RULE_MAX_LENGTH = 300
MOST_DATES = 26  # made ahead, shown and looked at: half a year of weeks
MOST_INTERVAL = 60  # five years of months
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
# Our calendar repeats after 400 years, day for day. A rule is counted in the last such time that dateutil knows, which
# ends after 400 years at most: one whose date never comes (30 February, every day) takes half a second, not twenty.
_AGAIN_Y, _LAST_Y = 400, 9999
OFTEN = ("weekly", "fortnightly", "monthly")  # what forms offer
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class RuleInvalid(Invalid):
    """This rule of dates cannot be read: it looks like FREQ=WEEKLY;BYDAY=FR."""

    code = "rule_invalid"


class RuleNeverComes(Invalid):
    """This rule has no second date. A single gathering needs no rule."""

    code = "rule_never_comes"


class RuleMissesStart(Invalid):
    """The first date is none of the rule's: move it, or say the rule otherwise."""

    code = "rule_misses_start"


def check(rule: str, start: dt.datetime, time_zone: str) -> str:
    """The rule as it is kept, without RRULE: and spaces; raises RuleInvalid, RuleNeverComes, RuleMissesStart.

    start: the first date's wall time at `time_zone`, without an offset.
    """
    plain = rule.strip().upper().removeprefix("RRULE:")
    parts = [part.split("=") for part in plain.split(";")]
    if len(plain) > RULE_MAX_LENGTH or not re.fullmatch(r"[A-Z0-9=;,+-]+", plain) or any(len(p) != 2 for p in parts):
        raise RuleInvalid
    said = dict(parts)
    if len(said) < len(parts) or not said.keys() <= _PARTS or said.get("FREQ") not in _FREQUENCIES:
        raise RuleInvalid("A rule repeats daily, weekly, monthly or yearly, by days and months and nothing else.")
    if not said.get("INTERVAL", "1").isdecimal() or not 1 <= int(said.get("INTERVAL", "1")) <= MOST_INTERVAL:
        raise RuleInvalid("A rule skips at most %(most)s days, weeks, months or years.", most=MOST_INTERVAL)
    if not said.get("COUNT", "1").isdecimal() or {"COUNT", "UNTIL"} <= said.keys():
        raise RuleInvalid("A rule ends after a number of dates or on a day, not both.")
    first = list(islice(_count(plain, start, time_zone), 2))
    if len(first) < 2:
        raise RuleNeverComes
    if first[0] != start:
        raise RuleMissesStart
    return plain


def often(how: str, day: dt.date) -> str:
    """The rule of one of OFTEN from a day on; monthly is the same weekday of the same week, or of the last one.

    Raises RuleInvalid.
    """
    rules = {
        "weekly": "FREQ=WEEKLY",
        "fortnightly": "FREQ=WEEKLY;INTERVAL=2",
        "monthly": f"FREQ=MONTHLY;BYDAY={_week(day)}{_DAYS[day.weekday()]}",
    }
    if how not in rules:
        raise RuleInvalid
    return rules[how]


def move(rule: str, date: dt.datetime, to: dt.datetime, *, passed: int) -> str:
    """A checked rule for a part that begins at a wall time `to` instead of at its date; passed: how many came before.

    Days of the week, of the month and months follow where one is said, or where all of a week move along; what a rule
    says otherwise stays, and may miss the new start (`check`).
    """
    days = (to.date() - date.date()).days
    said = dict(part.split("=") for part in rule.split(";"))
    if "COUNT" in said:
        said["COUNT"] = str(int(said["COUNT"]) - passed)
    if "UNTIL" in said:
        until = dt.datetime.fromisoformat(said["UNTIL"].removesuffix("Z"))
        shape, shift = ("%Y%m%d", dt.timedelta(days)) if len(said["UNTIL"]) == 8 else ("%Y%m%dT%H%M%S", to - date)
        said["UNTIL"] = f"{until + shift:{shape}}" + ("Z" if said["UNTIL"].endswith("Z") else "")
    if days and "BYDAY" in said:
        said["BYDAY"] = _move_days(said["BYDAY"], date, to, days)
    if said.get("BYMONTHDAY") == str(date.day):
        said["BYMONTHDAY"] = str(to.day)
    if said.get("BYMONTH") == str(date.month):
        said["BYMONTH"] = str(to.month)
    return ";".join(f"{key}={value}" for key, value in said.items())


def _move_days(said: str, date: dt.datetime, to: dt.datetime, days: int) -> str:
    listed = said.split(",")
    if set(listed) <= set(_DAYS):
        return ",".join(_DAYS[(_DAYS.index(day) + days) % len(_DAYS)] for day in listed)
    week, weekday = said[:-2], said[-2:]
    if len(listed) > 1 or weekday != _DAYS[date.weekday()]:
        return said
    last = week == "-1" and (to + dt.timedelta(days=7)).month != to.month
    return f"{-1 if last else _week(to)}{_DAYS[to.weekday()]}"


def _week(day: dt.date) -> int:
    week = (day.day - 1) // 7 + 1
    return week if week < 5 else -1


def dates(
    rule: str,
    start: dt.datetime,
    time_zone: str,
    *,
    after: dt.datetime,
    before: dt.datetime | None = None,
    without: Collection[dt.datetime] = (),
    most: int = MOST_DATES,
) -> list[dt.datetime]:
    """The dates of a checked rule as wall times, from `after` on and before `before`, `most` at most; in order.

    without: dates that are left out; one that is none, or is there twice, changes nothing.
    """
    left_out = set(without)
    found: list[dt.datetime] = []
    for date in _count(rule, start, time_zone, after):
        if before is not None and date >= before:
            break
        if date >= after and date not in left_out:
            found.append(date)
        if len(found) >= most:
            break
    return found


def at(wall: dt.datetime, time_zone: str) -> dt.datetime:
    """The moment (UTC) of a wall time (RFC 5545, 3.3.5).

    A time that clocks skip moves forward by what they skip; of one that comes twice it is the first.
    """
    return wall.replace(tzinfo=zoneinfo.ZoneInfo(time_zone), fold=0).astimezone(dt.UTC)


def wall(moment: dt.datetime, time_zone: str) -> dt.datetime:
    """What the clock on the wall shows at a moment, without its offset."""
    return moment.astimezone(zoneinfo.ZoneInfo(time_zone)).replace(tzinfo=None, fold=0)


def _count(rule: str, start: dt.datetime, time_zone: str, after: dt.datetime | None = None) -> Iterator[dt.datetime]:
    shift = (_LAST_Y - start.year) // _AGAIN_Y * _AGAIN_Y
    try:
        said = rrule.rrulestr(_shift_until(rule, shift, time_zone), dtstart=start.replace(year=start.year + shift))
        found = iter(said) if after is None else said.xafter(after.replace(year=after.year + shift), inc=True)
        for date in found:
            yield date.replace(year=date.year - shift)
    except (ValueError, TypeError, AttributeError, OverflowError, IndexError):
        raise RuleInvalid from None


def _shift_until(rule: str, shift: int, time_zone: str) -> str:
    found = re.search(r"UNTIL=(\d{8})(T\d{6})?(Z?)", rule)
    if found is None:
        return rule
    day, clock, utc = found.groups()
    until = dt.datetime.fromisoformat(day + (clock or "T235959"))
    if utc:
        until = wall(until.replace(tzinfo=dt.UTC), time_zone)
    return f"{rule[: found.start()]}UNTIL={until.replace(year=until.year + shift):%Y%m%dT%H%M%S}{rule[found.end() :]}"
