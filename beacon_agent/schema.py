"""The spool's tables, and how a file of an earlier version becomes one of this version without losing a report."""

import sqlite3

from beacon_agent import packing

VERSION = 1
# What was published keeps its body, its boot and its number; what was not has neither, and its readings packed.
# A row's era says what dates it: without an anchor its times are monotonic, of that boot of the kernel.
TABLES = """
CREATE TABLE IF NOT EXISTS spooled (
    id INTEGER PRIMARY KEY,
    era INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    length_ms INTEGER NOT NULL,
    radio INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    rssi_floor INTEGER NOT NULL,
    boot TEXT,
    seq INTEGER,
    packed BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS spooled_published ON spooled (boot, seq) WHERE boot IS NOT NULL;
CREATE TABLE IF NOT EXISTS era (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kernel TEXT NOT NULL,
    anchor_ms INTEGER,
    clock TEXT NOT NULL,
    dated_as INTEGER,
    done_until_ms INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
OLD_ERA = 0  # of reports that an earlier version made: dated and numbered already
BATCH = 500  # rows moved in one transaction: a kill costs one batch of work and nothing else


class Newer(Exception):
    """The file was written by a later version of this program."""


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables, or brings those of an earlier version up to date, in steps that a kill may end anywhere.

    connection: in autocommit mode. Raises Newer, and what SQLite raises.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise Newer
    connection.executescript(TABLES)
    if version == 0:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'report'").fetchone():
            connection.create_function("pack_body", 1, packing.pack_body, deterministic=True)
            while _move_bodies(connection):
                pass
            connection.execute("DROP TABLE report")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _move_bodies(connection: sqlite3.Connection) -> bool:
    """Takes reports over from the table that held whole bodies of 2 s windows; False when none is left."""
    last = connection.execute("SELECT max(id) FROM (SELECT id FROM report ORDER BY id LIMIT ?)", (BATCH,)).fetchone()[0]
    if last is None:
        return False
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            """
            INSERT INTO spooled
            SELECT id, ?, shard, json_extract(CAST(body AS TEXT), '$.from'),
                   json_extract(CAST(body AS TEXT), '$.to') - json_extract(CAST(body AS TEXT), '$.from'),
                   0, 0, 0, boot, seq, pack_body(body)
            FROM report WHERE id <= ?
            """,
            (OLD_ERA, last),
        )
        connection.execute("DELETE FROM report WHERE id <= ?", (last,))
    return True
