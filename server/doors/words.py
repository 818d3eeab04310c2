"""Sentences about doors: how sure a check-in is, and what is remarkable of it."""

from collections.abc import Iterable

from server.texts import IN_ENGLISH, Texts, later

_SURE = {
    "beacon": later("Sure: the badge in your hands was heard there long enough."),
    "screen": later("Sure: that code changes every 30 seconds, so whoever types it stands at the door."),
    "qr": later("Sure: your signed code was scanned at the door."),
    "manual": later("Sure: somebody at the door saw you."),
    "phone": later("Fairly sure: your phone said where it was."),
    "heard": later("Fairly sure: your phone said that it heard the beacon there."),
    "poster": later("Less sure: a poster's code also works from a photo of it."),
}
_FLAGS = {
    "late": later("told later, by a door without a network"),
    "clock": later("by a clock that was far off"),
    "not_open_yet": later("before the doors opened"),
    "ended": later("after the end"),
    "over_capacity": later("when all places were taken"),
    "not_approved": later("without being asked about"),
    "door_closed": later("at a door that was closed meanwhile"),
    "elsewhere": later("the badge or the phone was elsewhere then"),
}
_BY = {
    "beacon": later("by badge"),
    "screen": later("code on the screen"),
    "poster": later("poster at the door"),
    "qr": later("personal code"),
    "manual": later("let in by hand"),
    "phone": later("by the phone's position"),
    "heard": later("the phone heard the place"),
}


def how_sure(evidence: str, say: Texts = IN_ENGLISH) -> str:
    """How sure a check-in by this evidence is, for whose it is."""
    return say.gettext(_SURE.get(evidence, evidence))


def marks(flags: Iterable[str], say: Texts = IN_ENGLISH) -> list[str]:
    """What is remarkable, as a few words each, in one order."""
    found = set(flags)
    return [say.gettext(words) for flag, words in _FLAGS.items() if flag in found]


def by(evidence: str, say: Texts = IN_ENGLISH) -> str:
    """By what somebody was let in, as a host reads it."""
    return say.gettext(_BY.get(evidence, evidence))
