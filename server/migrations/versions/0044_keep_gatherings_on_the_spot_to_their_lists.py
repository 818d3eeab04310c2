"""Let a gathering be for its list alone: those on the spot were told apart only by having lost a community."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_BEFORE = "event.open_to_all OR event.community_id IS NULL AND NOT event.community_gone"
_AFTER = f"NOT event.list_only AND ({_BEFORE})"
_REPLACE = """
    DO $do$ BEGIN
        EXECUTE replace(pg_get_functiondef('listing_events(text[])'::regprocedure), '{0}', '{1}');
    END $do$
"""


def upgrade() -> None:
    """Those of pop-ups are for their lists, and listed for nobody."""
    op.add_column("event", sa.Column("list_only", sa.Boolean(), server_default="false", nullable=False))
    op.execute(_REPLACE.format(_BEFORE, _AFTER))
    op.execute(
        "UPDATE event SET list_only = true, community_gone = false, open_to_all = false, community_id = NULL"
        " FROM pop_up WHERE pop_up.event_id = event.id"
    )


def downgrade() -> None:
    """They have lost a community again, of which nobody knows."""
    op.execute("UPDATE event SET community_gone = true WHERE list_only")
    op.execute(_REPLACE.format(_AFTER, _BEFORE))
    op.drop_column("event", "list_only")
