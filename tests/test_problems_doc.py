"""docs/problems.md lists every code that a refusal may carry, as the code has it."""

from tests import problem_codes

HOW = "run `.venv/bin/python -m tests.problem_codes`, then say in docs/problems.md what to do"


def test_every_code_is_in_the_docs_with_its_status_and_meaning() -> None:
    docs, code = problem_codes.in_docs(), problem_codes.in_code()
    assert sorted(docs) == sorted(code), HOW
    assert {row[:3] for row in docs.values()} == {row[:3] for row in code.values()}, HOW


def test_the_docs_say_of_every_code_what_to_do() -> None:
    assert [row.code for row in problem_codes.in_docs().values() if len(row.remedy) < 10] == []
