"""Tables of phones that report by themselves, of venues' own beacons, and of who heard which."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Phone(Base):
    """A login for one phone of a member: `<member>/<device>`, which may say where she is and nothing else.

    Only the SHA-256 of its password is kept. heard_at: when it last said something, to the minute. trouble: what was
    wrong with what it said last (service.Trouble), None if nothing was. at_broker: it has a login there, too.
    """

    __tablename__ = "phone"
    __table_args__ = (UniqueConstraint("member_id", "device"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    device: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[dt.datetime]
    heard_at: Mapped[dt.datetime | None]
    trouble: Mapped[str | None] = mapped_column(Text)
    trouble_at: Mapped[dt.datetime | None]
    at_broker: Mapped[bool] = mapped_column(server_default="false")


class VenueBeacon(Base):
    """A beacon that stands at a venue for phones to hear: uuid, major and minor are one venue's."""

    __tablename__ = "venue_beacon"
    __table_args__ = (CheckConstraint("octet_length(identity) = 20", name="identity_has_20_bytes"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), index=True)
    identity: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    made_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[dt.datetime]


class Hearing(Base):
    """A member's phone hears, or heard, a venue's beacon: the last time that it did. Gone after two days.

    since: it came into hearing; until: the last that it said of it. ended: it said that it hears it no more.
    """

    __tablename__ = "hearing"
    __table_args__ = (CheckConstraint("since <= until", name="runs_forward"),)

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True, index=True)
    since: Mapped[dt.datetime]
    until: Mapped[dt.datetime] = mapped_column(index=True)
    ended: Mapped[bool] = mapped_column(server_default="false")
