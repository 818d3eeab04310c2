"""Let a host ask the room."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "pulse",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE"), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("choices", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("by", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.UniqueConstraint("event_id", "nonce", name="uq_pulse_nonce"),
    )
    op.create_index(
        "uq_pulse_one_open", "pulse", ["event_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "pulse_answer",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("pulse_id", sa.BigInteger(), sa.ForeignKey("pulse.id", ondelete="CASCADE"), nullable=False),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
        sa.Column("choice", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("pulse_id", "member_id", name="uq_pulse_answer_one_each"),
    )


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_table("pulse_answer")
    op.drop_table("pulse")
