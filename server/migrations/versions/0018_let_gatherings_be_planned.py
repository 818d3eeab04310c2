"""Let gatherings be planned: states, series, waiting lists, sign-ups by step, and places that are on no list."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"

SIGN_UP_STATES = "state IN ('asked', 'going', 'waiting', 'declined', 'withdrawn')"
# Who means to come. Whoever chose no steps means all of them.
GOING = "CREATE VIEW going AS SELECT event_id, member_id, at, guests FROM sign_up WHERE state = 'going'"
GOING_TO = """
    CREATE VIEW going_to AS
    SELECT sign_up.event_id, step.id AS step_id, sign_up.member_id, sign_up.at, sign_up.guests
    FROM sign_up JOIN step ON step.event_id = sign_up.event_id
    WHERE sign_up.state = 'going' AND (
        EXISTS (SELECT FROM sign_up_step AS chosen WHERE chosen.step_id = step.id
                AND chosen.member_id = sign_up.member_id AND chosen.state = 'going')
        OR NOT EXISTS (SELECT FROM sign_up_step AS chosen WHERE chosen.event_id = sign_up.event_id
                       AND chosen.member_id = sign_up.member_id))
"""


def upgrade() -> None:
    """Applies this migration."""
    moment, wall = sa.DateTime(timezone=True), sa.DateTime()
    op.add_column("venue", sa.Column("kind", sa.Text(), server_default="place", nullable=False))
    op.add_column("venue", sa.Column("listed", sa.Boolean(), server_default="true", nullable=False))
    op.create_table(
        "series",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("starts_at", wall, nullable=False),
        sa.Column("exdates", postgresql.ARRAY(wall), server_default="{}", nullable=False),
        sa.Column("ends_before", wall),
        sa.Column("created_at", moment, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
    )
    for column in (
        sa.Column("state", sa.Text(), server_default="published", nullable=False),
        sa.Column("state_at", moment, server_default=sa.func.now(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="other", nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        sa.Column("price", sa.Text(), server_default="", nullable=False),
        sa.Column("guests_max", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("open_to_all", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("needs", sa.BigInteger()),
        sa.Column("by_step", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("series_id", sa.Text()),
        sa.Column("recurrence_at", wall),
        sa.Column("picture_id", sa.Text()),
        sa.Column("nonce", sa.Text()),
    ):
        op.add_column("event", column)
    op.create_foreign_key(
        op.f("fk_event_series_id_series"), "event", "series", ["series_id"], ["id"], ondelete="SET NULL"
    )
    op.create_foreign_key(
        op.f("fk_event_picture_id_picture"), "event", "picture", ["picture_id"], ["id"], ondelete="SET NULL"
    )
    op.create_table(
        "event_interest",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("interest_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_event_interest_event_id_event"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["interest_id"], ["interest.id"], name=op.f("fk_event_interest_interest_id_interest"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "interest_id", name=op.f("pk_event_interest")),
    )
    op.create_index(op.f("ix_event_interest_interest_id"), "event_interest", ["interest_id"])
    op.create_unique_constraint(op.f("uq_event_series_id_recurrence_at"), "event", ["series_id", "recurrence_at"])
    op.create_index(
        "uq_event_made_once",
        "event",
        ["organizer_id", "nonce"],
        unique=True,
        postgresql_where=sa.text("nonce IS NOT NULL"),
    )
    for name, rule in (
        ("state_is_known", "state IN ('draft', 'published', 'cancelled')"),
        ("guests_are_not_negative", "guests_max >= 0"),
        ("needs_something", "needs >= 1"),
    ):
        op.create_check_constraint(op.f(f"ck_event_{name}"), "event", rule)
    for column in (
        sa.Column("state", sa.Text(), server_default="going", nullable=False),
        sa.Column("guests", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False),
    ):
        op.add_column("sign_up", column)
    op.execute("""
        UPDATE sign_up SET turn = known.turn FROM (
            SELECT event_id, member_id, row_number() OVER (PARTITION BY event_id ORDER BY at, member_id) AS turn
            FROM sign_up) AS known
        WHERE known.event_id = sign_up.event_id AND known.member_id = sign_up.member_id
    """)
    op.create_check_constraint(op.f("ck_sign_up_state_is_known"), "sign_up", SIGN_UP_STATES)
    op.create_check_constraint(op.f("ck_sign_up_guests_are_not_negative"), "sign_up", "guests >= 0")
    op.create_table(
        "sign_up_step",
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(SIGN_UP_STATES, name=op.f("ck_sign_up_step_state_is_known")),
        sa.ForeignKeyConstraint(
            ["step_id"], ["step.id"], name=op.f("fk_sign_up_step_step_id_step"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_sign_up_step_member_id_member"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["event_id", "member_id"],
            ["sign_up.event_id", "sign_up.member_id"],
            name=op.f("fk_sign_up_step_event_id_sign_up"),
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("step_id", "member_id", name=op.f("pk_sign_up_step")),
    )
    op.create_index(op.f("ix_sign_up_step_member_id"), "sign_up_step", ["member_id"])
    op.create_index("ix_sign_up_step_event_id_member_id", "sign_up_step", ["event_id", "member_id"])
    op.execute(GOING)
    op.execute(GOING_TO)


def downgrade() -> None:
    """Takes this migration back; who did not get a place has not signed up."""
    op.execute("DROP VIEW going_to")
    op.execute("DROP VIEW going")
    op.drop_table("sign_up_step")
    op.drop_table("event_interest")
    op.execute("DELETE FROM sign_up WHERE state <> 'going'")
    for name in ("state_is_known", "guests_are_not_negative"):
        op.drop_constraint(op.f(f"ck_sign_up_{name}"), "sign_up")
    for column in ("turn", "guests", "state"):
        op.drop_column("sign_up", column)
    for name in ("state_is_known", "guests_are_not_negative", "needs_something"):
        op.drop_constraint(op.f(f"ck_event_{name}"), "event")
    op.drop_index("uq_event_made_once", "event")
    for column in (
        "nonce", "picture_id", "recurrence_at", "series_id", "by_step", "needs", "open_to_all", "guests_max", "price",
        "about", "kind", "reason", "state_at", "state",
    ):  # fmt: skip
        op.drop_column("event", column)
    op.drop_table("series")
    for column in ("listed", "kind"):
        op.drop_column("venue", column)
