"""Gatherings for tests of what is shared of them."""

import dataclasses
import datetime as dt
from typing import Any

from server.sharing.gathering import Gathering, Part, Place
from tests.server.places import CAFE, HOUR, NOW

SUPPER_AT = NOW - HOUR / 2  # 19:30 in Berlin
PART = Part("supper-1", "Supper", SUPPER_AT, SUPPER_AT + 3 * HOUR, "Europe/Berlin", Place("Café Lumen", pin=CAFE))
SUPPER = Gathering("supper", "Friday supper", "Cléo Martin", (PART,), NOW - 48 * HOUR, "Night readers")
# Titles that people give: long, without a space, of several scripts, with families of emoji, with marks upon marks.
TITLES = (
    "Walk",
    "读书会：夜航西飞",
    "An evening with letters that were never sent, read aloud by those who found them",
    "我们在旧厂房里放一场没有字幕的老电影，然后围着火炉聊到凌晨，欢迎带上你最想给别人看的一张照片",
    "Soup 🍜 & friends 👨‍👩‍👧 at the Kanal – bring a bowl 🥣🥣🥣🥣🥣🥣",
    "AI × 城市漫步 City Walk：从五道口走到 Sanlitun 😎",
    "מסיבת רחוב בברלין עם Jazz Club חי",
    "أمسية شعر على ضفاف النهر",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "w" * 120,
    "口" * 120,
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f" * 40,
    "Z" + "\u0301\u0302\u0303\u0304" * 4 + "algo",
    "…。，、" * 20,
    "สวัสดีตอนเย็น नमस्ते दुनिया",
)


def of(name: str, **values: Any) -> Gathering:
    """A supper of another name; also with other values."""
    return dataclasses.replace(SUPPER, name=name, **values)


def at(start: dt.datetime, end: dt.datetime, time_zone: str, **values: Any) -> Gathering:
    """A supper at another time and place."""
    part = dataclasses.replace(PART, starts_at=start, ends_at=end, time_zone=time_zone)
    return dataclasses.replace(SUPPER, parts=(part,), **values)
