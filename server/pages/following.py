"""What the plan of a date of a series offers for those that follow: who takes it over, who stays, and other places."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from config.settings import Presence
from server.corrections import following
from server.corrections import service as corrections
from server.events import copies, parts, recurrence, slots
from server.events import series as all_series
from server.events import service as events
from server.events.model import Event, Step
from server.pages.facts import Fact
from server.people.model import Member
from server.texts import Texts
from server.venues import service as venues
from server.venues import welcome


def place_of(steps: Sequence[Step]) -> str | None:
    """The venue at which all of these steps are; None where they are at several."""
    at = {step.venue_id for step in steps}
    return at.pop() if len(at) == 1 else None


def offer(
    session: Session, viewer: Member, event: Event, places: list[Fact], now: dt.datetime, say: Texts
) -> Fact | None:
    """For the organizer of a date of a series; None for everybody else.

    {"places": list of {"id", "name"}, or None where its steps are at several; "comes": whether dates follow, "takes":
    how many that are made become like this one, "going": how many people signed up for them, "stays": list of {"at",
    "time_zone"}; "moved": this one is not at its date's time}.
    """
    if event.series_id is None or (event.organizer_id != viewer.id and not viewer.operator):
        return None
    steps = events.steps_of(session, event_id=event.id)
    time_zone = copies.zone_of(session, steps)
    found = following.find(session, event, now)
    stays = [of_one[0].starts_at for of_one in events.steps_of_all(session, [one.id for one in found.stays]).values()]
    going = slots.members_of(session, [one.id for one in found.takes])
    here = place_of(steps)
    if here is None:
        offered = None
    else:
        venue = venues.get(session, here)
        own = {"id": venue.id, "name": say.name(venue.name, venue.simulated)}
        offered = [own, *(place for place in places if place["id"] != here)]
    assert event.recurrence_at is not None
    return {
        "places": offered,
        "comes": parts.comes_after(all_series.get(session, event.series_id), event),
        "takes": len(found.takes),
        "going": len(going),
        "stays": [{"at": at, "time_zone": time_zone} for at in stays],
        "moved": recurrence.at(event.recurrence_at, time_zone) != steps[0].starts_at,
    }


def move(
    session: Session,
    event: Event,
    venue_id: str,
    wall: dt.datetime,
    *,
    by: Member,
    presence: Presence,
    now: dt.datetime,
) -> None:
    """Moves a gathering to a wall time, and to the venue that was chosen, if it was; who signed up is told once.

    Raises VenueUnknown, NotYourVenue, and what corrections.move_event raises.
    """
    here = place_of(events.steps_of(session, event_id=event.id))
    elsewhere = event.series_id is not None and here is not None and venue_id not in ("", here)
    if elsewhere:
        welcome.check_welcome(session, by, venues.get(session, venue_id))
    corrections.move_event(
        session,
        event_id=event.id,
        wall=wall,
        venue_id=venue_id if elsewhere else None,
        presence=presence,
        now=now,
    )
