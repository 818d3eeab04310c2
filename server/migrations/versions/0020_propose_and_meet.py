"""Propose gatherings, and gather face to face."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography

revision = "0020"
down_revision = "0019"


def _moment(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, nullable: bool = False, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def _place(index: bool) -> sa.Column[object]:
    return sa.Column("location", Geography("POINT", srid=4326, spatial_index=index))


def _refers(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete)


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "proposal",
        _text("id"),
        _text("community_id", nullable=True),
        _text("by_id", nullable=True),
        _text("title"),
        _text("about", default=""),
        _text("kind", default="other"),
        sa.Column("quorum", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.BigInteger()),
        _moment("decide_by"),
        _text("state", default="open"),
        _text("why", nullable=True),
        _text("event_id", nullable=True),
        _moment("opened_at"),
        _moment("decided_at", nullable=True),
        sa.Column("nonce", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.CheckConstraint(
            "state IN ('open', 'settled', 'lapsed', 'withdrawn')", name=op.f("ck_proposal_state_is_known")
        ),
        sa.CheckConstraint(
            "quorum BETWEEN 2 AND 500 AND (most IS NULL OR most >= quorum)", name=op.f("ck_proposal_quorum_fits")
        ),
        _refers("proposal", "community_id", "community", "CASCADE"),
        _refers("proposal", "by_id", "member", "SET NULL"),
        _refers("proposal", "event_id", "event", "SET NULL"),
    )
    op.create_index("ix_proposal_community_id", "proposal", ["community_id"])
    op.create_index("ix_proposal_by_id", "proposal", ["by_id"])
    op.create_index("uq_proposal_nonce", "proposal", ["nonce"], unique=True)
    op.create_index("uq_proposal_event_id", "proposal", ["event_id"], unique=True)
    op.create_index("ix_proposal_open", "proposal", ["decide_by"], postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "proposal_option",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        _text("proposal_id"),
        sa.Column("position", sa.BigInteger(), nullable=False),
        _moment("starts_at"),
        _moment("ends_at"),
        _text("venue_id", nullable=True),
        _text("zone_id", nullable=True),
        _text("place", default=""),
        _place(index=False),
        _text("time_zone"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_option")),
        sa.UniqueConstraint("proposal_id", "position", name=op.f("uq_proposal_option_proposal_id_position")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_proposal_option_starts_then_ends")),
        _refers("proposal_option", "proposal_id", "proposal", "CASCADE"),
        _refers("proposal_option", "venue_id", "venue", "SET NULL"),
        _refers("proposal_option", "zone_id", "zone", "SET NULL"),
    )
    op.create_index("ix_proposal_option_venue_id", "proposal_option", ["venue_id"])
    op.create_index("ix_proposal_option_zone_id", "proposal_option", ["zone_id"])
    op.create_table(
        "commitment",
        sa.Column("option_id", sa.BigInteger(), nullable=False),
        _text("member_id"),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("option_id", "member_id", name=op.f("pk_commitment")),
        _refers("commitment", "option_id", "proposal_option", "CASCADE"),
        _refers("commitment", "member_id", "member", "CASCADE"),
    )
    op.create_index("ix_commitment_member_id", "commitment", ["member_id"])
    op.create_table(
        "gather",
        _text("id"),
        _text("digits", nullable=True),
        _text("founder_id"),
        _text("community_id", nullable=True),
        sa.Column("founds", sa.Boolean(), nullable=False),
        _text("name"),
        _text("venue_id", nullable=True),
        _place(index=True),
        _moment("made_at"),
        _moment("ends_at"),
        _moment("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gather")),
        sa.CheckConstraint("made_at <= ends_at", name=op.f("ck_gather_runs_forward")),
        _refers("gather", "founder_id", "member", "CASCADE"),
        _refers("gather", "community_id", "community", "CASCADE"),
        _refers("gather", "venue_id", "venue", "SET NULL"),
    )
    for column in ("digits", "ends_at", "founder_id", "community_id", "venue_id"):
        op.create_index(f"ix_gather_{column}", "gather", [column])
    op.create_table(
        "gather_in",
        _text("gather_id"),
        _text("member_id"),
        _moment("at"),
        _text("evidence"),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("made_guest", sa.Boolean(), nullable=False),
        _moment("removed_at", nullable=True),
        sa.Column("nonce", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("gather_id", "member_id", name=op.f("pk_gather_in")),
        _refers("gather_in", "gather_id", "gather", "CASCADE"),
        _refers("gather_in", "member_id", "member", "CASCADE"),
    )
    op.create_index("ix_gather_in_member_id", "gather_in", ["member_id"])
    op.create_index("uq_gather_in_nonce", "gather_in", ["nonce"], unique=True)
    op.create_table(
        "founding",
        _text("community_id"),
        _moment("founded_at"),
        _moment("asked_at", nullable=True),
        _moment("kept_at", nullable=True),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_founding")),
        _refers("founding", "community_id", "community", "CASCADE"),
    )
    op.create_table(
        "keeping",
        _text("community_id"),
        _text("member_id"),
        sa.Column("keep", sa.Boolean(), nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("community_id", "member_id", name=op.f("pk_keeping")),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["founding.community_id"],
            name=op.f("fk_keeping_community_id_founding"),
            ondelete="CASCADE",
        ),
        _refers("keeping", "member_id", "member", "CASCADE"),
    )
    op.create_index("ix_keeping_member_id", "keeping", ["member_id"])


def downgrade() -> None:
    """Takes this migration back."""
    for table in ("keeping", "founding", "gather_in", "gather", "commitment", "proposal_option", "proposal"):
        op.drop_table(table)
