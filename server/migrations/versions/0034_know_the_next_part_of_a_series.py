"""Know in which part a series goes on, so that its page leads there."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the next part; of those that stand nothing is known."""
    op.add_column("series", sa.Column("next_id", sa.Text(), sa.ForeignKey("series.id", ondelete="SET NULL")))


def downgrade() -> None:
    """Takes it out."""
    op.drop_column("series", "next_id")
