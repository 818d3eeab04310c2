"""Tables of doors, of those who passed them, of who asks to be let in, and of the keys of personal codes."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base

OF_ONE = "num_nonnulls(event_id, venue_id) = 1"


class Door(Base):
    """Where people are let in, besides agents: a poster, a screen, a volunteer's phone.

    code: a poster's six signs. secret: what a screen's codes follow from. token_hash: of the link of a screen or a
    volunteer, whose token nobody keeps. ends_at: None for as its kind says (rules.closes_at).
    """

    __tablename__ = "door"
    __table_args__ = (
        CheckConstraint(OF_ONE, name="of_an_event_or_a_venue"),
        CheckConstraint("kind IN ('poster', 'screen', 'volunteer')", name="kind_is_known"),
        Index("uq_door_code", "code", unique=True),
        Index("uq_door_token_hash", "token_hash", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), index=True)
    step_id: Mapped[str | None] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class Passage(Base):
    """Somebody came in or went out, not by a badge. at: when, by the server's clock; told_at: by the phone's.

    Kept beside the check-in that the first entry makes: who is inside follows from the latest passages.
    nonce: the SHA-256 of what the asking phone chose, so that a retry is answered as the first time.
    """

    __tablename__ = "passage"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="direction_is_in_or_out"),
        Index("uq_passage_nonce", "nonce", unique=True),
        Index("ix_passage_checkin_id_at", "checkin_id", "at"),
        Index("ix_passage_member_id_at", "member_id", "at"),
        Index("ix_passage_door_id_recorded_at", "door_id", "recorded_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    checkin_id: Mapped[int] = mapped_column(ForeignKey("checkin.id", ondelete="CASCADE"))
    # None of somebody who was erased since; she still counts.
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    direction: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime | None]
    recorded_at: Mapped[dt.datetime]
    evidence: Mapped[str] = mapped_column(Text)
    door_id: Mapped[int | None] = mapped_column(ForeignKey("door.id", ondelete="SET NULL"))
    # Who let her in by hand; None for herself and for a door without an account.
    by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_guest: Mapped[bool] = mapped_column(server_default="false")
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")


class Ask(Base):
    """The host is asked whether to let somebody in: it is full, or she decides about each. answer: yes, no or None."""

    __tablename__ = "ask"
    __table_args__ = (
        Index(
            "uq_ask_one_open_per_member_and_step",
            "step_id",
            "member_id",
            unique=True,
            postgresql_where=text("answer IS NULL"),
        ),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_is_answered"),
        CheckConstraint("answer IN ('yes', 'no')", name="answer_is_yes_or_no"),
        Index("uq_ask_nonce", "nonce", unique=True),
        Index("ix_ask_member_id", "member_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"))
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)
    door_id: Mapped[int | None] = mapped_column(ForeignKey("door.id", ondelete="SET NULL"))
    asked_at: Mapped[dt.datetime]
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_guest: Mapped[bool] = mapped_column(server_default="false")
    answer: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[dt.datetime | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))


class PassKey(Base):
    """A key that personal codes are signed with (Ed25519, raw bytes); a new one every month."""

    __tablename__ = "pass_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    private: Mapped[bytes] = mapped_column(LargeBinary)
    public: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime]
