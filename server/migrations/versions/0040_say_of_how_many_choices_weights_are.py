"""Say of how many choices a weight was learnt."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the number; nothing was learnt yet."""
    op.add_column("learnt_weight", sa.Column("choices", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    """Takes it out."""
    op.drop_column("learnt_weight", "choices")
