"""Tables of who comes along when a community moves, and of what came here from other servers."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Move(Base):
    """The people of a community are asked whether they come along to another server; said anew, all is asked anew."""

    __tablename__ = "move"
    __table_args__ = (CheckConstraint("asked_at < until", name="runs_forward"),)

    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), primary_key=True)
    asked_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    asked_at: Mapped[dt.datetime]
    until: Mapped[dt.datetime]


class ComingAlong(Base):
    """What a member answered, until she says otherwise."""

    __tablename__ = "coming_along"

    community_id: Mapped[str] = mapped_column(ForeignKey("move.community_id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    agreed: Mapped[bool]
    at: Mapped[dt.datetime]


class Arrived(Base):
    """A community that came from another server. export: the id of the newest file of it that was taken."""

    __tablename__ = "arrived"
    __table_args__ = (UniqueConstraint("origin", "origin_id"),)

    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), primary_key=True)
    origin: Mapped[str] = mapped_column(Text)
    origin_id: Mapped[str] = mapped_column(Text)
    export: Mapped[str] = mapped_column(Text)
    made_at: Mapped[dt.datetime]
    arrived_at: Mapped[dt.datetime]


class ArrivedThing(Base):
    """What a thing was called there, and is called here. It stays when the thing is deleted: that does not come back.

    kind: venue, event, step, topic, post, change, vote, picture, card, holder, redemption or review.
    """

    __tablename__ = "arrived_thing"

    community_id: Mapped[str] = mapped_column(ForeignKey("arrived.community_id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    was: Mapped[str] = mapped_column(Text, primary_key=True)
    became: Mapped[str] = mapped_column(Text)


class ArrivedPerson(Base):
    """Who somebody of there is here; member_id: None of somebody who was erased here, and does not come back."""

    __tablename__ = "arrived_person"

    community_id: Mapped[str] = mapped_column(ForeignKey("arrived.community_id", ondelete="CASCADE"), primary_key=True)
    was: Mapped[str] = mapped_column(Text, primary_key=True)
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
