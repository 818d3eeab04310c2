"""Remember the visits to a venue of members who want that."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "remembered_venue",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("since <= ended_at", name=op.f("ck_remembered_venue_since_then_ended")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_remembered_venue_member_id_member"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_remembered_venue_venue_id_venue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembered_venue")),
    )
    op.create_index(op.f("ix_remembered_venue_member_id"), "remembered_venue", ["member_id"])
    op.create_index(op.f("ix_remembered_venue_venue_id"), "remembered_venue", ["venue_id"])
    op.create_index(
        "uq_remembered_venue_one_standing",
        "remembered_venue",
        ["member_id", "venue_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_table("remembered_venue")
