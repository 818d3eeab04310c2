"""${message}."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Applies this migration."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Takes this migration back."""
    ${downgrades if downgrades else "pass"}
