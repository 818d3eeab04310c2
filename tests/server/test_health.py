"""/healthz, /readyz and /metrics."""

import dataclasses
from collections import Counter
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import generate_latest
from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Settings
from server import database, health
from server.operations import ports
from tests.server.conftest import Clock
from tests.server.places import NOW, make_agent, make_cafe, make_members


class Broker:
    """Stands for a connection to the broker."""

    is_connected = True


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """A stranger's client of an app whose broker is there."""
    app.state.broker = Broker()
    return TestClient(app)


def test_alive_says_nothing_of_others(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"alive": True}


def test_ready_is_when_database_and_broker_are_there(client: TestClient, app: FastAPI, settings: Settings) -> None:
    assert client.get("/readyz").json() == {"ready": True, "database": True, "broker": True}
    app.state.broker.is_connected = False
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "Not reachable: broker."
    away = dataclasses.replace(settings.database, dsn=f"host=127.0.0.1 port={ports.find_free()}")
    app.state.context = dataclasses.replace(app.state.context, settings=dataclasses.replace(settings, database=away))
    assert client.get("/readyz").json()["detail"] == "Not reachable: database and broker."


def scrape(engine: Any) -> str:
    """What a scrape says; the engine may be a connection of the test's own."""
    metrics = health.Metrics(
        engine,
        Clock(),
        Counter({("GET", "/api/me", "200"): 3}),
        Counter({"taken": 2, "not_json": 1}),
        Counter({"location": 5}),
        lambda: 4,
        lambda: True,
    )
    return generate_latest(health.make_registry(metrics)).decode()


class OneConnection:
    """An engine that lends the test's own connection, so that it sees what the test wrote."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def connect(self) -> "OneConnection":
        """Itself."""
        return self

    def __enter__(self) -> Session:
        return self._session

    def __exit__(self, *_: object) -> None:
        pass


def test_metrics_tell_of_this_server_all_gateways_and_all_agents(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    make_agent(session)
    now_ms = int(NOW.timestamp() * 1000)
    session.execute(
        text("""
            INSERT INTO coverage (placement_id, from_ms, to_ms, agent_id)
            SELECT id, :start, :end, agent_id FROM placement WHERE agent_id = 'cafe-door'
        """),
        {"start": now_ms - 60_000, "end": now_ms - 4_000},
    )
    for gateway, reports in (("gateway-1", 7), ("gateway-2", 5)):
        counters = {"reports": reports, "refused": {"bad_signature": 2}, "Not a name!": 1, "text": "x"}
        session.execute(
            text("INSERT INTO gateway_health VALUES (:gateway, CAST(:counters AS jsonb), :at)"),
            {"gateway": gateway, "counters": orjson.dumps(counters).decode(), "at": NOW},
        )
    told = orjson.dumps({"counters": {"dropped_age": 3, "strangers": 9, "dropped": "x"}}).decode()
    session.execute(text("UPDATE agent SET status = CAST(:told AS jsonb)"), {"told": told})
    said = scrape(OneConnection(session)).splitlines()
    for line in (
        'muster_agent_lost_total{agent="cafe-door",reason="dropped_age"} 3.0',
        'muster_http_requests_total{method="GET",route="/api/me",status="200"} 3.0',
        'muster_agent_statuses_total{outcome="not_json"} 1.0',
        'muster_owntracks_total{outcome="location"} 5.0',
        "muster_live_viewers 4.0",
        "muster_broker_connected 1.0",
        'muster_gateway_reports_total{gateway="gateway-1"} 7.0',
        'muster_gateway_reports_total{gateway="gateway-2"} 5.0',
        'muster_gateway_refused_total{gateway="gateway-1",reason="bad_signature"} 2.0',
        'muster_gateway_seconds_since_health{gateway="gateway-2"} 0.0',
        'muster_agent_seconds_since_report{agent="cafe-door"} 4.0',
    ):
        assert line in said
    assert "Not a name" not in "".join(said)
    assert "strangers" not in "".join(said)


def test_a_gateway_that_counts_otherwise_than_another_disturbs_nothing(session: Session) -> None:
    for gateway, refused in (("gateway-1", "{}"), ("gateway-2", "3"), ("gateway-3", '{"future": 1, "odd": "x"}')):
        session.execute(
            text("INSERT INTO gateway_health VALUES (:gateway, CAST(:counters AS jsonb), :at)"),
            {"gateway": gateway, "counters": f'{{"refused": {refused}, "reports": true}}', "at": NOW},
        )
    said = scrape(OneConnection(session))
    assert 'muster_gateway_refused_total{gateway="gateway-3",reason="future"} 1.0' in said
    assert "odd" not in said


def test_metrics_without_a_database_tell_of_this_server() -> None:

    away = database.connect(f"host=127.0.0.1 port={ports.find_free()}", pool=1)
    said = scrape(away)
    away.dispose()
    assert "muster_live_viewers 4.0" in said
    assert "muster_gateway" not in said


def test_two_apps_in_one_process_count_apart(session: Session) -> None:
    assert scrape(OneConnection(session)) == scrape(OneConnection(session))


def test_metrics_are_served_to_prometheus(client: TestClient, app: FastAPI, session: Session) -> None:
    app.state.metrics = health.make_registry(
        health.Metrics(OneConnection(session), Clock(), {}, {}, {}, lambda: 0, lambda: True)  # type: ignore[arg-type]
    )
    answer = client.get("/metrics", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert "muster_live_viewers 0.0" in answer.text
