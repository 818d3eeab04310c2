"""How the api benchmark counts and compares."""

import json
from pathlib import Path

import pytest

from tests.bench import api
from tests.bench.api import Asked, Asker


class Answers(Asker):
    """An asker whose answers are told beforehand."""

    statuses: tuple[int, ...] = ()

    def _open(self) -> None:
        pass

    def _send(self, wanted: Asked) -> tuple[int, bytes]:
        assert wanted.method in ("PUT", "POST")
        return self.statuses[self.asked - 1], b"too late"


def test_only_what_is_measured_counts_and_everybody_has_her_turn() -> None:
    asked: list[tuple[int, str]] = []

    def ask(number: int, token: str) -> Asked:
        asked.append((number, token))
        return Asked("PUT", "/", token)

    asker = Answers("http://127.0.0.1", ask, ["a", "b", "c"])
    asker.statuses = (204,) * 5
    asker.go(2, measured=False)
    asker.go(3, measured=True)
    assert asked == [(0, "a"), (1, "b"), (2, "c"), (3, "a"), (4, "b")]
    assert len(asker.took_ms) == 3


def test_an_answer_that_is_no_success_ends_the_run() -> None:
    asker = Answers("http://127.0.0.1", api.check_in("K7M2QX"), ["a"])
    asker.statuses = (204, 409)
    with pytest.raises(RuntimeError, match=r"409.*too late"):
        asker.go(2, measured=True)


@pytest.mark.parametrize(("checkin_ms", "code"), [(6.9, 0), (7.1, 1)])
def test_the_ratio_is_of_the_medians_and_decides(tmp_path: Path, checkin_ms: float, code: int) -> None:
    path = tmp_path / "api.json"
    took_ms = {"select1": [1.0, 1.0, 50.0], "checkin": [checkin_ms] * 3, "read": [2.0, 2.0, 4.0]}
    assert api._tell(took_ms, str(path)) == code
    told = json.loads(path.read_text())
    assert told["ratio"] == {"checkin_p50": checkin_ms}
    assert told["baseline"] == {"select1_p50_ms": 1.0}
    assert told["metrics"] == {"checkin_p50_ms": checkin_ms, "checkin_p99_ms": checkin_ms, "read_p99_ms": 4.0}
