"""Find all notes of a shop's invitation, to take them back; count of refusals no longer what shops are told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of the invitations alone: other notes are never looked for so."""
    op.create_index(
        "ix_notification_shop_invitation",
        "notification",
        ["subject"],
        postgresql_where=sa.text("kind = 'shop_invitation'"),
    )
    op.drop_column("shop_audience", "refused")


def downgrade() -> None:
    """What was counted is for a quarter of an hour, and is counted anew."""
    op.execute("DELETE FROM shop_audience")
    op.add_column("shop_audience", sa.Column("refused", postgresql.JSONB(), nullable=False))
    op.drop_index("ix_notification_shop_invitation", "notification")
