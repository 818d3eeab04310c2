"""Keep which times of a venue's trace were forgotten, not one moment: a backlog may come in parts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Applies this migration; all before the one moment was forgotten, to the end of its minute."""
    op.create_table(
        "trace_forgotten",
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("from_ms < to_ms", name=op.f("ck_trace_forgotten_runs_forward")),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_trace_forgotten_venue_id_venue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("venue_id", "from_ms", name=op.f("pk_trace_forgotten")),
    )
    op.execute("""
        INSERT INTO trace_forgotten SELECT venue_id, 0, (from_ms + 59999) / 60000 * 60000 FROM trace_kept
        WHERE from_ms > 0
    """)
    op.drop_table("trace_kept")


def downgrade() -> None:
    """Takes this migration back: what is whole before the last forgotten time counts as forgotten again."""
    op.create_table(
        "trace_kept",
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_trace_kept_venue_id_venue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("venue_id", name=op.f("pk_trace_kept")),
    )
    op.execute("INSERT INTO trace_kept SELECT venue_id, max(to_ms) FROM trace_forgotten GROUP BY venue_id")
    op.drop_table("trace_forgotten")
