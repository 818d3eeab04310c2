"""Writes CSV that spreadsheets open as it is meant: RFC 4180, UTF-8 with its mark, no text becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

MARK = "\ufeff"  # Excel takes a file without it for the code page of its machine
# What spreadsheets take for the beginning of a formula, also in the full width of Chinese keyboards (OWASP, "CSV
# injection"); they pass over blanks before it.
_FORMULA_SIGNS = tuple("=+-@＝＋－＠")
_LEADING = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"

Cell = str | int | bool | None


def lines(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as lines, each ended by CR LF."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return str(cell)
    return guard(cell)


def guard(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would calculate it or begin a new cell."""
    risky = text.lstrip(_LEADING).startswith(_FORMULA_SIGNS) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if risky else text
