"""An evening in a park where no agent listens, and phones on their way there: for tests of fences and company."""

import datetime as dt
import math

from sqlalchemy.orm import Session

from geo.distances import EARTH_M
from server.communities import service as communities
from server.events import service as events
from server.events import signups
from server.people.model import Member
from server.positions import service as positions
from server.positions.service import Fix, Source
from server.venues import service as venues
from tests.server.places import NOW, make_members

MINUTE = dt.timedelta(minutes=1)
PARK = (13.3700, 52.5140)  # degrees, longitude first
STARTS = NOW + 30 * MINUTE


def make_evening(session: Session, *, kind: venues.Kind = "place") -> None:
    """Cleo's picnic in the park, in half an hour, open since half an hour; Dora goes, and lets her phone say so."""
    if session.get(Member, "dora") is None:
        make_members(session)
    venues.create(
        session,
        id="park",
        name="The Park",
        time_zone="Europe/Berlin",
        location=PARK,
        kind=kind,
        owner_id="ben",
        contact="ben@park.example",
    )
    step = events.NewStep("Picnic", "park", STARTS, STARTS + 120 * MINUTE, opens_at=NOW - 30 * MINUTE)
    events.create(session, id="picnic", name="Picnic", organizer_id="cleo", steps=[step])
    signups.sign_up(session, event_id="picnic", member_id="dora", now=NOW - 60 * MINUTE)
    let(session, "dora", fences=True)


def let(session: Session, member_id: str, *, fences: bool = False, company: bool = False) -> None:
    """Says what her positions may be used for."""
    positions.choose_uses(
        session,
        member_id=member_id,
        told=False,
        fences=fences,
        company=company,
        pop_ups=False,
        radius_m=5000,
        now=NOW - 60 * MINUTE,
    )


def fix(
    away_m: float,
    minute: float = 0,
    *,
    member_id: str = "dora",
    accuracy_m: float = 15,
    device: str = "phone",
    source: Source = Source.PHONE,
    middle: tuple[float, float] = PARK,
) -> Fix:
    """A fix so far east of the park, so many minutes after NOW."""
    return Fix(member_id, source, device, east(away_m, middle), accuracy_m, NOW + dt.timedelta(minutes=minute))


def east(away_m: float, middle: tuple[float, float] = PARK) -> tuple[float, float]:
    """A place so many metres to the east."""
    return middle[0] + math.degrees(away_m / EARTH_M / math.cos(math.radians(middle[1]))), middle[1]


def make_circle(session: Session, *member_ids: str, id: str = "chess") -> None:
    """A circle of these."""
    communities.create(session, id=id, name=f"{id.capitalize()} Circle")
    for member_id in member_ids:
        communities.join(session, community_id=id, member_id=member_id, now=NOW - 60 * MINUTE)
