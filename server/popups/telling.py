"""What those who are asked find in their inbox: the question, that it happens, that it is over."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy.orm import Session

from server.events.model import Event
from server.inbox import service as inbox
from server.inbox import words
from server.interests.model import Interest
from server.people.model import Member
from server.popups.model import PopUp
from server.texts import later
from server.venues.model import Venue

ASKED, ON, OVER = "gather_here", "pop_up.on", "pop_up.over"  # kinds of notes
LINK = "/pop-ups"
AT = later("You and at least %(count)s others who like %(interest)s are at %(place)s. Gather here?")
NEAR = later("You and at least %(count)s others who like %(interest)s are near %(place)s. Gather there?")
_ON = later("It happens: %(event)s, now, at %(place)s. You are signed up.")
_HOSTED = later("It happens: %(event)s, now, at %(place)s. You are signed up, and you are its host.")
_OVER = later("%(event)s is over: most have left.")


def asked(
    session: Session, pop_up: PopUp, interest: Interest, venue: Venue, member_ids: Iterable[str], now: dt.datetime
) -> None:
    """Asks them. Without a name, and without anybody's place: the one that is named is public."""
    inbox.tell(
        session,
        member_ids,
        kind=ASKED,
        of=f"pop-up/{pop_up.id}",
        sentence=AT if pop_up.at_venue else NEAR,
        values={
            "count": pop_up.least - 1,
            "interest": words.either(interest.name_en, interest.name_zh),
            "place": words.named(venue.name, venue.simulated),
        },
        link=LINK,
        now=now,
        due_by=pop_up.answer_by,
    )


def on(
    session: Session,
    pop_up: PopUp,
    event: Event,
    venue: Venue,
    host: Member,
    member_ids: Iterable[str],
    now: dt.datetime,
) -> None:
    """Tells those who said yes that it happens."""
    for of, sentence in (([host.id], _HOSTED), ([one for one in member_ids if one != host.id], _ON)):
        inbox.tell(
            session,
            of,
            kind=ON,
            of=f"pop-up/{pop_up.id}",
            sentence=sentence,
            values={
                "event": words.named(event.name, event.simulated),
                "place": words.named(venue.name, venue.simulated),
            },
            link=f"/events/{event.id}",
            now=now,
            due_by=pop_up.answer_by,  # who read of it later would come too late
        )


def over(session: Session, pop_up: PopUp, event: Event, member_ids: Iterable[str], now: dt.datetime) -> None:
    """Tells those who joined that it is over."""
    inbox.tell(
        session,
        member_ids,
        kind=OVER,
        of=f"pop-up/{pop_up.id}",
        sentence=_OVER,
        values={"event": words.named(event.name, event.simulated)},
        link=f"/events/{event.id}",
        now=now,
    )
