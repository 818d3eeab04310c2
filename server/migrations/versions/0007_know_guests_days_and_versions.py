"""Know members by e-mail and as guests, check in to a venue's day, say which version of a thing somebody edited."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0007"
down_revision = "0006"

EDITED = ("member", "venue", "event", "step", "community")


def upgrade() -> None:
    """Applies this migration."""
    op.add_column("member", sa.Column("email", sa.Text()))
    op.add_column("member", sa.Column("guest", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("member", sa.Column("language", sa.Text()))
    op.add_column("member", sa.Column("time_zone", sa.Text()))
    op.create_index("uq_member_email", "member", [sa.text("lower(email)")], unique=True)
    op.create_check_constraint(op.f("ck_member_language_is_spoken_here"), "member", "language IN ('en', 'zh')")
    for table in EDITED:
        op.add_column(table, sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))

    op.add_column("checkin", sa.Column("venue_id", sa.Text()))
    op.add_column("checkin", sa.Column("day", sa.Date()))
    op.create_foreign_key(
        op.f("fk_checkin_venue_id_venue"), "checkin", "venue", ["venue_id"], ["id"], ondelete="CASCADE"
    )
    op.alter_column("checkin", "step_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_checkin_of_a_step_or_of_a_day"),
        "checkin",
        "num_nonnulls(step_id, venue_id) = 1 AND (venue_id IS NULL) = (day IS NULL)",
    )
    op.create_index(
        "uq_checkin_one_per_member_venue_and_day",
        "checkin",
        ["venue_id", "day", "member_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.alter_column("checkin", "member_id", nullable=True)
    _refer("checkin", "member_id", "SET NULL")
    op.alter_column("undoing", "by", nullable=True)
    _refer("undoing", "by", "SET NULL")

    # Jobs are procrastinate's: its tables and functions come with the library.
    op.execute(sa.text(SchemaManager.get_schema().replace(":", r"\:")))


def downgrade() -> None:
    """Takes this migration back; what only it can hold is gone."""
    op.execute("""
        DO $$ DECLARE thing record; BEGIN
            FOR thing IN SELECT relname FROM pg_class WHERE relname LIKE 'procrastinate\\_%' AND relkind = 'r'
                AND relnamespace = 'public'::regnamespace LOOP
                EXECUTE format('DROP TABLE public.%I CASCADE', thing.relname); END LOOP;
            FOR thing IN SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' LOOP
                EXECUTE format('DROP FUNCTION %s CASCADE', thing.name); END LOOP;
            FOR thing IN SELECT typname FROM pg_type WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c') LOOP
                EXECUTE format('DROP TYPE IF EXISTS public.%I CASCADE', thing.typname); END LOOP;
        END $$
    """)
    op.execute("DELETE FROM checkin WHERE step_id IS NULL OR member_id IS NULL")
    op.execute('DELETE FROM undoing WHERE "by" IS NULL')
    _refer("undoing", "by", None)
    op.alter_column("undoing", "by", nullable=False)
    _refer("checkin", "member_id", "CASCADE")
    op.alter_column("checkin", "member_id", nullable=False)
    op.drop_index("uq_checkin_one_per_member_venue_and_day", table_name="checkin")
    op.drop_constraint(op.f("ck_checkin_of_a_step_or_of_a_day"), "checkin")
    op.alter_column("checkin", "step_id", nullable=False)
    op.drop_column("checkin", "day")
    op.drop_column("checkin", "venue_id")
    for table in EDITED:
        op.drop_column(table, "version")
    for column in ("time_zone", "language", "guest", "email"):
        op.drop_column("member", column)


def _refer(table: str, column: str, on_delete: str | None) -> None:
    name = op.f(f"fk_{table}_{column}_member")
    op.drop_constraint(name, table)
    op.create_foreign_key(name, table, "member", [column], ["id"], ondelete=on_delete)
