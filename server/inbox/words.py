"""The sentence of a note in its reader's language: names, moments and numbers are filled in when it is read."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Any

from server.texts import CHINESE, Texts, later

WHO_LEFT = later("Somebody who left")


def moment(at: dt.datetime, time_zone: str) -> dict[str, str]:
    """A value of a note: a moment at a place, told as `Fri 13 March 2026, 19:30`. time_zone: an IANA name."""
    return {"at": at.astimezone(dt.UTC).isoformat(), "zone": time_zone}


def day(of: dt.date) -> dict[str, str]:
    """A value of a note: a day, told as `Fri 13 March 2026`."""
    return {"day": of.isoformat()}


def named(name: str, simulated: bool) -> dict[str, Any]:
    """A value of a note: the name of something that may belong to the demonstration, and is translated then."""
    return {"name": name, "simulated": simulated}


def either(english: str, chinese: str) -> dict[str, str]:
    """A value of a note: a word that is kept in both languages, as those of the vocabulary of interests."""
    return {"en": english, "zh": chinese}


def said(sentence: str, **values: Any) -> dict[str, Any]:
    """A value of a note: a sentence within it, marked for the catalogue where it is named, with values of its own."""
    return {"says": sentence, "values": values}


def person(member_id: str, name: str, simulated: bool) -> dict[str, Any]:
    """A value of a note: a member's name, by her id, so that it goes from others' notes when she is erased."""
    return {"member": member_id, **named(name, simulated)}


def fill(sentence: str, values: Mapping[str, Any], say: Texts) -> str:
    """The sentence in a language.

    values: text and numbers as they are, `moment(...)`, `day(...)`, `named(...)`, `either(...)`, `person(...)`,
    `said(...)`.
    """
    filled = {name: _tell(value, say) for name, value in values.items()}
    return say.gettext(sentence, **filled)


def without(values: Mapping[str, Any], member_id: str) -> dict[str, Any]:
    """The values of a note without the name of somebody, also in sentences within it."""
    return {name: _without(value, member_id) for name, value in values.items()}


def _without(value: Any, member_id: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {} if value.get("member") == member_id else without(value, member_id)


def _tell(value: Any, say: Texts) -> Any:
    if not isinstance(value, dict):
        return value
    if "says" in value:
        return fill(value["says"], value["values"], say)
    if "zh" in value:
        return value["zh" if say.language == CHINESE else "en"]
    if "day" in value:
        return say.day(dt.date.fromisoformat(value["day"]))
    if "at" in value:
        local = dt.datetime.fromisoformat(value["at"]).astimezone(zoneinfo.ZoneInfo(value["zone"]))
        return f"{say.day(local.date())}{'' if say.language == CHINESE else ','} {local:%H:%M}"
    if "name" not in value:
        return say.gettext(WHO_LEFT)
    return say.name(value["name"], value["simulated"])
