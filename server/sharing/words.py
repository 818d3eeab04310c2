"""What is said of a gathering in one line each: its day, its hours, where, and the line to paste."""

import datetime as dt

from babel import dates

from server import clocks
from server.sharing.gathering import Gathering, Veiled
from server.texts import CHINESE, ENGLISH, Texts

# What a day is called, with its year and without.
_DAYS = {ENGLISH: ("EEEE d MMMM", "EEEE d MMMM y"), CHINESE: ("M月d日 EEEE", "y年M月d日 EEEE")}
_SHORT_DAYS = {ENGLISH: ("EEE d MMM", "EEE d MMM y"), CHINESE: ("M月d日 EEE", "y年M月d日 EEE")}
NEAR = dt.timedelta(days=240)  # farther away a day is said with its year: nobody takes next March for this one


def day(moment: dt.datetime, time_zone: str, say: Texts, now: dt.datetime, *, short: bool = False) -> str:
    """The day at a place: `Friday 13 March`, `3月13日 星期五`; with its year where that is not plain."""
    patterns = (_SHORT_DAYS if short else _DAYS)[say.language]
    return dates.format_date(clocks.there(moment, time_zone), patterns[abs(moment - now) > NEAR], locale=_locale(say))


def days_of(gathering: Gathering, say: Texts, now: dt.datetime) -> str:
    """Its day; of one that takes days the first and the last, each with its hour."""
    starts, ends = _ends(gathering)
    if clocks.takes_days(starts, ends):
        return clocks.days(starts, ends, say, year=abs(starts - now) > NEAR)
    return day(starts, gathering.first.time_zone, say, now)


def hours_of(gathering: Gathering, say: Texts) -> str:
    """From when to when; nothing of one that takes days, which has them beside its days."""
    starts, ends = _ends(gathering)
    if clocks.takes_days(starts, ends):
        return ""
    return say.gettext("%(start)s to %(end)s", start=f"{starts:%H:%M}", end=f"{ends:%H:%M}")


def when_of(gathering: Gathering, say: Texts, now: dt.datetime) -> str:
    """Its day and its hours in one line."""
    day, hours = days_of(gathering, say, now), hours_of(gathering, say)
    return say.gettext("%(day)s, %(hours)s", day=day, hours=hours) if hours else day


def zone_of(gathering: Gathering, say: Texts) -> str:
    """By whose clock: `Berlin time`."""
    city = dates.get_timezone_location(gathering.first.time_zone, locale=_locale(say), return_city=True)
    return say.gettext("%(city)s time", city=city)


def where_of(gathering: Gathering, say: Texts) -> str:
    """Its place in one line, and how many more there are."""
    more = len(gathering.places) - 1
    name = str(gathering.first.place)
    if not more:
        return name
    return f"{name}, {say.ngettext('and %(num)s more place', 'and %(num)s more places', more)}"


def line(gathering: Gathering | Veiled, say: Texts, now: dt.datetime, address: str) -> str:
    """The line to paste into a group's chat; address: the page's."""
    if isinstance(gathering, Veiled):
        return say.gettext(
            "%(weekday)s, for members of %(community)s: %(address)s",
            weekday=weekday(gathering, say),
            community=gathering.community,
            address=address,
        )
    values = {
        "title": gathering.name,
        "when": when_of(gathering, say, now),
        "place": where_of(gathering, say),
        "address": address,
    }
    if gathering.standing == "cancelled":
        return say.gettext("Called off: %(title)s, %(when)s. %(address)s", **values)
    return say.gettext("%(title)s · %(when)s · %(place)s · %(address)s", **values)


def weekday(veiled: Veiled, say: Texts) -> str:
    """The day of the week of a gathering that is for members: `Friday`."""
    name: str = dates.get_day_names("wide", "stand-alone", locale=_locale(say))[veiled.weekday]
    return name


def _ends(gathering: Gathering) -> tuple[dt.datetime, dt.datetime]:
    """When it begins and ends, each by the clock where it does."""
    first, last = gathering.first, max(gathering.parts, key=lambda part: part.ends_at)
    return clocks.there(first.starts_at, first.time_zone), clocks.there(last.ends_at, last.time_zone)


def _locale(say: Texts) -> str:
    return say.tag.replace("-", "_")
