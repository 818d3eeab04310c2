"""Take back parts in running circles, which nobody owns; remember when nobody was left to decide in a house."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Applies this migration."""
    op.add_column("community", sa.Column("orphaned_at", sa.DateTime(timezone=True)))
    op.execute(
        "DELETE FROM role USING community"
        " WHERE role.kind = 'community' AND role.of_id = community.id AND community.shape = 'circle'"
    )
    # Whoever had left a house, and still had a part in running it.
    op.execute(
        "DELETE FROM role USING community"
        " WHERE role.kind = 'community' AND role.of_id = community.id AND role.given_by = role.member_id"
        " AND NOT EXISTS (SELECT FROM community_member WHERE community_member.community_id = community.id"
        " AND community_member.member_id = role.member_id)"
    )


def downgrade() -> None:
    """Takes this migration back; the parts stay taken back."""
    op.drop_column("community", "orphaned_at")
