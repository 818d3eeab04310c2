"""Sentences about check-ins, for the person at the phone, in her language."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from server.presence.schema import local_time
from server.texts import IN_ENGLISH, Texts, later
from server.venues.service import EVERYWHERE

_EVIDENCE = {
    "beacon": later("by your badge"),
    "screen": later("by the code on the screen at the door"),
    "poster": later("by the poster at the door"),
    "qr": later("by your personal code"),
    "manual": later("by the host"),
    "phone": later("by your phone"),
    "heard": later("by your phone, which heard the place"),
}
# A check-in known this long after it happened came from a backlog, or from a fact that was corrected: on the straight
# way it takes 20 s at most.
LATE_AFTER_S = 60
_ORDINALS = {1: later("first time"), 2: later("second time here"), 3: later("third time here")}


def arrived(at: dt.datetime, time_zone: str, evidence: str, zone_name: str | None, say: Texts = IN_ENGLISH) -> str:
    """`19:28 · by your badge, at the entrance`."""
    how = say.gettext(_EVIDENCE.get(evidence, evidence))
    time = local_time(at, time_zone)
    if zone_name is None or zone_name == EVERYWHERE:
        return say.gettext("%(time)s · %(evidence)s", time=time, evidence=how)
    return say.gettext("%(time)s · %(evidence)s, at %(place)s", time=time, evidence=how, place=place(zone_name, say))


def late(at: dt.datetime, recorded_at: dt.datetime, replayed: bool, say: Texts = IN_ENGLISH) -> str | None:
    """`recorded 2 h later`, None for what was known at once; at a replayed venue everything is long ago."""
    seconds = (recorded_at - at).total_seconds()
    if replayed or seconds <= LATE_AFTER_S:
        return None
    minutes = round(seconds / 60)
    if minutes < 60:
        return say.gettext("recorded %(minutes)s min later", minutes=minutes)
    hours = round(seconds / 3600)
    if hours < 48:
        return say.gettext("recorded %(hours)s h later", hours=hours)
    return say.gettext("recorded %(days)s days later", days=round(seconds / 86400))


def times_here(earlier: int, say: Texts = IN_ENGLISH) -> str:
    """How often somebody has come, this time included."""
    ordinal = _ORDINALS.get(earlier + 1)
    return say.gettext("%(count)s times here", count=earlier + 1) if ordinal is None else say.gettext(ordinal)


def opens_in(opens_at: dt.datetime, heard_at: dt.datetime, say: Texts = IN_ENGLISH) -> str:
    """The sentence for somebody who came before the doors opened."""
    return say.ngettext(
        "Check-in opens in %(num)s minute. Stay near, your badge does the rest.",
        "Check-in opens in %(num)s minutes. Stay near, your badge does the rest.",
        max(1, -(-int((opens_at - heard_at).total_seconds()) // 60)),
    )


def ended_ago(ends_at: dt.datetime, heard_at: dt.datetime, say: Texts = IN_ENGLISH) -> str:
    """The sentence for somebody who came after the end."""
    minutes = int((heard_at - ends_at).total_seconds()) // 60
    if minutes > 1:
        return say.gettext("This ended %(minutes)s minutes ago. Ask the host if you were there.", minutes=minutes)
    return say.gettext("This has just ended. Ask the host if you were there.")


def refusal(told: Row[Any], opens_at: dt.datetime, ends_at: dt.datetime, say: Texts = IN_ENGLISH) -> str:
    """What somebody is told who was not checked in, in the reader's language. told: a row of `refusal`."""
    if told.at_door:
        return at_door(told.sentence, told.values, say)
    return out_of_time(told.code, told.last_at, opens_at, ends_at, say)


def at_door(sentence: str, values: Mapping[str, Any], say: Texts = IN_ENGLISH) -> str:
    """What a door said, from what is kept of it."""
    day = {name: dt.date.fromisoformat(value) for name, value in values.items() if name == "day"}
    return say.gettext(sentence, **{**values, **day})


def out_of_time(
    code: str, at: dt.datetime, opens_at: dt.datetime, ends_at: dt.datetime, say: Texts = IN_ENGLISH
) -> str:
    """What somebody is told whose badge was heard last at `at`, by the times of the step as they are."""
    return opens_in(opens_at, at, say) if code == "not_open_yet" else ended_ago(ends_at, at, say)


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in ([words[0], words[-1]] if len(words) > 1 else words)).upper()


def place(zone_name: str, say: Texts = IN_ENGLISH) -> str:
    """A zone within a sentence: `the entrance`; names of one's own, such as Studio 2, take no article."""
    return say.gettext("the %(zone)s", zone=zone_name) if zone_name[0].islower() else zone_name
