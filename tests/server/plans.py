"""How the database would answer a statement."""

import json
import re
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from server import database


def read_whole(session: Session, statement: TextClause, given: dict[str, Any]) -> set[str]:
    """The tables that a statement reads from end to end."""
    return _read_whole(session.execute(text(f"EXPLAIN (FORMAT JSON) {statement.text}"), given).scalar_one())


def read_whole_unseen(session: Session, statement: TextClause) -> set[str]:
    """The same by the plan that is kept for whatever will be given (database.keep_plans)."""
    database.keep_plans(session)
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    connection = session.connection().connection.driver_connection
    assert connection is not None
    prepared = re.sub(r"(?<!:):(\w+)", number, statement.text)
    connection.execute(f"PREPARE unseen AS {prepared}")
    try:
        nothing = ", ".join(["NULL"] * len(names))
        (found,) = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE unseen ({nothing})").fetchone()
    finally:
        connection.execute("DEALLOCATE unseen")
    return _read_whole(found)


def _read_whole(explained: Any) -> set[str]:
    found: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan":
            found.add(node["Relation Name"])
        for part in node.get("Plans", ()):
            walk(part)

    walk((json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"])
    return found
