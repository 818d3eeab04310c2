"""What invitations take and give over HTTP."""

from typing import Annotated

from pydantic import Field

from server.fields import Incoming, Moment, Outgoing
from server.invitations.audience import Audience
from server.invitations.judging import Why
from server.invitations.model import ShopInvitation
from server.invitations.service import LONGEST, Draft, Preview
from server.nonces import SIGNS
from server.texts import Texts
from server.venues.model import Venue

_K = "a multiple of 5, never more than there are; null: fewer than 5 could be told"


class DraftIn(Incoming):
    """What to send: up to 280 characters without links; until: within 24 hours, null for the closing time."""

    text: Annotated[str, Field(max_length=4 * LONGEST)]
    until: Moment | None = None

    def draft(self) -> Draft:
        """As the service takes it."""
        return Draft(self.text, self.until)


class InvitationIn(DraftIn):
    """An invitation. nonce: chosen by who sends it; the same again is as once."""

    nonce: Annotated[str, Field(min_length=SIGNS[0], max_length=SIGNS[1])]


class Judgement(Incoming):
    """Why an operator should look at an invitation, or hides it."""

    why: Why


class AudienceOut(Outgoing):
    """How many are near, and how many of them want to hear from the shop; the same for a quarter of an hour."""

    nearby: int | None = Field(description=_K)
    willing: int | None = Field(description=_K)
    until: Moment


class PreviewOut(Outgoing):
    """What would go out. look: the note as its reader sees it, in your language."""

    audience: AudienceOut
    until: Moment
    look: str


class InvitationOut(Outgoing):
    """An invitation as who keeps the shop sees it: how many were invited and came, never who."""

    id: int
    text: str
    at: Moment
    until: Moment
    invited: int | None = Field(description=_K)
    came: int | None = Field(description=f"{_K}, and before it is counted")
    counted: bool
    hidden: bool


class InvitedOut(Outgoing):
    """An invitation as its reader sees it.

    away_m: about how far off you were; null for who judges it, and once it is over.
    """

    id: int
    venue: str
    venue_name: str
    text: str
    until: Moment
    away_m: int | None
    refused: bool
    hidden: bool


class RefusedOut(Outgoing):
    """A shop of which you want no invitations."""

    id: str
    name: str


def show_audience(found: Audience) -> AudienceOut:
    """Numbers as the API tells them."""
    return AudienceOut(nearby=found.nearby, willing=found.willing, until=found.until)


def show_preview(found: Preview) -> PreviewOut:
    """A preview as the API tells it."""
    return PreviewOut(audience=show_audience(found.audience), until=found.until, look=found.look)


def show_sent(row: ShopInvitation) -> InvitationOut:
    """An invitation as the API tells it to who sent it."""
    return InvitationOut(
        id=row.id,
        text=row.text,
        at=row.at,
        until=row.until,
        invited=row.invited,
        came=row.came,
        counted=row.counted_at is not None,
        hidden=row.hidden_at is not None,
    )


def show_invited(row: ShopInvitation, venue: Venue, away_m: int | None, refused: bool, say: Texts) -> InvitedOut:
    """An invitation as the API tells it to who got it."""
    return InvitedOut(
        id=row.id,
        venue=venue.id,
        venue_name=say.name(venue.name, venue.simulated),
        text=row.text,
        until=row.until,
        away_m=away_m,
        refused=refused,
        hidden=row.hidden_at is not None,
    )


def show_refused(venue: Venue, say: Texts) -> RefusedOut:
    """A shop that is refused as the API tells it."""
    return RefusedOut(id=venue.id, name=say.name(venue.name, venue.simulated))
