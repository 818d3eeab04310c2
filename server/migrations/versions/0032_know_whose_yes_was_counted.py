"""Know of a commitment that it was counted from what somebody said elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; those that stand came with the proposal, but who proposed it."""
    op.add_column("commitment", sa.Column("counted", sa.Boolean(), server_default="false", nullable=False))
    op.execute("""
        UPDATE commitment SET counted = true FROM proposal_option, proposal
        WHERE proposal_option.id = commitment.option_id AND proposal.id = proposal_option.proposal_id
          AND commitment.at = proposal.opened_at AND commitment.member_id IS DISTINCT FROM proposal.by_id
    """)


def downgrade() -> None:
    """Takes it out."""
    op.drop_column("commitment", "counted")
