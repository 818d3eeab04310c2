"""Count the tries of a code in its own row, which a crash of the database does not empty; no address in lists' keys."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Applies this migration."""
    op.add_column("proof", sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False))
    op.execute("UPDATE listed_guest SET key = encode(sha256(convert_to(key, 'UTF8')), 'hex')")


def downgrade() -> None:
    """Takes this migration back; keys stay hashed, nobody can read them: the same list again is then new."""
    op.drop_column("proof", "tries")
