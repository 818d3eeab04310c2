"""Let a draft that was called off stay its hosts' alone, and gatherings of a community that is gone stay its members'."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Applies this migration."""
    for name in ("dropped", "community_gone"):
        op.add_column("event", sa.Column(name, sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """Takes this migration back; what was for members of a community that is gone is everybody's then."""
    for name in ("community_gone", "dropped"):
        op.drop_column("event", name)
