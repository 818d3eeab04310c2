"""Say what kind of place a venue is, where it comes from and when it is open."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Applies this migration."""
    op.create_check_constraint(op.f("ck_venue_kind_is_known"), "venue", "kind IN ('place', 'spot', 'home')")
    for name in ("district", "address", "category", "opening_hours"):
        op.add_column("venue", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("venue", sa.Column("source", sa.Text()))
    op.add_column("venue", sa.Column("source_digest", sa.Text()))
    op.create_unique_constraint(op.f("uq_venue_source"), "venue", ["source"])
    op.add_column("zone", sa.Column("source", sa.Text()))
    op.create_unique_constraint(op.f("uq_zone_venue_id_source"), "zone", ["venue_id", "source"])
    op.create_table(
        "plan",
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("picture_id", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("ax", "ay", "bx", "by", "metres", "bearing_deg")),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("lon", "lat")),
        sa.CheckConstraint("width > 0 AND height > 0 AND metres > 0", name=op.f("ck_plan_plan_has_a_size")),
        sa.ForeignKeyConstraint(["picture_id"], ["picture.id"], name=op.f("fk_plan_picture_id_picture")),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_plan_venue_id_venue"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("venue_id", "level", name=op.f("pk_plan")),
    )
    op.create_index(op.f("ix_plan_picture_id"), "plan", ["picture_id"])


def downgrade() -> None:
    """Takes this migration back; homes become places that everybody sees, so they lose their address and pin first."""
    op.execute("UPDATE zone SET area = NULL FROM venue WHERE venue.id = zone.venue_id AND venue.kind = 'home'")
    op.execute("UPDATE venue SET location = NULL, contact = '' WHERE kind = 'home'")
    op.drop_table("plan")
    op.drop_constraint(op.f("uq_zone_venue_id_source"), "zone")
    op.drop_column("zone", "source")
    op.drop_constraint(op.f("uq_venue_source"), "venue")
    op.drop_constraint(op.f("ck_venue_kind_is_known"), "venue")
    for name in ("source_digest", "source", "opening_hours", "category", "address", "district"):
        op.drop_column("venue", name)
