"""The picture for everybody who came: how many, how many for the first time, and when it was fullest. No names.

A gathering of fewer than five has none, since its numbers would speak of each of them.
"""

import datetime as dt

from server.errors import Refused
from server.recaps import words
from server.recaps.figures import TOLD_FROM
from server.recaps.reading import Recap
from server.sharing import words as sharing_words
from server.sharing.layout import Ruler
from server.sharing.poster import Poster, Said, Words, assemble
from server.texts import Texts


class TooFewCame(Refused):
    """Fewer than five came: a picture with numbers would be about each of you."""

    code = "too_few_came"


class NotOverYet(Refused):
    """It is not over yet. The picture is there afterwards."""

    code = "not_over_yet"


def tell(recap: Recap, say: Texts, now: dt.datetime, *, community: str) -> Words:
    """What the picture says; raises TooFewCame."""
    came, first, most = recap.came, recap.first_timers, recap.fullest
    if came.value < TOLD_FROM:
        raise TooFewCame
    name = say.name(recap.event.name, recap.event.simulated)
    said = [Said(name, "ink", "Bold", 46, 26, 3, 0)]
    # Who was not there for the first time is told by the rest: of those, too, there have to be enough.
    others = came.value - first.value
    if first.value >= TOLD_FROM and (others == 0 or others >= TOLD_FROM):
        told = say.ngettext("%(num)s for the first time", "%(num)s for the first time", first.value)
        said.append(Said(told, "fire", "Bold", 44, 26, 2, 16))
    if most is not None and most.count >= TOLD_FROM:
        told = say.gettext("fullest at %(time)s", time=words.near(most.at_ms, recap.time_zone))
        said.append(Said(told, "ink", "Bold", 40, 26, 1, 10))
    on = sharing_words.day(
        dt.datetime.fromtimestamp(recap.arrivals[0].from_ms / 1000, dt.UTC), recap.time_zone, say, now
    )
    said.append(Said(on, "soft", "Regular", 31, 22, 1, 12))
    bar = words.bar(came.low, came.high, say)
    title = say.ngettext("%(num)s came", "%(num)s came", came.value)
    if bar:
        title = say.gettext("%(came)s (%(bar)s)", came=title, bar=bar)
    tag = " · ".join(part for part in (say.gettext("We were there"), community) if part)
    return Words(tag, title, tuple(said), say.gettext("Scan to see more"))


def compose(told: Words, event_id: str, address: str, ruler: Ruler) -> Poster:
    """The picture before it is drawn; address: what its code leads to."""
    return assemble(told, event_id, address, ruler)
