"""Keep when each placement heard the agents' fixed beacons.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "beacon_span",
        sa.Column("beacon_agent_id", sa.Text(), nullable=False),
        sa.Column("placement_id", sa.BigInteger(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("from_ms <= to_ms", name=op.f("ck_beacon_span_runs_forward")),
        sa.ForeignKeyConstraint(
            ["beacon_agent_id"], ["agent.id"], name=op.f("fk_beacon_span_beacon_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["placement_id"],
            ["placement.id"],
            name=op.f("fk_beacon_span_placement_id_placement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("beacon_agent_id", "placement_id", "from_ms", name=op.f("pk_beacon_span")),
    )
    op.create_index(op.f("ix_beacon_span_placement_id"), "beacon_span", ["placement_id"])


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_index(op.f("ix_beacon_span_placement_id"), table_name="beacon_span")
    op.drop_table("beacon_span")
