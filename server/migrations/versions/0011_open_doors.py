"""Open doors: posters, screens and volunteers, who passed them, who asks, keys of personal codes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"


def _moment(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number() -> sa.Column[object]:
    return sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False)


def _refers(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete)


def upgrade() -> None:
    """Applies this migration."""
    op.add_column("event", sa.Column("approval", sa.Boolean(), server_default="false", nullable=False))
    # A refusal at a door and one by a badge stand beside each other: only the latter follows from what was heard.
    op.add_column("refusal", sa.Column("at_door", sa.Boolean(), server_default="false", nullable=False))
    op.drop_constraint("pk_refusal", "refusal")
    op.create_primary_key("pk_refusal", "refusal", ["member_id", "step_id", "code", "at_door"])

    op.create_table(
        "door",
        _number(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text()),
        sa.Column("venue_id", sa.Text()),
        sa.Column("step_id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("token_hash", sa.LargeBinary()),
        sa.Column("made_by", sa.Text()),
        _moment("created_at"),
        _moment("ends_at", nullable=True),
        _moment("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door")),
        sa.CheckConstraint("num_nonnulls(event_id, venue_id) = 1", name=op.f("ck_door_of_an_event_or_a_venue")),
        sa.CheckConstraint("kind IN ('poster', 'screen', 'volunteer')", name=op.f("ck_door_kind_is_known")),
        _refers("door", "event_id", "event", "CASCADE"),
        _refers("door", "venue_id", "venue", "CASCADE"),
        _refers("door", "step_id", "step", "CASCADE"),
        _refers("door", "made_by", "member", "SET NULL"),
    )
    op.create_index("uq_door_code", "door", ["code"], unique=True)
    op.create_index("uq_door_token_hash", "door", ["token_hash"], unique=True)
    op.create_index("ix_door_event_id", "door", ["event_id"])
    op.create_index("ix_door_venue_id", "door", ["venue_id"])
    op.create_table(
        "passage",
        _number(),
        sa.Column("checkin_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.Text()),
        sa.Column("direction", sa.Text(), nullable=False),
        _moment("at"),
        _moment("told_at", nullable=True),
        _moment("recorded_at"),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("door_id", sa.BigInteger()),
        sa.Column("by", sa.Text()),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("made_guest", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("flags", ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage")),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_passage_direction_is_in_or_out")),
        _refers("passage", "checkin_id", "checkin", "CASCADE"),
        _refers("passage", "member_id", "member", "SET NULL"),
        _refers("passage", "door_id", "door", "SET NULL"),
        _refers("passage", "by", "member", "SET NULL"),
    )
    op.create_index("uq_passage_nonce", "passage", ["nonce"], unique=True)
    op.create_index("ix_passage_checkin_id_at", "passage", ["checkin_id", "at"])
    op.create_index("ix_passage_member_id_at", "passage", ["member_id", "at"])
    op.create_index("ix_passage_door_id_recorded_at", "passage", ["door_id", "recorded_at"])
    op.create_table(
        "ask",
        _number(),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("door_id", sa.BigInteger()),
        _moment("asked_at"),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("made_guest", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("answer", sa.Text()),
        _moment("answered_at", nullable=True),
        sa.Column("answered_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ask")),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_ask_answered_is_answered")),
        sa.CheckConstraint("answer IN ('yes', 'no')", name=op.f("ck_ask_answer_is_yes_or_no")),
        _refers("ask", "step_id", "step", "CASCADE"),
        _refers("ask", "member_id", "member", "CASCADE"),
        _refers("ask", "door_id", "door", "SET NULL"),
        _refers("ask", "answered_by", "member", "SET NULL"),
    )
    op.create_index(
        "uq_ask_one_open_per_member_and_step",
        "ask",
        ["step_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("answer IS NULL"),
    )
    op.create_index("uq_ask_nonce", "ask", ["nonce"], unique=True)
    op.create_index("ix_ask_member_id", "ask", ["member_id"])
    op.create_table(
        "pass_key",
        _number(),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pass_key")),
    )


def downgrade() -> None:
    """Takes this migration back; what only it can hold is gone."""
    for table in ("pass_key", "ask", "passage", "door"):
        op.drop_table(table)
    op.execute("DELETE FROM refusal WHERE at_door")
    op.drop_constraint("pk_refusal", "refusal")
    op.create_primary_key("pk_refusal", "refusal", ["member_id", "step_id", "code"])
    op.drop_column("refusal", "at_door")
    op.drop_column("event", "approval")
