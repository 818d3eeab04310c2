"""Tell others: webhooks, what they told and sent; and who was put on an event's list out of a file."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Applies this migration."""
    op.create_index("ix_checkin_recorded_at", "checkin", ["recorded_at"])
    op.create_table(
        "listed_guest",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        _of("listed_guest", "event"),
        _of("listed_guest", "member"),
        sa.PrimaryKeyConstraint("event_id", "key", name=op.f("pk_listed_guest")),
    )
    op.create_index(op.f("ix_listed_guest_member_id"), "listed_guest", ["member_id"])
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text()),
        sa.Column("venue_id", sa.Text()),
        sa.Column("community_id", sa.Text()),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("happenings", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("names", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary()),
        sa.Column("old_secret_until", MOMENT),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("failing_since", MOMENT),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("paused_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("why", sa.Text()),
        sa.CheckConstraint("num_nonnulls(event_id, venue_id, community_id) = 1", name=op.f("ck_webhook_of_one_thing")),
        sa.CheckConstraint("kind IN ('plain', 'wecom', 'slack', 'matrix')", name=op.f("ck_webhook_kind_is_known")),
        _of("webhook", "event"),
        _of("webhook", "venue"),
        _of("webhook", "community"),
        sa.ForeignKeyConstraint(["made_by"], ["member.id"], name=op.f("fk_webhook_made_by_member"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    for column in ("event_id", "venue_id", "community_id", "made_by"):
        op.create_index(op.f(f"ix_webhook_{column}"), "webhook", [column])
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("happening", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("took_ms", sa.BigInteger()),
        sa.Column("answer_status", sa.BigInteger()),
        sa.Column("answer", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.CheckConstraint(
            "status IN ('waiting', 'delivered', 'given_up')", name=op.f("ck_webhook_delivery_status_is_known")
        ),
        _of("webhook_delivery", "webhook"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("message_id", name=op.f("uq_webhook_delivery_message_id")),
    )
    op.create_index("ix_webhook_delivery_webhook_id_id", "webhook_delivery", ["webhook_id", "id"])
    op.create_index(
        "ix_webhook_delivery_waiting",
        "webhook_delivery",
        ["webhook_id", "id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "webhook_told",
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _of("webhook_told", "webhook"),
        sa.PrimaryKeyConstraint("webhook_id", "key", name=op.f("pk_webhook_told")),
    )


def downgrade() -> None:
    """Takes this migration back; what only it can hold is gone."""
    for table in ("webhook_told", "webhook_delivery", "webhook", "listed_guest"):
        op.drop_table(table)
    op.drop_index("ix_checkin_recorded_at", table_name="checkin")


def _of(table: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{other}_id_{other}")
    return sa.ForeignKeyConstraint([f"{other}_id"], [f"{other}.id"], name=name, ondelete="CASCADE")
