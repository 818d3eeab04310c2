"""How rows reach PostgreSQL."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gateway import rows

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
odd = st.sampled_from(["", "null", 'a"b', '","', "a\\", "{}", "a,b", " "])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), odd | texts), min_size=1))
def test_columns_arrive_as_they_were(session: Session, sent: list[tuple[int, str]]) -> None:
    connection = session.connection().connection.driver_connection
    assert connection is not None
    found = connection.execute(
        "SELECT * FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY ORDER BY ordinality", rows.columns(sent)
    ).fetchall()
    assert [row[:2] for row in found] == sent


def test_no_texts_are_an_empty_array(session: Session) -> None:
    connection = session.connection().connection.driver_connection
    assert connection is not None
    assert connection.execute("SELECT %s::text[]", [rows.Texts()]).fetchone() == ([],)
