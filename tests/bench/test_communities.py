"""What the communities benchmark asks for, counts and calls too fast."""

import datetime as dt

from fastapi.testclient import TestClient

from config import settings
from server.app import create_app
from server.people import access
from tests.bench import communities, counted, village
from tests.bench.village import Village
from tests.conftest import Mqtt

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


def test_what_grows_faster_than_what_it_shows_is_a_fault() -> None:
    grown = {
        "even": ((10.0, 5), (149.0, 7)),
        "square": ((10.0, 5), (151.0, 5)),
        "each by itself": ((10.0, 5), (20.0, 8)),
    }
    assert [one.partition(":")[0] for one in communities.faults(grown)] == ["square", "each by itself"]


def test_a_larger_village_is_larger_in_everything() -> None:
    assert Village(1, 2, 3, 4, 5, 6).times(10) == Village(10, 20, 30, 40, 50, 60)


def test_what_it_asks_for_is_answered_and_counted(fresh_database: str, fresh_mosquitto: Mqtt) -> None:
    now = dt.datetime.now(dt.UTC)
    village.build(fresh_database, Village(3, 3, 3, 6, 20, 5), now)
    token = communities.sign_in(fresh_database, now)
    environment = {**fresh_mosquitto.environment("server"), "MUSTER_DATABASE__DSN": fresh_database}
    app = create_app(settings.load(environment=environment))
    app.add_middleware(counted.Counted)
    with TestClient(app, base_url="http://127.0.0.1") as client, counted.counting():
        headers = {"Cookie": f"{access.COOKIE}={token}"}
        for path in communities.PAGES.values():
            answer = client.get(path, headers=headers)
            assert answer.status_code == 200, answer.text
            assert (int(answer.headers["x-statements"]) > 0) == (path != "/healthz")
        assert "What I read" in client.get(communities.PAGES["a topic"], headers=headers).text
        assert "Gathering next-00000" in client.get("/", headers=headers).text
    (milliseconds, statements) = communities.judge(fresh_database)
    assert milliseconds > 0 < statements


def test_ranking_is_measured_for_each_size() -> None:
    assert set(communities.measure_ranking((10, 20), NOW)) == {10, 20}
