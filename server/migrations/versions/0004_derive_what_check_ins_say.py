"""Derive capacity where it is read, and find a member's check-ins at a step, and who held a badge, by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Applies this migration."""
    op.drop_column("checkin", "over_capacity")
    op.drop_index("ix_checkin_member_id", table_name="checkin")
    op.create_index("ix_checkin_member_id_step_id", "checkin", ["member_id", "step_id"])
    op.create_index("ix_pairing_badge_id", "pairing", ["badge_id"])


def downgrade() -> None:
    """Takes it back."""
    op.drop_index("ix_pairing_badge_id", table_name="pairing")
    op.drop_index("ix_checkin_member_id_step_id", table_name="checkin")
    op.create_index("ix_checkin_member_id", "checkin", ["member_id"])
    op.add_column("checkin", sa.Column("over_capacity", sa.Boolean(), server_default="false", nullable=False))
