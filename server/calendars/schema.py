"""What the API says of a member's calendar link."""

from server.calendars.model import CalendarLink
from server.fields import Moment, Outgoing


class CalendarOut(Outgoing):
    """Your calendar's address, for calendar programs: whoever has it reads what you signed up for."""

    address: str
    made_at: Moment


def address_of(link: CalendarLink, own_url: str) -> str:
    """The address of a member's calendar."""
    return f"{own_url}/calendars/{link.secret}.ics"


def show(link: CalendarLink, own_url: str) -> CalendarOut:
    """A link as the API shows it to its member."""
    return CalendarOut(address=address_of(link, own_url), made_at=link.made_at)
