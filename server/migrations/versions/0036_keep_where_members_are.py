"""Keep where members are, as cells with an end, and what that may be used for."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables; nobody's position is known yet."""
    member = sa.ForeignKey("member.id", ondelete="CASCADE")
    op.create_table(
        "position",
        sa.Column("member_id", sa.Text(), member, primary_key=True),
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("device", sa.Text(), server_default="", primary_key=True),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("accuracy_m", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('browser', 'phone', 'visit', 'home')", name="source_is_known"),
        sa.CheckConstraint("accuracy_m >= 0 AND at < until", name="position_makes_sense"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_position_area", "position", ["area"])
    op.create_index("ix_position_until", "position", ["until"])
    op.create_table(
        "position_use",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("told", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("fences", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("company", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("pop_ups", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("radius_m", sa.BigInteger(), server_default="5000", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("radius_m BETWEEN 500 AND 100000", name="radius_makes_sense"),
    )


def downgrade() -> None:
    """Takes them out, with all that was kept."""
    op.drop_table("position_use")
    op.drop_table("position")
