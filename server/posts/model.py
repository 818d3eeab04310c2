"""Tables of topics, of posts in them or at gatherings, and of who hid what and who put it back."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Topic(Base):
    """What posts of a community are about. It goes with its last post."""

    __tablename__ = "post_topic"

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[dt.datetime]


class Post(Base):
    """What a member wrote in a topic or at a gathering.

    leads_to: the gathering that it asks people to. answer_to: a post that is no answer itself. newcomer: she had come
    to nothing there yet. nonce: the SHA-256 of what her form chose. deleted_at: taken back, but answered to: then
    nothing of it is left but its place, and it is nobody's.
    """

    __tablename__ = "post"
    __table_args__ = (
        CheckConstraint("num_nonnulls(topic_id, event_id) = 1", name="in_a_topic_or_at_a_gathering"),
        CheckConstraint("deleted_at IS NULL OR member_id IS NULL", name="deleted_is_nobody_s"),
        Index("uq_post_member_id_nonce", "member_id", "nonce", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("post_topic.id", ondelete="CASCADE"), index=True)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    picture_id: Mapped[str | None] = mapped_column(ForeignKey("picture.id"), index=True)
    leads_to: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="SET NULL"), index=True)
    answer_to: Mapped[int | None] = mapped_column(ForeignKey("post.id", ondelete="SET NULL"), index=True)
    newcomer: Mapped[bool]
    at: Mapped[dt.datetime]
    edited_at: Mapped[dt.datetime | None]
    deleted_at: Mapped[dt.datetime | None]
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(server_default="1")


class Hiding(Base):
    """Somebody hid a post, or all of a newcomer in a community, or put it back.

    Whether it is hidden follows from all rows about it (server/posts/hidden_by.py). role: what she acted as.
    """

    __tablename__ = "hiding"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(community_id, newcomer_id) = CASE WHEN post_id IS NULL THEN 2 ELSE 0 END",
            name="of_a_post_or_a_newcomer",
        ),
        CheckConstraint("act IN ('hide', 'restore')", name="act_is_known"),
        CheckConstraint("role IN ('member', 'host', 'vote')", name="role_is_known"),
        Index("ix_hiding_community_id_newcomer_id", "community_id", "newcomer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), index=True)
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"))
    newcomer_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    act: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]
    taken_back_at: Mapped[dt.datetime | None]
