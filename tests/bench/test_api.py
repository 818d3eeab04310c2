"""How the api benchmark counts and compares."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from config import settings
from server.app import create_app
from server.people import access
from tests.bench import api
from tests.bench.api import Asked, Asker
from tests.conftest import Mqtt


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


def test_what_it_asks_for_is_answered_as_it_expects(fresh_database: str, fresh_mosquitto: Mqtt) -> None:
    tokens, code = api.build(fresh_database, 2)
    environment = {**fresh_mosquitto.environment("server"), "MUSTER_DATABASE__DSN": fresh_database}
    with TestClient(create_app(settings.load(environment=environment)), base_url="http://127.0.0.1") as client:
        for number, token in enumerate(tokens):
            for ask in (api.check_in(code), api.read):
                wanted = ask(number, token)
                headers = {"Cookie": f"{access.COOKIE}={wanted.token}", "Content-Type": "application/json"}
                answer = client.request(wanted.method, wanted.path, content=wanted.body, headers=headers)
                assert answer.status_code == 200, answer.text
