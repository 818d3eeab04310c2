"""Let members prove who they are by e-mail, passkey or password; count guesses; give roles and tokens; note acts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

NEW = ("role", "api_token", "password", "challenge", "passkey", "proof", "audit", "bucket", "letter")


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "letter",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _time("made_at"),
        _time("expires_at"),
        _time("sent_at", nullable=True),
        sa.Column("refused", sa.Text()),
        sa.Column("said", sa.Text()),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
    )
    op.create_table(
        "bucket",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        _time("full_at"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_bucket")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), nullable=False),
        _time("at"),
        _member("actor_id", nullable=True),
        sa.Column("door_id", sa.BigInteger()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        _refers("audit", "actor_id", "SET NULL"),
    )
    op.create_index("ix_audit_subject_id", "audit", ["subject", "id"])
    op.create_index(op.f("ix_audit_actor_id"), "audit", ["actor_id"])

    op.add_column("session", sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_unique_constraint(op.f("uq_session_number"), "session", ["number"])
    op.add_column("session", _time("seen_at", nullable=True))
    op.execute("UPDATE session SET seen_at = date_trunc('hour', created_at)")
    op.alter_column("session", "seen_at", nullable=False)
    for name in ("browser", "how"):
        op.add_column("session", sa.Column(name, sa.Text(), server_default="", nullable=False))

    op.create_table(
        "proof",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("asked_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("link_hash", sa.LargeBinary()),
        _member("for_id", nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        _time("expires_at"),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_proof")),
        sa.UniqueConstraint("asked_hash", name=op.f("uq_proof_asked_hash")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_proof_link_hash")),
        _refers("proof", "for_id"),
    )
    op.create_index(op.f("ix_proof_for_id"), "proof", ["for_id"])
    op.create_table(
        "passkey",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        _member("member_id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", postgresql.ARRAY(sa.Text()), nullable=False),
        _time("made_at"),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
        _refers("passkey", "member_id"),
    )
    op.create_table(
        "challenge",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        _member("member_id", nullable=True),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_challenge")),
        _refers("challenge", "member_id"),
    )
    op.create_table(
        "password",
        _member("member_id"),
        sa.Column("hash", sa.Text(), nullable=False),
        _time("set_at"),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_password")),
        _refers("password", "member_id"),
    )
    op.create_table(
        "api_token",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        _member("member_id"),
        sa.Column("name", sa.Text(), nullable=False),
        _time("made_at"),
        _time("ends_at"),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
        _refers("api_token", "member_id"),
    )
    op.create_table(
        "role",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("of_id", sa.Text(), nullable=False),
        _member("member_id"),
        sa.Column("called", sa.Text(), server_default="", nullable=False),
        _member("given_by", nullable=True),
        _time("given_at"),
        sa.CheckConstraint("kind IN ('venue', 'event', 'community')", name=op.f("ck_role_kind_is_known")),
        sa.PrimaryKeyConstraint("kind", "of_id", "member_id", name=op.f("pk_role")),
        _refers("role", "member_id"),
        _refers("role", "given_by", "SET NULL"),
    )
    for table in ("passkey", "challenge", "api_token", "role"):
        op.create_index(op.f(f"ix_{table}_member_id"), table, ["member_id"])
    op.create_index(op.f("ix_role_given_by"), "role", ["given_by"])


def downgrade() -> None:
    """Takes this migration back."""
    for table in NEW:
        op.drop_table(table)
    for name in ("how", "browser", "seen_at", "number"):
        op.drop_column("session", name)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _member(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _refers(table: str, column: str, on_delete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_member")
    return sa.ForeignKeyConstraint([column], ["member.id"], name=name, ondelete=on_delete)
