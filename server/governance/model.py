"""Tables of what was changed about communities, and of votes."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class CommunityChange(Base):
    """One field of a community was changed, from `was` to `became`; by: None of somebody who was erased.

    put_back_of: the change that this one took back. picture_id: the picture that it was, kept to be put back.
    """

    __tablename__ = "community_change"
    __table_args__ = (Index("ix_community_change_community_id_id", "community_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"))
    field: Mapped[str] = mapped_column(Text)
    was: Mapped[Any] = mapped_column(JSONB, nullable=False)
    became: Mapped[Any] = mapped_column(JSONB, nullable=False)
    picture_id: Mapped[str | None] = mapped_column(ForeignKey("picture.id"), index=True)
    by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    at: Mapped[dt.datetime]
    put_back_of: Mapped[int | None] = mapped_column(ForeignKey("community_change.id", ondelete="SET NULL"), index=True)


class Vote(Base):
    """A question to those who came of late: how many they are and how many have to vote is fixed when it is opened.

    about: what a vote to restore is about (`post/12`), nothing for other kinds. member_id: whom it is about. called:
    what who opened it calls her. words: what she says herself. yes, no: counted when it is decided, with the outcome;
    who voted how is forgotten then.
    """

    __tablename__ = "vote"
    __table_args__ = (
        CheckConstraint("kind IN ('dissolve', 'remove', 'readmit', 'restore', 'move')", name="kind_is_known"),
        CheckConstraint("outcome IN ('passed', 'too_few', 'not_more', 'moot')", name="outcome_is_known"),
        CheckConstraint("num_nonnulls(outcome, decided_at, yes, no) IN (0, 4)", name="decided_as_a_whole"),
        CheckConstraint("opened_at < ends_at AND quorum > 0 AND quorum <= voters", name="can_be_decided"),
        Index(
            "uq_vote_one_open_about_the_same",
            "community_id",
            "kind",
            "about",
            text("coalesce(member_id, '')"),
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
        ),
        Index("ix_vote_ends_at", "ends_at", postgresql_where=text("decided_at IS NULL")),
        Index("ix_vote_community_id_id", "community_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text, server_default="")
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    called: Mapped[str] = mapped_column(Text, server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    words: Mapped[str] = mapped_column(Text, server_default="")
    opened_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    opened_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    voters: Mapped[int]
    quorum: Mapped[int]
    decided_at: Mapped[dt.datetime | None]
    outcome: Mapped[str | None] = mapped_column(Text)
    yes: Mapped[int | None]
    no: Mapped[int | None]


class Ballot(Base):
    """Somebody who may vote, made when the vote is opened; yes: None until she has voted."""

    __tablename__ = "ballot"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    yes: Mapped[bool | None]
