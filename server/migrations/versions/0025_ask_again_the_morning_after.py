"""Ask who came whether they want it again, and let hosts write to them."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "morning",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("proposal_id", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_morning_proposal_id", "morning", ["proposal_id"])
    op.create_table(
        "morning_card",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("answer IN ('yes', 'no', 'differently')", name="answer_is_known"),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_is_answered"),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", "member_id"),
    )
    op.create_index("ix_morning_card_member_id", "morning_card", ["member_id"])
    op.create_index(
        "ix_morning_card_answered",
        "morning_card",
        ["event_id", "answered_at"],
        postgresql_where=sa.text("answer IS NOT NULL"),
    )
    op.create_table(
        "organizer_message",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recipients", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 2", name="two_at_most"),
        sa.CheckConstraint("recipients > 0", name="for_somebody"),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["member.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", "number", name="uq_organizer_message_number"),
    )
    op.create_index("ix_organizer_message_by_id", "organizer_message", ["by_id"])
    op.create_index("uq_organizer_message_nonce", "organizer_message", ["nonce"], unique=True)
    op.create_table(
        "muted_organizer",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("muted_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["muted_id"], ["member.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id", "muted_id"),
    )
    op.create_index("ix_muted_organizer_muted_id", "muted_organizer", ["muted_id"])


def downgrade() -> None:
    """Takes this migration back; what was said and written is gone."""
    op.drop_table("muted_organizer")
    op.drop_table("organizer_message")
    op.drop_table("morning_card")
    op.drop_table("morning")
