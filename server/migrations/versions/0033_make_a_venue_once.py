"""Know the request that made a venue, so that a second tap makes no second one."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what is kept of the request; of those that stand nothing is known."""
    op.add_column("venue", sa.Column("nonce", sa.LargeBinary()))
    op.create_index("uq_venue_nonce", "venue", ["nonce"], unique=True)


def downgrade() -> None:
    """Takes it out."""
    op.drop_index("uq_venue_nonce", "venue")
    op.drop_column("venue", "nonce")
