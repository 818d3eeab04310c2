"""Know which phones are at which places, and which members are near each other."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables; nobody is anywhere yet."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "venue_fence",
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("enter_m", sa.Float(), nullable=False),
        sa.Column("exit_m", sa.Float(), nullable=False),
        sa.Column("dwell_s", sa.Float(), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.CheckConstraint("enter_m > 0 AND enter_m < exit_m", name="left_further_out_than_entered"),
        sa.CheckConstraint("dwell_s >= 0", name="dwell_is_not_negative"),
    )
    op.create_table(
        "fence_state",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("device", sa.Text(), server_default="", primary_key=True),
        sa.Column("inside", sa.Boolean()),
        sa.Column("since", moment),
        sa.Column("sure_at", moment),
        sa.Column("run_since", moment),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("dwelt", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("near", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("outside_m", sa.BigInteger(), nullable=False),
        sa.Column("off_m", sa.BigInteger(), nullable=False),
        sa.Column("until", moment, nullable=False),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_fence_state_venue_id", "fence_state", ["venue_id"])
    op.create_index("ix_fence_state_until", "fence_state", ["until"])
    op.create_table(
        "company_cell",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("at", moment, nullable=False),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_company_cell_cell", "company_cell", ["cell"])
    op.create_index("ix_company_cell_at", "company_cell", ["at"])
    op.create_table(
        "encounter",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("one_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
        sa.Column("other_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("told", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_index(
        "uq_encounter_one_lasts",
        "encounter",
        [sa.text("least(one_id, other_id)"), sa.text("greatest(one_id, other_id)")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_encounter_one_id_began_at", "encounter", ["one_id", "began_at"])
    op.create_index("ix_encounter_other_id_began_at", "encounter", ["other_id", "began_at"])


def downgrade() -> None:
    """Takes them out, with all that was known."""
    for table in ("encounter", "company_cell", "fence_state", "venue_fence"):
        op.drop_table(table)
