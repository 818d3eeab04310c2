"""The figures that benchmarks print and write."""

import json
import math
from pathlib import Path

import pytest

from tests.bench import figures


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.505, 51), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, wanted: float) -> None:
    assert figures.percentile([*range(100, 0, -1)], share) == wanted


def test_nothing_measured_has_no_percentile() -> None:
    assert math.isnan(figures.percentile([], 0.5))


def test_a_table_sets_columns_of_numbers_to_the_right() -> None:
    table = figures.draw_table(["what", "per s"], [["gateway", 61234], ["bare", 1.23456], ["none", ""]])
    assert table.splitlines() == [
        "| what    |  per s |",
        "|---------|-------:|",
        "| gateway | 61,234 |",
        "| bare    |   1.23 |",
        "| none    |        |",
    ]


def test_what_is_written_has_the_keys_of_every_benchmark(tmp_path: Path) -> None:
    figures.write_json(str(tmp_path / "new" / "x.json"), "ingest", {"readings_per_s": 1.5})
    found = json.loads((tmp_path / "new" / "x.json").read_text())
    assert {key: found[key] for key in ("bench", "metrics", "baseline", "ratio")} == {
        "bench": "ingest",
        "metrics": {"readings_per_s": 1.5},
        "baseline": {},
        "ratio": {},
    }
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["postgresql"][0].isdigit()
    assert found["machine"]["mosquitto"][0].isdigit()
