"""Says the figures of a gathering in a language: what proves them, and why they may be off."""

import datetime as dt
import zoneinfo

from server import times
from server.doors import words as doors
from server.recaps.figures import Figure, Reason, Silence
from server.recaps.reading import Recap
from server.texts import Texts
from server.turnout.evidence import Mix


def proof(by: Mix, say: Texts) -> str:
    """By what they came: `31 by badge, 8 code on the screen, 3 let in by hand`; empty where nothing proves anything."""
    each = say.gettext("%(count)s %(evidence)s")
    parts = [each % {"count": count, "evidence": doors.by(evidence, say)} for evidence, count in by.by]
    return say.gettext(", ").join(parts)


def bar(low: int, high: int, say: Texts) -> str:
    """The error bar: `39 to 44`; empty where there is none."""
    return "" if low == high else say.gettext("%(low)s to %(high)s", low=low, high=high)


def why(figure: Figure, recap: Recap, say: Texts) -> list[str]:
    """Why a figure may be off, a sentence for each reason."""
    return [reason(one, recap, say) for one in figure.reasons]


def reason(one: Reason, recap: Recap, say: Texts) -> str:
    """One reason."""
    if one.silence is not None:
        values = {"place": one.silence.place, "count": one.count}
        if one.code == "nobody_listens":
            return say.gettext(
                "Nothing listens for badges at %(place)s: up to %(count)s may have come unseen.", **values
            )
        return say.gettext(
            "The Pi at %(place)s was silent %(time)s: up to %(count)s may have come unseen.",
            time=silent(one.silence, recap, say),
            **values,
        )
    if one.code == "weak":
        return say.ngettext(
            "%(num)s came by the poster alone, which works from a photo, too.",
            "%(num)s came by the poster alone, which works from a photo, too.",
            one.count,
        )
    if one.code == "erased":
        return say.ngettext(
            "%(num)s was erased since: whether it was a first time is not known any more.",
            "%(num)s were erased since: whether it was their first time is not known any more.",
            one.count,
        )
    return say.ngettext(
        "%(num)s who signed up has no badge, and may have come unseen.",
        "%(num)s who signed up have no badge, and may have come unseen.",
        one.count,
    )


def silent(silence: Silence, recap: Recap, say: Texts) -> str:
    """From when to when an agent was silent, by its place's clock; with the days where these are several."""
    zone = zoneinfo.ZoneInfo(recap.zones[silence.step_id])
    start, end = (times.from_ms(at).astimezone(zone) for at in (silence.from_ms, silence.to_ms))
    if len(recap.steps) > 1 or start.date() != end.date():
        return say.gettext(
            "%(start)s to %(end)s",
            start=f"{_day(start, say)} {start:%H:%M}",
            end=f"{end:%H:%M}" if start.date() == end.date() else f"{_day(end, say)} {end:%H:%M}",
        )
    return say.gettext("%(start)s to %(end)s", start=f"{start:%H:%M}", end=f"{end:%H:%M}")


def long(minutes: float, say: Texts) -> str:
    """A length of time in whole minutes: `1 h 35 min`."""
    whole = round(minutes)
    if whole < 60:
        return say.gettext("%(minutes)s min", minutes=whole)
    return say.gettext("%(hours)s h %(minutes)s min", hours=whole // 60, minutes=f"{whole % 60:02}")


def near(at_ms: int, time_zone: str) -> str:
    """A clock time to five minutes, `20:40`: nobody counts people to the second."""
    at = times.from_ms(at_ms - at_ms % 300_000)
    return f"{at.astimezone(zoneinfo.ZoneInfo(time_zone)):%H:%M}"


def _day(local: dt.datetime, say: Texts) -> str:
    return say.day(local.date())
