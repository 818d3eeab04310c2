"""A spool of an earlier version goes on as one of this version; one of a later version is left alone."""

import sqlite3
from pathlib import Path

import pytest

from beacon_agent import schema, wire
from beacon_agent.spool import Spool
from beacon_agent.store import SpoolError
from tests.beacon_agent.conftest import DATED, SHARD, make_draft, make_reading

OLD_TABLES = """
CREATE TABLE report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (boot, seq)
);
CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL);
INSERT INTO state VALUES ('config', x'6b657074'), ('dropped', x'37');
"""


def make_old(path: Path, count: int) -> list[bytes]:
    """A file as the first version left it; returns its bodies."""
    bodies = [
        wire.encode(
            wire.Report(
                "cafe-door",
                "9f3a17c2",
                seq,
                seq * 2000,
                seq * 2000 + 2000,
                wire.Radio.OK,
                wire.Clock.SYNCED,
                (make_reading(),),
            )
        )
        for seq in range(1, count + 1)
    ]
    connection = sqlite3.connect(path)
    connection.executescript(OLD_TABLES)
    connection.executemany(
        "INSERT INTO report (boot, seq, shard, body) VALUES ('9f3a17c2', ?, ?, ?)",
        [(seq, SHARD, body) for seq, body in enumerate(bodies, 1)],
    )
    connection.commit()
    connection.close()
    return bodies


def bodies_of(spool: Spool) -> list[bytes]:
    found = spool.publish(spool.waiting())
    assert found is not None
    assert {stored.shard for stored in found.values()} == {SHARD}
    return [stored.body for stored in found.values()]


def test_reports_of_the_first_version_are_sent_as_they_were_made(tmp_path: Path) -> None:
    bodies = make_old(tmp_path / "spool.db", 1234)
    spool = Spool(tmp_path / "spool.db", 1 << 24)
    assert (spool.reports, bodies_of(spool)) == (1234, bodies)
    assert spool.recall("config") == b"kept"
    assert spool.dropped["dropped"] == 7
    (newer,) = spool.add(DATED, make_draft(0)).added
    assert newer > 1234
    assert spool.settle(wire.Ack("9f3a17c2", ((1, 1234),), {}, 0)) == list(range(1, 1235))
    spool.close()


def test_a_kill_while_they_are_taken_over_loses_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = make_old(tmp_path / "spool.db", 1234)

    def die(connection: sqlite3.Connection) -> bool:
        if connection.execute("SELECT count(*) FROM spooled").fetchone()[0] >= 2 * schema.BATCH:
            raise KeyboardInterrupt
        return move(connection)

    move = schema._move_bodies
    monkeypatch.setattr(schema, "_move_bodies", die)
    with pytest.raises(KeyboardInterrupt):
        Spool(tmp_path / "spool.db", 1 << 24)
    monkeypatch.undo()
    spool = Spool(tmp_path / "spool.db", 1 << 24)
    assert bodies_of(spool) == bodies
    spool.close()


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "spool.db")
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(SpoolError, match="newer muster-agent"):
        Spool(tmp_path / "spool.db", 1 << 24)
    assert [path.name for path in tmp_path.iterdir() if "corrupt" in path.name] == []
