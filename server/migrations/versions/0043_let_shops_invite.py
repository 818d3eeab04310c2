"""Let shops invite who is near and wants to hear from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is invited until she says so."""
    op.add_column("position_use", sa.Column("shops", sa.Boolean(), server_default="false", nullable=False))
    op.create_index("ix_venue_owner_id", "venue", ["owner_id"])
    op.create_table(
        "shop_invitation",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("invited", sa.BigInteger(), nullable=True),
        sa.Column("came", sa.BigInteger(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_by", sa.Text(), nullable=True),
        sa.Column("hidden_why", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("at < until", name=op.f("ck_shop_invitation_ends_after_it_begins")),
        sa.CheckConstraint("invited >= 5 AND came >= 5", name=op.f("ck_shop_invitation_few_are_not_told")),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_shop_invitation_venue_id_venue"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["by_id"], ["member.id"], name=op.f("fk_shop_invitation_by_id_member"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["hidden_by"], ["member.id"], name=op.f("fk_shop_invitation_hidden_by_member"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_invitation")),
        sa.UniqueConstraint("nonce", name=op.f("uq_shop_invitation_nonce")),
    )
    op.create_index("ix_shop_invitation_venue_id_at", "shop_invitation", ["venue_id", "at"])
    op.create_index("ix_shop_invitation_at", "shop_invitation", ["at"])
    op.create_index("ix_shop_invitation_by_id", "shop_invitation", ["by_id"])
    op.create_index("ix_shop_invitation_hidden_by", "shop_invitation", ["hidden_by"])
    op.create_index(
        "ix_shop_invitation_uncounted", "shop_invitation", ["until"], postgresql_where=sa.text("counted_at IS NULL")
    )
    for name, column, more in (
        ("shop_invited", "away_m", sa.BigInteger()),
        ("shop_invitation_report", "why", sa.Text()),
    ):
        also = [sa.Column("at", sa.DateTime(timezone=True), nullable=False)] if column == "why" else []
        op.create_table(
            name,
            sa.Column("invitation_id", sa.BigInteger(), nullable=False),
            sa.Column("member_id", sa.Text(), nullable=False),
            sa.Column(column, more, nullable=False),
            *also,
            sa.ForeignKeyConstraint(
                ["invitation_id"],
                ["shop_invitation.id"],
                name=op.f(f"fk_{name}_invitation_id_shop_invitation"),
                ondelete="CASCADE",
            ),
            sa.ForeignKeyConstraint(
                ["member_id"], ["member.id"], name=op.f(f"fk_{name}_member_id_member"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("invitation_id", "member_id", name=op.f(f"pk_{name}")),
        )
        op.create_index(f"ix_{name}_member_id", name, ["member_id"])
    for name in ("shop_invited_lately", "shop_refusal"):
        op.create_table(
            name,
            sa.Column("member_id", sa.Text(), nullable=False),
            sa.Column("venue_id", sa.Text(), nullable=False),
            sa.Column("at", sa.DateTime(timezone=True), nullable=False),
            sa.ForeignKeyConstraint(
                ["member_id"], ["member.id"], name=op.f(f"fk_{name}_member_id_member"), ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                ["venue_id"], ["venue.id"], name=op.f(f"fk_{name}_venue_id_venue"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("member_id", "venue_id", name=op.f(f"pk_{name}")),
        )
        op.create_index(f"ix_{name}_venue_id", name, ["venue_id"])
    op.create_index("ix_shop_invited_lately_at", "shop_invited_lately", ["at"])
    op.create_table(
        "shop_audience",
        sa.Column("region", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("nearby", sa.BigInteger(), nullable=False),
        sa.Column("willing", sa.BigInteger(), nullable=False),
        sa.Column("refused", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("region", "simulated", name=op.f("pk_shop_audience")),
    )
    op.create_index("ix_shop_audience_at", "shop_audience", ["at"])


def downgrade() -> None:
    """Takes it out."""
    for name in (
        "shop_audience",
        "shop_refusal",
        "shop_invited_lately",
        "shop_invitation_report",
        "shop_invited",
        "shop_invitation",
    ):
        op.drop_table(name)
    op.drop_index("ix_venue_owner_id", "venue")
    op.drop_column("position_use", "shops")
