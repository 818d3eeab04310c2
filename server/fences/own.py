"""How near to a venue one is there, where who keeps it says so."""

import datetime as dt

from sqlalchemy.orm import Session

from server import constraints, topics
from server.errors import Invalid
from server.fences.model import VenueFence
from server.venues import service as venues

ENTER_M = (20.0, 2000.0)  # less lets no phone in; further away is not there
APART_M = 20.0  # between out and in at the least: less would flap with how a phone is held
EXIT_M = 5000.0
DWELL_S = (0.0, 3600.0)


def of(session: Session, venue_id: str) -> VenueFence | None:
    """A venue's own fence, None where it is as the settings say; raises VenueUnknown."""
    venues.get(session, venue_id)
    return session.get(VenueFence, venue_id)


def choose(
    session: Session, venue_id: str, *, enter_m: float, exit_m: float, dwell_s: float, now: dt.datetime
) -> VenueFence:
    """Keeps a venue's own fence; fixes from now on are judged by it. Raises VenueUnknown, Invalid."""
    venues.get(session, venue_id)
    if not ENTER_M[0] <= enter_m <= ENTER_M[1] or exit_m > EXIT_M:
        raise Invalid(
            "One is there from %(low)s to %(high)s m on, and has left at %(most)s m at the latest.",
            low=round(ENTER_M[0]),
            high=round(ENTER_M[1]),
            most=round(EXIT_M),
        )
    if exit_m < enter_m + APART_M:
        raise Invalid(
            "Who leaves is further away than who comes, by %(metres)s m at the least, or phones would come and go.",
            metres=round(APART_M),
        )
    if not DWELL_S[0] <= dwell_s <= DWELL_S[1]:
        raise Invalid("One stays for an hour at the most to have been there.")
    constraints.take_turn(session, f"fence of {venue_id}")
    row = session.get(VenueFence, venue_id)
    if row is None:
        row = VenueFence(venue_id=venue_id)
        session.add(row)
    row.enter_m, row.exit_m, row.dwell_s, row.changed_at = enter_m, exit_m, dwell_s, now
    session.flush()
    topics.bump(session, [f"venue/{venue_id}"])
    return row


def clear(session: Session, venue_id: str) -> None:
    """Makes it as the settings say again; twice is as once. Raises VenueUnknown."""
    row = of(session, venue_id)
    if row is not None:
        session.delete(row)
        session.flush()
