"""What processes and tables cost: CPU time and memory from /proc, rows and write-ahead log from PostgreSQL."""

import os
from dataclasses import dataclass
from pathlib import Path

import psycopg

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def children_of(pid: int) -> list[int]:
    """The processes that this one started itself and that still are."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(path.name))
        if fields is not None and int(fields[1]) == pid:
            found.append(int(path.name))
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, all its threads, in user and kernel mode; 0 for one that is gone."""
    fields = _stat(pid)
    return 0.0 if fields is None else (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def family_cpu_s(pid: int) -> float:
    """CPU seconds of a process, its children, and those of its children that have ended."""
    fields = _stat(pid)
    ended = 0.0 if fields is None else (int(fields[13]) + int(fields[14])) / _TICKS_PER_S
    return cpu_s(pid) + ended + sum(cpu_s(child) for child in children_of(pid))


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at its highest, in MB of 2^20 bytes."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found[name] = int(value.split()[0]) / 1024
    return found["VmRSS"], found["VmHWM"]


@dataclass(frozen=True, slots=True)
class Rows:
    """How often rows of a table were inserted, updated (hot: without touching an index) and deleted."""

    inserted: int = 0
    updated: int = 0
    hot: int = 0
    deleted: int = 0

    def __sub__(self, other: "Rows") -> "Rows":
        """What was written since."""
        return Rows(
            self.inserted - other.inserted,
            self.updated - other.updated,
            self.hot - other.hot,
            self.deleted - other.deleted,
        )

    @property
    def versions(self) -> int:
        """Row versions written: what vacuum has to clean up again, or what stays."""
        return self.inserted + self.updated


@dataclass(frozen=True, slots=True)
class Written:
    """What a database wrote: rows by table, bytes and commits of its write-ahead log."""

    tables: dict[str, Rows]
    wal_bytes: int
    commits: int

    def since(self, before: "Written") -> "Written":
        """What was written between two measurements."""
        return Written(
            {name: rows - before.tables.get(name, Rows()) for name, rows in self.tables.items()},
            self.wal_bytes - before.wal_bytes,
            self.commits - before.commits,
        )


def written(conninfo: str) -> Written:
    """What the database has written so far. Backends report up to a second late: wait for them."""
    with psycopg.connect(conninfo) as connection:
        tables = {
            name: Rows(*counts)
            for name, *counts in connection.execute(
                "SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_user_tables"
            )
        }
        row = connection.execute(
            "SELECT pg_current_wal_insert_lsn() - '0/0', xact_commit"
            " FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return Written(tables, int(row[0]), int(row[1]))


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds since the start of the gateway, of PostgreSQL and of Mosquitto."""

    gateway_s: float
    postgres_s: float
    broker_s: float

    def __sub__(self, other: "Cost") -> "Cost":
        """What was used since."""
        return Cost(
            self.gateway_s - other.gateway_s, self.postgres_s - other.postgres_s, self.broker_s - other.broker_s
        )


def cost(gateway: int, postgres: int, broker: int) -> Cost:
    """What these processes have used so far."""
    return Cost(cpu_s(gateway), family_cpu_s(postgres), cpu_s(broker))


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the name, which may hold blanks: state, parent, ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
