"""Runs migrations on the engine that server.database.migrate hands over."""

from typing import Any

from alembic import context

from server.database import Base
from server.migrations import models

assert models  # all tables are known to Base by now


def include(_thing: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Leaves the tables of PostGIS and procrastinate out of comparisons."""
    return kind != "table" or name is None or not (name == "spatial_ref_sys" or name.startswith("procrastinate_"))


with context.config.attributes["engine"].connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include,
    )
    with context.begin_transaction():
        # Two that migrate at once wait for each other.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('muster migrations'))")
        context.run_migrations()
    connection.commit()
