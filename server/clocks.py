"""From when to when something lasts, in words, as the clock at its place shows it."""

import datetime as dt
import zoneinfo

from babel import dates

from server.texts import CHINESE, ENGLISH, IN_ENGLISH, Texts

NIGHT_ENDS = dt.time(6)  # a party until five is one evening; what ends at breakfast is another day
_DAY = dt.timedelta(days=1)
SOON = dt.timedelta(hours=18)  # as static/js/clock.js
# A day as it stands beside a clock time, and with its year.
_DAYS = {ENGLISH: ("EEE d MMM", "EEE d MMM y"), CHINESE: ("M月d日 EEE", "y年M月d日 EEE")}


def there(moment: dt.datetime, time_zone: str) -> dt.datetime:
    """A moment as the clock at a place shows it; `time_zone` is an IANA name."""
    return moment.astimezone(zoneinfo.ZoneInfo(time_zone))


def takes_days(starts: dt.datetime, ends: dt.datetime) -> bool:
    """Whether it ends on another day than it starts, both as the clock there shows them; a long night is one day."""
    if starts.date() == ends.date():
        return False
    return ends.date() - starts.date() > _DAY or ends.time() > NIGHT_ENDS or ends - starts >= _DAY


def hours(starts_at: dt.datetime, ends_at: dt.datetime, time_zone: str, say: Texts = IN_ENGLISH) -> str:
    """`19:00 to 21:00`; what takes days has both of them: `Sat 3 May 10:00 to Sun 18 May 20:00`."""
    starts, ends = there(starts_at, time_zone), there(ends_at, time_zone)
    if takes_days(starts, ends):
        return days(starts, ends, say)
    return say.gettext("%(start)s to %(end)s", start=f"{starts:%H:%M}", end=f"{ends:%H:%M}")


def days(starts: dt.datetime, ends: dt.datetime, say: Texts = IN_ENGLISH, *, year: bool = False) -> str:
    """`Sat 3 May 10:00 to Sun 18 May 20:00`, of clocks as they stand there."""
    return say.gettext("%(first)s to %(last)s", first=moment(starts, say, year=year), last=moment(ends, say, year=year))


def until(ends_at: dt.datetime, since: dt.datetime, time_zone: str, say: Texts = IN_ENGLISH) -> str:
    """Until when, of what somebody is at since then: `20:00`; what ends later than tonight has its day."""
    local = there(ends_at, time_zone)
    return f"{local:%H:%M}" if ends_at - since < SOON else moment(local, say)


def moment(local: dt.datetime, say: Texts = IN_ENGLISH, *, year: bool = False) -> str:
    """`Sat 3 May 10:00`, of a clock as it stands there."""
    day = dates.format_date(local, _DAYS[say.language][year], locale=say.tag.replace("-", "_"))
    return f"{day} {local:%H:%M}"
