"""Let phones tell where they are and which venue's beacon they heard."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables of phones, of venues' own beacons and of who heard them."""
    op.create_table(
        "phone",
        sa.Column("number", sa.BigInteger(), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text()),
        sa.Column("trouble_at", sa.DateTime(timezone=True)),
        sa.Column("at_broker", sa.Boolean(), server_default="false", nullable=False),
        sa.UniqueConstraint("member_id", "device"),
    )
    op.create_table(
        "venue_beacon",
        sa.Column("number", sa.BigInteger(), primary_key=True),
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("made_by", sa.Text(), sa.ForeignKey("member.id", ondelete="SET NULL")),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(identity) = 20", name="identity_has_20_bytes"),
    )
    op.create_index("ix_venue_beacon_venue_id", "venue_beacon", ["venue_id"])
    op.create_index("ix_venue_beacon_made_by", "venue_beacon", ["made_by"])
    op.create_table(
        "hearing",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("since <= until", name="runs_forward"),
    )
    op.create_index("ix_hearing_until", "hearing", ["until"])
    op.create_index("ix_hearing_venue_id", "hearing", ["venue_id"])


def downgrade() -> None:
    """Takes them out, with every login of a phone."""
    for table in ("hearing", "venue_beacon", "phone"):
        op.drop_table(table)
