"""Tell members as each wishes: by groups, hours, digests and browsers, with a log of what was sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_GROUPS = {  # group: push, per_day, per_week, as they were by default when this was made
    "gatherings": (True, None, None),
    "communities": (False, None, None),
    "places": (True, None, None),
    "near": (False, 2, 3),
    "shops": (False, 1, 3),
    "people": (True, 3, 10),
    "pop_ups": (True, 2, 7),
    "safety": (True, None, None),
}


def upgrade() -> None:
    """Makes the tables; who wanted no letters wants none of any group."""
    op.add_column("letter", sa.Column("headers", postgresql.JSONB(), nullable=False, server_default="{}"))
    op.add_column("notification", sa.Column("due_by", sa.DateTime(timezone=True)))
    op.create_index("ix_notification_newest", "notification", ["member_id", "at"])
    op.create_table(
        "telling_wish",
        _member(primary_key=True),
        sa.Column("about", sa.Text(), primary_key=True),
        sa.Column("letters", sa.Text(), nullable=False),
        sa.Column("push", sa.Boolean(), nullable=False),
        sa.Column("per_day", sa.BigInteger()),
        sa.Column("per_week", sa.BigInteger()),
        sa.CheckConstraint("letters IN ('at_once', 'daily', 'weekly', 'never')", name="letters_are_known"),
        sa.CheckConstraint("per_day >= 0 AND per_week >= 0", name="caps_are_counts"),
    )
    op.create_table(
        "telling_hours",
        _member(primary_key=True),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_to", sa.Time(), nullable=False),
        sa.Column("digest_at", sa.Time(), nullable=False),
    )
    op.create_table(
        "told_browser",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        _member(index=True),
        sa.Column("session_number", sa.BigInteger(), sa.ForeignKey("session.number", ondelete="CASCADE"), index=True),
        sa.Column("endpoint", sa.Text(), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        _moment("made_at", nullable=False),
        _moment("told_at"),
        _moment("failing_since"),
        _moment("next_at"),
    )
    op.create_table(
        "notification_delivery",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column(
            "notification_id", sa.BigInteger(), sa.ForeignKey("notification.id", ondelete="CASCADE"), nullable=False
        ),
        _member(index=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("values", postgresql.JSONB(), nullable=False, server_default="{}"),
        _moment("queued_at", nullable=False),
        _moment("due_at", nullable=False),
        _moment("tried_at"),
        sa.Column("tries", sa.BigInteger(), nullable=False, server_default="0"),
        _moment("done_at"),
        sa.Column("letter_id", sa.BigInteger(), sa.ForeignKey("letter.id", ondelete="SET NULL")),
        sa.UniqueConstraint("notification_id", "channel", "target", name="uq_notification_delivery_once"),
    )
    op.create_index(
        "ix_notification_delivery_due",
        "notification_delivery",
        ["channel", "due_at"],
        postgresql_where=sa.text("state IN ('waiting', 'trying')"),
    )
    op.create_index(
        "ix_notification_delivery_with_mail",
        "notification_delivery",
        ["letter_id"],
        postgresql_where=sa.text("state = 'handed'"),
    )
    op.create_table(
        "digest",
        _member(primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        _moment("made_at", nullable=False),
    )
    op.create_table(
        "telling_key",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        _moment("made_at", nullable=False),
    )
    wish = sa.text(
        "INSERT INTO telling_wish (member_id, about, letters, push, per_day, per_week)"
        " SELECT member_id, :about, 'never', :push, :per_day, :per_week FROM without_letters"
    ).bindparams(sa.bindparam("per_day", type_=sa.BigInteger()), sa.bindparam("per_week", type_=sa.BigInteger()))
    for about, (push, per_day, per_week) in _GROUPS.items():
        op.get_bind().execute(wish, {"about": about, "push": push, "per_day": per_day, "per_week": per_week})
    op.drop_table("without_letters")


def downgrade() -> None:
    """Puts the switch back; who wants no letters of any group wants none."""
    op.create_table("without_letters", _member(primary_key=True))
    op.execute(
        "INSERT INTO without_letters (member_id) SELECT member_id FROM telling_wish"
        " GROUP BY member_id HAVING count(*) FILTER (WHERE letters = 'never') >= 8"
    )
    for table in ("telling_key", "digest", "notification_delivery", "told_browser", "telling_hours", "telling_wish"):
        op.drop_table(table)
    op.drop_index("ix_notification_newest", "notification")
    op.drop_column("notification", "due_by")
    op.drop_column("letter", "headers")


def _member(*, primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(
        "member_id",
        sa.Text(),
        sa.ForeignKey("member.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=index,
    )


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
