"""Keep pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "picture",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text()),
        sa.ForeignKeyConstraint(["made_by"], ["member.id"], name="fk_picture_made_by_member", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_picture"),
        sa.UniqueConstraint("sha256", name="uq_picture_sha256"),
    )
    op.create_index("ix_picture_made_at", "picture", ["made_at"])
    op.create_index("ix_picture_made_by", "picture", ["made_by"])


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_table("picture")
