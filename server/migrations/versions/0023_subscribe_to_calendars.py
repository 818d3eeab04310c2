"""Keep members' secret links to their calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "calendar_link",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id"),
        sa.UniqueConstraint("secret"),
    )


def downgrade() -> None:
    """Takes this migration back; members have no links any more."""
    op.drop_table("calendar_link")
