"""Know fans, and let cards stamp themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "fan_rounding",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="only_one"),
    )
    op.create_table(
        "stamp_card",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE")),
        sa.Column("community_id", sa.Text(), sa.ForeignKey("community.id", ondelete="CASCADE")),
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE")),
        sa.Column("needs", sa.BigInteger()),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("renews", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("num_nonnulls(venue_id, community_id, event_id) = 1", name="of_one_thing"),
        sa.CheckConstraint("(needs IS NULL) = (event_id IS NOT NULL)", name="a_gathering_says_itself"),
        sa.CheckConstraint("needs >= 2", name="needs_some"),
    )
    for kind in ("venue", "community", "event"):
        op.create_index(
            f"uq_stamp_card_{kind}",
            "stamp_card",
            [f"{kind}_id"],
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        )
    op.create_table(
        "stamp_card_taken",
        sa.Column("card_id", sa.BigInteger(), sa.ForeignKey("stamp_card.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "stamp_redemption",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column(
            "card_id", sa.BigInteger(), sa.ForeignKey("stamp_card.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
        sa.Column("stamps", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("by", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL"), index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "stamp_code",
        sa.Column("code", sa.Text(), primary_key=True),
        sa.Column(
            "card_id", sa.BigInteger(), sa.ForeignKey("stamp_card.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "redemption_id", sa.BigInteger(), sa.ForeignKey("stamp_redemption.id", ondelete="CASCADE"), index=True
        ),
    )
    op.create_index("ix_stamp_code_member_id_card_id", "stamp_code", ["member_id", "card_id"])


def downgrade() -> None:
    """Takes this migration back; what was redeemed is forgotten, stamps follow from check-ins again."""
    for table in ("stamp_code", "stamp_redemption", "stamp_card_taken", "stamp_card", "fan_rounding"):
        op.drop_table(table)
