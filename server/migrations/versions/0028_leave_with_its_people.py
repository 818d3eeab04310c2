"""Let communities leave with their people, and come from other servers."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

KINDS = ("dissolve", "remove", "readmit", "restore")
KNOWN = "ck_vote_kind_is_known"


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _text(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _refers(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    of = "community_id" if to in ("move", "arrived") else "id"
    return sa.ForeignKeyConstraint([column], [f"{to}.{of}"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete)


def _know(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(KNOWN), "vote", type_="check")
    op.create_check_constraint(op.f(KNOWN), "vote", f"kind IN ({', '.join(map(repr, kinds))})")


def upgrade() -> None:
    """Applies this migration."""
    _know((*KINDS, "move"))
    op.add_column("community", sa.Column("simulated", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "move",
        _text("community_id"),
        _text("asked_by", nullable=True),
        _moment("asked_at"),
        _moment("until"),
        sa.CheckConstraint("asked_at < until", name=op.f("ck_move_runs_forward")),
        _refers("move", "community_id", "community", "CASCADE"),
        _refers("move", "asked_by", "member", "SET NULL"),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_move")),
    )
    op.create_index(op.f("ix_move_asked_by"), "move", ["asked_by"])
    op.create_table(
        "coming_along",
        _text("community_id"),
        _text("member_id"),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        _moment("at"),
        _refers("coming_along", "community_id", "move", "CASCADE"),
        _refers("coming_along", "member_id", "member", "CASCADE"),
        sa.PrimaryKeyConstraint("community_id", "member_id", name=op.f("pk_coming_along")),
    )
    op.create_index(op.f("ix_coming_along_member_id"), "coming_along", ["member_id"])
    op.create_table(
        "arrived",
        _text("community_id"),
        _text("origin"),
        _text("origin_id"),
        _text("export"),
        _moment("made_at"),
        _moment("arrived_at"),
        _refers("arrived", "community_id", "community", "CASCADE"),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_arrived")),
        sa.UniqueConstraint("origin", "origin_id", name=op.f("uq_arrived_origin_origin_id")),
    )
    op.create_table(
        "arrived_thing",
        _text("community_id"),
        _text("kind"),
        _text("was"),
        _text("became"),
        _refers("arrived_thing", "community_id", "arrived", "CASCADE"),
        sa.PrimaryKeyConstraint("community_id", "kind", "was", name=op.f("pk_arrived_thing")),
    )
    op.create_table(
        "arrived_person",
        _text("community_id"),
        _text("was"),
        _text("member_id", nullable=True),
        _refers("arrived_person", "community_id", "arrived", "CASCADE"),
        _refers("arrived_person", "member_id", "member", "SET NULL"),
        sa.PrimaryKeyConstraint("community_id", "was", name=op.f("pk_arrived_person")),
    )
    op.create_index(op.f("ix_arrived_person_member_id"), "arrived_person", ["member_id"])


def downgrade() -> None:
    """Takes this migration back; votes to move are forgotten."""
    for table in ("arrived_person", "arrived_thing", "arrived", "coming_along", "move"):
        op.drop_table(table)
    op.drop_column("community", "simulated")
    op.execute("DELETE FROM vote WHERE kind = 'move'")
    _know(KINDS)
