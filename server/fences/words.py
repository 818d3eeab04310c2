"""How it stands with somebody at a place, in sentences: "outside by 12 m; then stay for 2 minutes"."""

import math

from geo.fences import Code, Explanation
from server.texts import IN_ENGLISH, Texts


def stands(found: Explanation, say: Texts = IN_ENGLISH) -> str:
    """The sentence for whose phone it is."""
    stay = _stay(found.more_s, say)
    if found.code is Code.INSIDE:
        return say.gettext("Your phone is there.")
    if found.code is Code.STAY:
        return say.sentences(say.gettext("Your phone is there."), stay)
    if found.code is Code.EDGE:
        return say.gettext("Your phone was there, and has not surely left.")
    if found.code is Code.VAGUE:
        known = say.gettext("You may be there: your phone knows where it is to %(metres)s m.", metres=_up(found.off_m))
        return say.sentences(known, say.gettext("Step to a window, or use the code at the door."))
    if found.code is Code.OUTSIDE:
        if found.outside_m >= 1000:
            away = say.gettext("Outside by %(km)s km.", km=f"{found.outside_m / 1000:.1f}")
        else:
            away = say.gettext("Outside by %(metres)s m.", metres=_up(found.outside_m))
        return say.sentences(away, _then(found.more_s, say))
    return say.gettext("Not known: your phone has not said for a while where it is.")


def _stay(more_s: float, say: Texts) -> str:
    if more_s > 90:
        return say.gettext("Stay for %(minutes)s more minutes.", minutes=math.ceil(more_s / 60))
    return say.gettext("Stay for %(seconds)s more seconds.", seconds=math.ceil(more_s))


def _then(more_s: float, say: Texts) -> str:
    if more_s <= 0:
        return ""
    if more_s > 90:
        return say.gettext("Once there, %(minutes)s minutes are needed.", minutes=math.ceil(more_s / 60))
    return say.gettext("Once there, %(seconds)s seconds are needed.", seconds=math.ceil(more_s))


def _up(metres: float) -> int:
    return math.ceil(metres)
