"""Keep what members said about who may see them, how to reach a venue, and that somebody was erased."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Applies this migration."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("of_id", sa.Text()),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("until", moment),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ended_at", moment),
        sa.CheckConstraint(
            "kind IN ('organizer', 'venue', 'community', 'people')", name=op.f("ck_consent_kind_is_known")
        ),
        sa.CheckConstraint("level IN ('hidden', 'counted', 'name')", name=op.f("ck_consent_level_is_known")),
        sa.CheckConstraint("level <> 'name' OR until IS NOT NULL", name=op.f("ck_consent_a_name_has_an_end")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_consent_member_id_member"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_member_id"), "consent", ["member_id"])
    op.create_index(
        "ix_consent_kind_of_id",
        "consent",
        ["kind", "of_id"],
        postgresql_where=sa.text("ended_at IS NULL AND level = 'name'"),
    )
    op.create_index(
        "uq_consent_one_stands",
        "consent",
        ["member_id", "kind", sa.text("coalesce(of_id, '')")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "consent_pause",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_consent_pause_member_id_member"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_pause")),
    )
    op.create_index(op.f("ix_consent_pause_member_id"), "consent_pause", ["member_id"])
    op.create_index(
        "uq_consent_pause_one_lasts",
        "consent_pause",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "erasure",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_erasure")),
    )
    for column in ("contact", "offer"):
        op.add_column("venue", sa.Column(column, sa.Text(), server_default="", nullable=False))
    op.add_column("checkin", sa.Column("stranger", sa.BigInteger()))


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_column("checkin", "stranger")
    for column in ("contact", "offer"):
        op.drop_column("venue", column)
    for table in ("erasure", "consent_pause", "consent"):
        op.drop_table(table)
