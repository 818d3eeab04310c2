"""The one line of migrations."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from server import database as server_database
from server.database import MIGRATIONS, Base
from server.migrations import models
from server.operations import postgres as private_postgres


def test_what_migrations_make_is_what_the_models_say(engine: Engine) -> None:
    assert models.ALL
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _thing, name, kind, *_: (
                    kind != "table" or not (name == "spatial_ref_sys" or name.startswith("procrastinate_"))
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_constraints_that_hold_the_design_are_there(engine: Engine) -> None:
    inspector = inspect(engine)
    with engine.connect() as connection:
        exclusions = {
            row[0]
            for row in connection.exec_driver_sql("SELECT conname FROM pg_constraint WHERE contype = 'x'").fetchall()
        }
    assert exclusions == {
        "identity_means_one_thing_at_a_time",
        "badge_has_one_holder_at_a_time",
        "placement_of_an_agent_never_overlaps",
        "visits_of_a_badge_never_overlap",
    }
    assert any(index["name"] == "uq_checkin_one_per_member_and_step" for index in inspector.get_indexes("checkin"))


def test_migrations_are_one_line() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_migrating_twice_is_as_once(postgres: private_postgres.Cluster, worker: str) -> None:
    name = f"twice_{worker}"
    postgres.create_database(name)
    try:
        for _ in range(2):
            server_database.migrate(postgres.conninfo(name))
    finally:
        postgres.drop_database(name)


def test_what_was_kept_from_a_moment_on_is_forgotten_before_it(postgres: private_postgres.Cluster, worker: str) -> None:
    name = f"forgotten_{worker}"
    postgres.create_database(name)
    try:
        server_database.migrate(postgres.conninfo(name))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["engine"] = engine = server_database.connect(postgres.conninfo(name), pool=1)
        command.downgrade(config, "0004")
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO venue (id, name, time_zone) VALUES ('bar', '', ''), ('inn', '', '')"
            )
            connection.exec_driver_sql("INSERT INTO trace_kept VALUES ('bar', 120001), ('inn', 0)")
        command.upgrade(config, "head")
        with engine.begin() as connection:
            found = connection.exec_driver_sql("SELECT venue_id, from_ms, to_ms FROM trace_forgotten").fetchall()
            assert [tuple(row) for row in found] == [("bar", 0, 180_000)]
        command.downgrade(config, "0004")
        with engine.begin() as connection:
            found = connection.exec_driver_sql("SELECT venue_id, from_ms FROM trace_kept").fetchall()
            assert [tuple(row) for row in found] == [("bar", 180_000)]
        engine.dispose()
    finally:
        postgres.drop_database(name)
