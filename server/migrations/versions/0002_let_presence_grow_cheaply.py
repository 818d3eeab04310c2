"""Let presence grow cheaply: rows that grow leave indexes alone, the trace is a row a minute and placement.

The old trace is dropped: stays from before this migration are settled, and only their visits can still grow.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NEVER_OVERLAP = "visits_of_a_badge_never_overlap"


def _exclude_overlaps(upper: str) -> None:
    op.execute(
        f"ALTER TABLE visit ADD CONSTRAINT {_NEVER_OVERLAP} EXCLUDE USING gist"
        f" (badge_id WITH =, venue_id WITH =, int8range(from_ms, {upper}, '[]') WITH &&)"
    )


def upgrade() -> None:
    """Makes the changes."""
    op.drop_constraint(_NEVER_OVERLAP, "visit")
    op.drop_index("ix_visit_venue_id_to_ms", table_name="visit")
    op.drop_constraint(op.f("ck_visit_runs_forward"), "visit")
    op.add_column("visit", sa.Column("reach_ms", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE visit SET reach_ms = to_ms - to_ms % (join_gap_s * 1000) + join_gap_s * 1000
        FROM venue WHERE venue.id = visit.venue_id
    """)
    op.alter_column("visit", "reach_ms", nullable=False)
    op.create_check_constraint(op.f("ck_visit_runs_forward"), "visit", "from_ms <= to_ms AND to_ms <= reach_ms")
    _exclude_overlaps("reach_ms")
    op.create_index("ix_visit_venue_id_reach_ms", "visit", ["venue_id", "reach_ms"])

    # A join gap that becomes shorter lets visits begin where the longer one would have joined them.
    op.execute("""
        CREATE FUNCTION shorten_reach() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE visit SET reach_ms = least(
                reach_ms, to_ms - to_ms % (NEW.join_gap_s * 1000) + NEW.join_gap_s * 1000)
            WHERE venue_id = NEW.id;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER shortens_reach AFTER UPDATE OF join_gap_s ON venue FOR EACH ROW
        WHEN (NEW.join_gap_s < OLD.join_gap_s) EXECUTE FUNCTION shorten_reach()
    """)

    op.drop_constraint(op.f("ck_stay_runs_forward"), "stay")
    op.drop_column("stay", "to_ms")

    op.drop_table("trace")
    op.create_table(
        "trace",
        sa.Column("placement_id", sa.BigInteger(), nullable=False),
        sa.Column("block_ms", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_trace_placement_id_placement"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("placement_id", "block_ms", name=op.f("pk_trace")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "trace_kept",
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_trace_kept_venue_id_venue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("venue_id", name=op.f("pk_trace_kept")),
    )
    op.execute("INSERT INTO trace_kept SELECT venue_id, max(to_ms) + 1 FROM visit GROUP BY venue_id")

    op.add_column("coverage", sa.Column("placement_id", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE coverage SET placement_id = placement.id FROM placement
        WHERE placement.agent_id = coverage.agent_id AND placement.valid @> to_timestamp(coverage.from_ms / 1000.0)
    """)
    op.execute("DELETE FROM coverage WHERE placement_id IS NULL")
    op.drop_index("ix_coverage_agent_id_to_ms", table_name="coverage")
    op.drop_constraint(op.f("pk_coverage"), "coverage")
    op.create_primary_key(op.f("pk_coverage"), "coverage", ["placement_id", "from_ms"])
    op.create_foreign_key(
        op.f("fk_coverage_placement_id_placement"),
        "coverage",
        "placement",
        ["placement_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index("ix_coverage_agent_id_from_ms", "coverage", ["agent_id", "from_ms"])
    for table in ("span", "visit", "coverage"):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")


def downgrade() -> None:
    """Takes this migration back; the trace and the ends of stays are lost."""
    for table in ("span", "visit", "coverage"):
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    op.drop_index("ix_coverage_agent_id_from_ms", table_name="coverage")
    op.drop_constraint(op.f("pk_coverage"), "coverage")
    op.drop_column("coverage", "placement_id")
    op.create_primary_key(op.f("pk_coverage"), "coverage", ["agent_id", "from_ms"])
    op.create_index("ix_coverage_agent_id_to_ms", "coverage", ["agent_id", "to_ms"])

    op.drop_table("trace_kept")
    op.drop_table("trace")
    op.create_table(
        "trace",
        sa.Column("badge_id", sa.BigInteger(), nullable=False),
        sa.Column("block_ms", sa.BigInteger(), nullable=False),
        sa.Column("placement_id", sa.BigInteger(), nullable=False),
        sa.Column("peaks", postgresql.BYTEA(), nullable=False),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_trace_badge_id_badge"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_trace_placement_id_placement"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("badge_id", "block_ms", "placement_id", name=op.f("pk_trace")),
    )
    op.create_index(op.f("ix_trace_placement_id"), "trace", ["placement_id"])

    op.add_column("stay", sa.Column("to_ms", sa.BigInteger(), nullable=True))
    op.execute("UPDATE stay SET to_ms = from_ms")
    op.alter_column("stay", "to_ms", nullable=False)
    op.create_check_constraint(op.f("ck_stay_runs_forward"), "stay", "from_ms <= to_ms")

    op.execute("DROP TRIGGER shortens_reach ON venue")
    op.execute("DROP FUNCTION shorten_reach")
    op.drop_index("ix_visit_venue_id_reach_ms", table_name="visit")
    op.drop_constraint(_NEVER_OVERLAP, "visit")
    op.drop_constraint(op.f("ck_visit_runs_forward"), "visit")
    op.drop_column("visit", "reach_ms")
    op.create_check_constraint(op.f("ck_visit_runs_forward"), "visit", "from_ms <= to_ms")
    _exclude_overlaps("to_ms")
    op.create_index("ix_visit_venue_id_to_ms", "visit", ["venue_id", "to_ms"])
