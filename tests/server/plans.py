"""How the database would answer a statement."""

from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session


def read_whole(session: Session, statement: TextClause, given: dict[str, Any]) -> set[str]:
    """The tables that a statement reads from end to end."""
    explained = session.execute(text(f"EXPLAIN (FORMAT JSON) {statement.text}"), given).scalar_one()
    found: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan":
            found.add(node["Relation Name"])
        for part in node.get("Plans", ()):
            walk(part)

    walk(explained[0]["Plan"])
    return found
