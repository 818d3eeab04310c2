"""End a question with the steps that were open when it was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Applies this migration."""
    op.add_column("pulse", sa.Column("ends_at", sa.DateTime(timezone=True)))
    op.execute("""
        UPDATE pulse SET ends_at = coalesce(
            (SELECT max(step.ends_at) FROM step WHERE step.event_id = pulse.event_id
                AND step.opens_at <= pulse.opened_at AND pulse.opened_at < step.ends_at),
            closed_at, opened_at)
    """)
    op.alter_column("pulse", "ends_at", nullable=False)


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_column("pulse", "ends_at")
