"""What stands beside a review: who says it, and whether she was there and by what."""

from server.reviews.service import Seen
from server.reviews.weighing import Mark
from server.texts import Texts, later

# Why somebody reports a review or an operator hides it.
WHYS = {
    "advert": later("It advertises."),
    "unkind": later("It is unkind to somebody."),
    "untrue": later("It says what is not so."),
    "elsewhere": later("It does not belong here."),
    "other": later("Another reason."),
}


def of_mark(mark: Mark, say: Texts) -> str:
    """Whether she was there, and what proves it."""
    if not mark.there:
        return say.gettext("has not been there, as far as we know")
    if mark.minutes is not None:
        return say.gettext("was there: badge heard %(time)s", time=_duration(mark.minutes, say))
    if mark.evidence == "manual":
        return say.gettext("was there: let in by hand")
    if mark.evidence == "phone":
        return say.gettext("was there: by the phone's position")
    if mark.evidence == "heard":
        return say.gettext("was there: the phone heard the place's beacon")
    if mark.evidence == "beacon":
        return say.gettext("was there: badge heard")
    return say.gettext("was there: by a code at the door")


def of_author(seen: Seen, say: Texts, *, simulated: bool) -> str:
    """Who says it, as far as she lets the reader know."""
    if seen.own:
        return say.gettext("You")
    if seen.name is not None:
        return say.name(seen.name, simulated)
    return say.gettext("Somebody who was there") if seen.mark.there else say.gettext("Somebody")


def _duration(minutes: int, say: Texts) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return say.gettext("%(minutes)s min", minutes=rest)
    if not rest:
        return say.gettext("%(hours)s h", hours=hours)
    return say.gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)
