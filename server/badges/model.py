"""Tables of badges, the identities they show, and their pairings with members."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Badge(Base):
    """The iBeacon a member carries."""

    __tablename__ = "badge"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Identity(Base):
    """What is shown on the air (uuid, major, minor: 20 bytes), for a time: of a badge or an agent's beacon."""

    __tablename__ = "identity"
    __table_args__ = (
        CheckConstraint("octet_length(identity) = 20", name="identity_has_20_bytes"),
        CheckConstraint("(badge_id IS NULL) <> (agent_id IS NULL)", name="of_a_badge_or_of_an_agent"),
        ExcludeConstraint(("identity", "="), ("valid", "&&"), name="identity_means_one_thing_at_a_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[bytes] = mapped_column(LargeBinary)
    badge_id: Mapped[int | None] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"), index=True)
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    valid: Mapped[Range[dt.datetime]] = mapped_column(TSTZRANGE)


class Pairing(Base):
    """Whose a badge is, for a time; never two members' at once."""

    __tablename__ = "pairing"
    __table_args__ = (ExcludeConstraint(("badge_id", "="), ("valid", "&&"), name="badge_has_one_holder_at_a_time"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    # An index beside that of the constraint: a batch asks for the holders of thousands of badges.
    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    valid: Mapped[Range[dt.datetime]] = mapped_column(TSTZRANGE)
