"""Keep of what members near were told, and notice places that come free."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_FREED = """
CREATE FUNCTION place_is_freed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO place_freed (event_id) VALUES (NEW.event_id);
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Makes the tables and the trigger; what is announced already calls nobody but by a place that comes free."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE")),
        sa.Column("proposal_id", sa.Text(), sa.ForeignKey("proposal.id", ondelete="CASCADE")),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("next_at", moment),
        sa.Column("looked_at", moment),
        sa.Column("told", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("told_at", moment),
        sa.CheckConstraint("reason IN ('new_event', 'free_place', 'proposal_short')", name="reason_is_known"),
        sa.CheckConstraint("num_nonnulls(event_id, proposal_id) = 1 AND told >= 0", name="call_makes_sense"),
        sa.UniqueConstraint("event_id", "reason"),
        sa.UniqueConstraint("proposal_id"),
    )
    op.create_index("ix_call_looked_at", "call", ["looked_at"])
    op.create_index("ix_call_next_at", "call", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL"))
    op.create_table(
        "called",
        sa.Column("call_id", sa.BigInteger(), sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("at", moment, nullable=False),
    )
    op.create_index("ix_called_member_id", "called", ["member_id"])
    op.create_table(
        "call_off",
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("at", moment, nullable=False),
    )
    op.create_table(
        "place_freed",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("ix_place_freed_event_id", "place_freed", ["event_id"])
    # What was announced of late, and what has places and begins soon: looked at each minute.
    op.create_index("ix_event_announced", "event", ["state_at"], postgresql_where=sa.text("state = 'published'"))
    op.create_index("ix_listing_limited", "listing", ["starts_at"], postgresql_where=sa.text("capacity IS NOT NULL"))
    op.execute(_FREED)
    op.execute(
        "CREATE TRIGGER place_is_freed AFTER UPDATE ON listing FOR EACH ROW"
        " WHEN (OLD.going >= OLD.capacity AND NEW.going < NEW.capacity) EXECUTE FUNCTION place_is_freed()"
    )


def downgrade() -> None:
    """Takes them out."""
    op.execute("DROP TRIGGER place_is_freed ON listing")
    op.execute("DROP FUNCTION place_is_freed()")
    op.drop_index("ix_listing_limited", "listing")
    op.drop_index("ix_event_announced", "event")
    for table in ("place_freed", "call_off", "called", "call"):
        op.drop_table(table)
