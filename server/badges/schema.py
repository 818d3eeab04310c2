"""What the API says of badges and whose they are."""

import uuid
from typing import Annotated

from pydantic import Field

from server.badges.model import Badge, Identity, Pairing
from server.badges.service import LABEL_MAX_LENGTH, UUID_BYTES
from server.fields import Incoming, Moment, Outgoing

Sixteen = Annotated[int, Field(ge=0, le=0xFFFF)]


class NewBadge(Incoming):
    """A badge to be registered, by what it shows on the air; label: what its sticker says."""

    uuid: uuid.UUID
    major: Sixteen
    minor: Sixteen
    label: Annotated[str, Field(max_length=LABEL_MAX_LENGTH)] = ""
    since: Moment | None = None

    @property
    def identity(self) -> bytes:
        """The 20 bytes on the air."""
        return self.uuid.bytes + self.major.to_bytes(2, "big") + self.minor.to_bytes(2, "big")


class IdentityOut(Outgoing):
    """What a badge shows, and since when."""

    uuid: uuid.UUID
    major: int
    minor: int
    since: Moment
    until: Moment | None


class BadgeOut(Outgoing):
    """A badge; holder: the id of the member whose it is now."""

    id: int
    label: str
    identities: list[IdentityOut]
    holder: str | None


class PairingOut(Outgoing):
    """Whose a badge is, and for which time."""

    badge: int
    member: str
    since: Moment
    until: Moment | None


def show_identity(identity: Identity) -> IdentityOut:
    """An identity as the API shows it."""
    since = identity.valid.lower
    assert since is not None
    shown = identity.identity
    return IdentityOut(
        uuid=uuid.UUID(bytes=shown[:UUID_BYTES]),
        major=int.from_bytes(shown[UUID_BYTES : UUID_BYTES + 2], "big"),
        minor=int.from_bytes(shown[UUID_BYTES + 2 :], "big"),
        since=since,
        until=identity.valid.upper,
    )


def show(badge: Badge, identities: list[Identity], holder: str | None) -> BadgeOut:
    """A badge as the API shows it."""
    return BadgeOut(
        id=badge.id,
        label=badge.label,
        identities=[show_identity(identity) for identity in identities],
        holder=holder,
    )


def show_pairing(pairing: Pairing) -> PairingOut:
    """A pairing as the API shows it."""
    since = pairing.valid.lower
    assert since is not None
    return PairingOut(badge=pairing.badge_id, member=pairing.member_id, since=since, until=pairing.valid.upper)
