"""Versions of what is edited."""

from dataclasses import dataclass

import pytest

from server import versions


@dataclass
class Row:
    """Something that is edited."""

    version: int = 3


@pytest.mark.parametrize("seen", [None, "*", '"3"', ' "3" ', 'W/"3"'])
def test_who_saves_what_she_saw_saves(seen: str | None) -> None:
    row = Row()
    versions.edit(row, seen)
    assert row.version == 4


@pytest.mark.parametrize("seen", ['"2"', "3", "", '"4"', "soup"])
def test_who_saw_another_version_is_told_so(seen: str) -> None:
    row = Row()
    with pytest.raises(versions.EditedMeanwhile):
        versions.edit(row, seen)
    assert row.version == 3
