"""Why somebody is asked to gather, and how it stands, in sentences that say no more than she may know."""

from server.interests import service as interests
from server.popups import telling
from server.popups.service import Asked
from server.texts import IN_ENGLISH, Texts


def why(one: Asked, say: Texts = IN_ENGLISH) -> str:
    """`You and at least 3 others who like chess are at Café Lumen. Gather here?`, and what it is once it is on."""
    place = say.name(one.venue.name, one.venue.simulated)
    if one.interest is None:
        return say.gettext("It goes on at %(place)s.", place=place)
    interest = interests.name_of(one.interest, say)
    if one.pop_up.state == "on":
        return say.gettext(
            "You like %(interest)s, and so do those who gather at %(place)s now.", interest=interest, place=place
        )
    sentence = telling.AT if one.pop_up.at_venue else telling.NEAR
    return say.gettext(sentence, count=one.pop_up.least - 1, interest=interest, place=place)


def stands(one: Asked, say: Texts = IN_ENGLISH) -> str:
    """How it stands: what she said, and how many others did where she may know it."""
    if one.pop_up.state == "on":
        return say.gettext("It is on, and you are signed up.") if one.answer else say.gettext("It is on: you may join.")
    if one.answer is None:
        return say.gettext(
            "%(needs)s have to say yes. Nobody learns who was asked, or who says no.", needs=one.pop_up.needs
        )
    if one.answer is False or one.yes is None:
        return say.gettext("You said no. Nobody learns it, and you may still say yes.")
    left = max(0, one.pop_up.needs - one.yes)
    return say.ngettext(
        "You said yes, %(yes)s in all. One more is needed.",
        "You said yes, %(yes)s in all. %(left)s more are needed.",
        left,
        yes=one.yes,
        left=left,
    )
