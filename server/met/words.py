"""What having met is evidence of, and why a word counts, in words."""

from server.met.reading import Meeting
from server.met.trust import CAME_WITHIN, Word
from server.texts import Texts


def of_meeting(meeting: Meeting, say: Texts) -> str:
    """What was heard, and what it says nothing of."""
    return say.gettext(
        "Your badges were heard in the same zone for %(minutes)s minutes at %(event)s; radio says nothing about metres"
        " or words.",
        minutes=meeting.minutes,
        event=say.name(meeting.event_name, meeting.event_simulated),
    )


def of_word(word: Word, say: Texts) -> str:
    """Why her own word counts in a community, or does not yet."""
    days = CAME_WITHIN.days
    if word.by_meeting:
        return say.ngettext(
            "Your word counts here: you came to %(num)s gathering in %(days)s days, and met somebody there.",
            "Your word counts here: you came to %(num)s gatherings in %(days)s days, and met somebody there.",
            word.gatherings,
            days=days,
        )
    if word.counts:
        return say.ngettext(
            "Your word counts here: you came to %(num)s gathering in %(days)s days.",
            "Your word counts here: you came to %(num)s gatherings in %(days)s days.",
            word.gatherings,
            days=days,
        )
    if word.gatherings:
        return say.gettext(
            "Your word does not count here yet: what shows that you came says too little, a poster's code or a phone's"
            " position alone, or a gathering of your own to which nobody else came. Next time come in by badge, screen"
            " or the host's hand."
        )
    return say.gettext("Your word does not count here yet: come to a gathering.")
