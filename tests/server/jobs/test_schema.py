"""The queue's tables are those of the installed procrastinate, in databases made long ago, too."""

from pathlib import Path

from procrastinate.schema import SchemaManager

# What migration 0007 took the schema with; a migration that applies newer files is named in docs/decisions/0020.
NEWEST = "03.04.00_50_post_add_retry_failed_job_procedure.sql"


def test_no_migration_of_procrastinate_is_unknown_to_ours() -> None:
    brought = sorted(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    assert brought[-1] == NEWEST, "procrastinate's tables changed: write a migration, see docs/decisions/0020"
