"""Keep who met whom, and what members say of venues and gatherings."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "met",
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True),
        sa.Column("other_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True),
        sa.Column("ms", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "met_switch",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("willing", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "met_without",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("other_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), index=True),
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE"), index=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
        sa.Column("stars", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True)),
        sa.Column("hidden_by", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
        sa.Column("hidden_why", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("num_nonnulls(venue_id, event_id) = 1", name="ck_review_of_a_venue_or_an_event"),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="ck_review_one_to_five"),
        sa.UniqueConstraint("member_id", "venue_id", name="uq_review_of_venue"),
        sa.UniqueConstraint("member_id", "event_id", name="uq_review_of_event"),
    )
    op.create_table(
        "review_report",
        sa.Column("review_id", sa.BigInteger(), sa.ForeignKey("review.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Takes this migration back."""
    for table in ("review_report", "review", "met_without", "met_switch", "met"):
        op.drop_table(table)
