"""Leave room on each page for a second version of all its rows: those of a venue grow in one transaction."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = ("span", "visit", "trace", "coverage", "beacon_span")


def upgrade() -> None:
    """Applies this migration, for pages that are filled from now on."""
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 45)")


def downgrade() -> None:
    """Takes this migration back."""
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")
