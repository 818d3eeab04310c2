"""Let members ask to gather at the places of others."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "venue_welcome",
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("welcome", sa.Boolean()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
    )


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_table("venue_welcome")
