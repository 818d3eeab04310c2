"""CSV as spreadsheets read it: nothing is calculated, nothing torn, nothing lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.exports import csv_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+49",
        "-1",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "\u200b=1",
        "\ufeff=1",
        "＝1",
        "＋1",
        "\r=1",
        "\n=1",
        "\ttab",
    ],
)
def test_what_a_spreadsheet_would_calculate_is_text(text: str) -> None:
    assert csv_text.guard(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Li Wei", "O'Brien", "李伟", "a=b", "💃🏽", "\u202eevil", "1+1", ""])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert csv_text.guard(text) == text


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=4), min_size=1, max_size=5))
def test_what_was_written_is_read_again_cell_for_cell(rows: list[list[str]]) -> None:
    written = csv_text.lines(rows)
    assert written.endswith("\r\n")
    read = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    assert read == [[csv_text.guard(cell) for cell in row] for row in rows]


def test_cells_that_are_no_text() -> None:
    assert csv_text.lines([[1, -2, True, False, None]]) == "1,-2,yes,no,\r\n"
