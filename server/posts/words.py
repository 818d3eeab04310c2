"""What is said of posts, in the reader's language: why one stands where it stands, why one is hidden, and its links."""

import datetime as dt
import re
from typing import NamedTuple

from config.settings import Posts as Rules
from server.posts.hidden_by import Hidden
from server.posts.ranking import Why
from server.texts import IN_ENGLISH, Texts, later

# Why something is hidden, in the words of who hides it.
WHYS = {
    "advert": later("It advertises."),
    "unkind": later("It is unkind to somebody."),
    "untrue": later("It says what is not so."),
    "elsewhere": later("It does not belong here."),
    "other": later("Another reason."),
}
_LINK = re.compile(r"https?://\w[^\s<>\"'\u201c\u201d\u300a\u300b\u3002\uff0c\uff1b\uff09]{0,499}", re.IGNORECASE)
_NO_END = ".,;:!?)]}"  # what ends a sentence ends the link before it


class Part(NamedTuple):
    """A sentence on what gives or takes points, and how many tenths of them."""

    says: str
    tenths: int


def explain(why: Why, *, rules: Rules, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Part]:
    """Why a post stands where it stands: parts that add up to `why.tenths`."""
    parts = []
    if why.came:
        notes = [say.ngettext("%(num)s came because of it", "%(num)s came because of it", why.came)]
        if why.by_hand:
            notes.append(
                say.ngettext(
                    "%(num)s let in by hand, which weighs less",
                    "%(num)s let in by hand, which weighs less",
                    why.by_hand,
                )
            )
        if why.shared:
            notes.append(say.ngettext("shared with %(num)s other post", "shared with %(num)s other posts", why.shared))
        parts.append(Part(say.gettext("; ").join(notes), why.for_came))
        if why.stayed:
            parts.append(
                Part(say.ngettext("%(num)s stayed to the end", "%(num)s stayed to the end", why.stayed), why.for_stayed)
            )
        if why.again:
            parts.append(Part(say.ngettext("%(num)s came again", "%(num)s came again", why.again), why.for_again))
        assert why.last_came is not None
        days = max(0, (now - why.last_came).days)
        parts.append(
            Part(
                say.ngettext(
                    "the last one came %(num)s day ago: it halves every %(half)s days",
                    "the last one came %(num)s days ago: it halves every %(half)s days",
                    days,
                    half=f"{rules.half_days:g}",
                ),
                why.for_time,
            )
        )
    else:
        parts.append(Part(say.gettext("nobody has come because of it yet"), 0))
    if why.mates > 1:
        parts.append(
            Part(say.gettext("it is new: %(num)s new posts of one author share a start", num=why.mates), why.for_start)
        )
    elif why.mates:
        parts.append(Part(say.gettext("it is new: everybody's new words begin with this"), why.for_start))
    return parts


def points(tenths: int) -> str:
    """Points with one decimal."""
    return f"{tenths / 10:.1f}"


def hidden(by: Hidden, say: Texts = IN_ENGLISH) -> str:
    """Who hid it, never by name, and why."""
    if by.by_host:
        who = say.gettext("A host has hidden this.")
    else:
        who = say.ngettext("%(num)s member has hidden this.", "%(num)s members have hidden this.", by.members)
    return say.sentences(who, *(say.gettext(WHYS.get(why, WHYS["other"])) for why in by.whys))


def pieces(text: str) -> list[tuple[str, bool]]:
    """A text in pieces, each with whether it is a link: an address with http or https, shown whole and as it is."""
    found: list[tuple[str, bool]] = []
    at = 0
    for match in _LINK.finditer(text):
        link = match.group().rstrip(_NO_END)
        if match.start() > at:
            found.append((text[at : match.start()], False))
        found.append((link, True))
        at = match.start() + len(link)
    return [*found, (text[at:], False)] if at < len(text) else found
