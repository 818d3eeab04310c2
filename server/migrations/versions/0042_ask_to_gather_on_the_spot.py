"""Ask those who are near each other and like the same whether to gather on the spot."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables; nobody is asked yet."""
    moment = sa.DateTime(timezone=True)
    op.create_index("ix_position_use_pop_ups", "position_use", ["member_id"], postgresql_where=sa.text("pop_ups"))
    op.create_table(
        "pop_up",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("interest_id", sa.Text(), sa.ForeignKey("interest.id", ondelete="SET NULL")),
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="SET NULL")),
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="SET NULL")),
        sa.Column("state", sa.Text(), server_default="offered", nullable=False),
        sa.Column("at_venue", sa.Boolean(), nullable=False),
        sa.Column("least", sa.BigInteger(), nullable=False),
        sa.Column("needs", sa.BigInteger(), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("offered_at", moment, nullable=False),
        sa.Column("answer_by", moment, nullable=False),
        sa.Column("on_at", moment),
        sa.Column("thin_at", moment),
        sa.Column("ended_at", moment),
        sa.CheckConstraint("state IN ('offered', 'on', 'over', 'lapsed')", name="state_is_known"),
        sa.CheckConstraint("least >= 3 AND needs >= 2 AND needs <= least", name="numbers_fit"),
    )
    for column in ("interest_id", "venue_id", "event_id", "ended_at"):
        op.create_index(f"ix_pop_up_{column}", "pop_up", [column])
    op.create_index("ix_pop_up_lasts", "pop_up", ["state"], postgresql_where=sa.text("state IN ('offered', 'on')"))
    op.create_table(
        "pop_up_asked",
        sa.Column("pop_up_id", sa.Text(), sa.ForeignKey("pop_up.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("answer", sa.Boolean()),
        sa.Column("answered_at", moment),
    )
    op.create_index("ix_pop_up_asked_member_id_asked_at", "pop_up_asked", ["member_id", "asked_at"])


def downgrade() -> None:
    """Takes them out, with all that was asked."""
    op.drop_table("pop_up_asked")
    op.drop_table("pop_up")
    op.drop_index("ix_position_use_pop_ups", "position_use")
