"""Who may watch which topic, and what she sees of it."""

import datetime as dt
from enum import StrEnum

from sqlalchemy.orm import Session

from server.checkins import rights as checkins
from server.consent.reading import Eyes
from server.errors import NotFound, Refused
from server.live import news
from server.people.model import Member
from server.presence import rights as presence


class Audience(StrEnum):
    """Viewers that see the same of an event or of oneself; of a venue it is whoever has the same eyes."""

    ORGANIZER = "organizer"  # of the event: names, of whom consent gives them
    OPERATOR = "operator"  # of the server: the event without names
    SELF = "self"


Seeing = Audience | Eyes


class TopicUnknown(NotFound):
    """There is nothing to watch by that name: topics are venue/<id>, event/<id> and member/<your id>."""

    code = "topic_unknown"


class NotYours(Refused):
    """Everybody sees their own check-ins alone."""

    code = "not_yours"


def audience(session: Session, member: Member, topic: str, now: dt.datetime) -> Seeing:
    """As whom a member watches a topic at `now`; raises TopicUnknown, Refused and what the capabilities raise."""
    if not news.is_topic(topic):
        raise TopicUnknown
    kind, _, key = topic.partition("/")
    if kind == "venue":
        return presence.check_sees(session, member=member, venue_id=key, now=now)
    if kind == "event":
        organizes = checkins.check_sees(session, member=member, event_id=key)
        return Audience.ORGANIZER if organizes else Audience.OPERATOR
    if member.id != key:
        raise NotYours
    return Audience.SELF
