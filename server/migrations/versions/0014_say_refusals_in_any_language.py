"""Keep what fills a refusal's sentence, so that each reader has it in her language, and which tap said a consent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Applies this migration."""
    op.add_column("refusal", sa.Column("values", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("consent", sa.Column("nonce", sa.LargeBinary()))
    op.create_index("uq_consent_nonce", "consent", ["nonce"], unique=True)


def downgrade() -> None:
    """Takes this migration back; refusals at doors are told no more, since their sentences have gaps without values."""
    op.drop_index("uq_consent_nonce", "consent")
    op.drop_column("consent", "nonce")
    op.execute("DELETE FROM refusal WHERE at_door")
    op.drop_column("refusal", "values")
