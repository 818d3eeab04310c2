"""Tests of the demonstration's controls over HTTP."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from config import settings
from server import database, problems, requests
from server.demo import routes
from server.demo import service as demo
from server.events import service as events
from server.people import access
from server.people import service as people
from server.venues import service as venues

NOW = dt.datetime(2026, 5, 8, 18, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
STREETS = {"type": "FeatureCollection", "features": []}
Client = Callable[[str | None], TestClient]


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    engine = database.connect(fresh_database, pool=2)
    with database.transaction(engine) as session:
        for member, operator in (("you", False), ("guest", False), ("early", False), ("ops", True)):
            people.create(session, id=member, name=member, operator=operator)
        venues.create(session, id="cafe", name="Café", time_zone="UTC", owner_id="ops", contact="at the counter")
        for host, begins in (("you", NOW - HOUR), ("early", NOW - 3 * HOUR)):
            step = events.NewStep("Evening", "cafe", begins, begins + 2 * HOUR)
            events.create(session, id=f"of-{host}", name="Evening", organizer_id=host, steps=[step], simulated=True)
        demo.keep(
            session,
            {
                demo.NEIGHBOURHOOD: {"bounds": [-30.001, 44.999, -29.999, 45.001], "streets": STREETS},
                "person/you": {"badge": 7, "lon": -30.0, "lat": 45.0},
                "agent/cafe-pi": {"venue": "cafe", "running": True},
                "venue/cafe": {"online": True},
                "crowd": {"here": False},
            },
        )
    yield engine
    engine.dispose()


@pytest.fixture
def listening(fresh_database: str) -> Iterator[Callable[[], list[Any]]]:
    """What has reached the world since it began to listen."""
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute(f"LISTEN {demo.CHANNEL}")
        yield lambda: [json.loads(notice.payload) for notice in connection.notifies(timeout=0.2)]


def make_client(engine: Engine, member: str | None, *, shows_demo: bool = True) -> TestClient:
    loaded = settings.load(environment={})
    loaded = dataclasses.replace(loaded, server=dataclasses.replace(loaded.server, demo=shows_demo))
    app = FastAPI()
    app.state.context = requests.Context(loaded, engine, lambda: NOW)
    problems.install(app)
    app.include_router(routes.router)
    client = TestClient(app)
    if member is not None:
        with database.transaction(engine) as session:
            client.cookies.set(access.COOKIE, people.sign_in(session, member_id=member, now=NOW))
    return client


def code(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_anonymous_is_refused_everywhere(engine: Engine, listening: Callable[[], list[Any]]) -> None:
    client = make_client(engine, None)
    for response in (
        client.get("/api/demo"),
        client.post("/api/demo/you", json={"lon": -30.0, "lat": 45.0}),
        client.post("/api/demo/agents/cafe-pi", json={"running": False}),
        client.post("/api/demo/you/badge", json={"left": True}),
        client.post("/api/demo/crowd"),
        client.post("/api/demo/venues/cafe", json={"online": False}),
    ):
        assert code(response) == (401, "sign_in_needed")
    assert listening() == []


def test_a_server_without_demonstration_has_none_of_this(engine: Engine, listening: Callable[[], list[Any]]) -> None:
    client = make_client(engine, "ops", shows_demo=False)
    for response in (
        client.get("/api/demo"),
        client.post("/api/demo/you", json={"lon": -30.0, "lat": 45.0}),
        client.post("/api/demo/agents/cafe-pi", json={"running": False}),
        client.post("/api/demo/you/badge", json={"left": True}),
        client.post("/api/demo/crowd"),
        client.post("/api/demo/venues/cafe", json={"online": False}),
    ):
        assert code(response) == (404, "no_demo")
    assert listening() == []


def test_a_member_sees_herself_and_the_world(engine: Engine) -> None:
    assert make_client(engine, "you").get("/api/demo").json() == {
        "you": {"member": "you", "badge": 7, "lon": -30.0, "lat": 45.0, "left": False},
        "agents": [{"id": "cafe-pi", "venue": "cafe", "running": True}],
        "venues": [{"id": "cafe", "online": True}],
        "crowd": False,
        "bounds": [-30.001, 44.999, -29.999, 45.001],
        "streets": STREETS,
        "people_simulated": 1,
        "may_switch": True,
    }


def test_a_member_without_a_simulated_badge_sees_the_world_alone(engine: Engine) -> None:
    assert make_client(engine, "ops").get("/api/demo").json()["you"] is None


def test_the_world_says_who_may_switch_its_pis(engine: Engine) -> None:
    told = {
        member: make_client(engine, member).get("/api/demo").json()["may_switch"] for member in ("you", "guest", "ops")
    }
    assert told == {"you": True, "guest": False, "ops": True}


def test_while_the_world_begins_it_says_to_try_again(engine: Engine) -> None:
    with database.transaction(engine) as session:
        demo.forget(session)
    assert code(make_client(engine, "you").get("/api/demo")) == (503, "no_world")


def test_you_move_yourself_and_nobody_else(engine: Engine, listening: Callable[[], list[Any]]) -> None:
    assert make_client(engine, "you").post("/api/demo/you", json={"lon": -30.0005, "lat": 45.0}).status_code == 204
    refused = make_client(engine, "guest").post("/api/demo/you", json={"lon": -30.0005, "lat": 45.0})
    assert code(refused) == (404, "nobody_simulated")
    assert listening() == [{"you": {"member": "you", "lon": -30.0005, "lat": 45.0}}]


@pytest.mark.parametrize(
    "place",
    [
        {"lon": 0, "lat": 45.0},
        {"lon": -30.0, "lat": 91},
        {"lon": "NaN", "lat": 45.0},
        {"lon": -30.0, "lat": "Infinity"},
        {"lon": -30.0},
        {"lon": -30.0, "lat": 45.0, "member": "guest"},
        {"lon": None, "lat": 45.0},
        [],
    ],
)
def test_a_place_that_is_none_or_outside_is_refused(
    engine: Engine, listening: Callable[[], list[Any]], place: object
) -> None:
    refused = make_client(engine, "you").post("/api/demo/you", json=place)
    assert refused.status_code == 422
    assert refused.json()["code"] in ("outside_neighbourhood", "invalid")
    assert listening() == []


def test_the_host_of_a_running_event_and_an_operator_may_kill_and_revive(
    engine: Engine, listening: Callable[[], list[Any]]
) -> None:
    assert make_client(engine, "you").post("/api/demo/agents/cafe-pi", json={"running": False}).status_code == 204
    assert make_client(engine, "ops").post("/api/demo/agents/cafe-pi", json={"running": True}).status_code == 204
    assert listening() == [
        {"agent": {"id": "cafe-pi", "running": False}},
        {"agent": {"id": "cafe-pi", "running": True}},
    ]


@pytest.mark.parametrize("member", ["guest", "early"])
def test_nobody_else_may_also_not_the_host_of_an_event_that_is_over(
    engine: Engine, listening: Callable[[], list[Any]], member: str
) -> None:
    refused = make_client(engine, member).post("/api/demo/agents/cafe-pi", json={"running": False})
    assert code(refused) == (403, "organizers_only")
    assert listening() == []


def test_a_pi_that_is_not_simulated_cannot_be_killed(engine: Engine, listening: Callable[[], list[Any]]) -> None:
    refused = make_client(engine, "ops").post("/api/demo/agents/real-pi", json={"running": False})
    assert code(refused) == (404, "not_simulated")
    assert listening() == []


def test_a_badge_is_left_behind_by_whose_it_is(engine: Engine, listening: Callable[[], list[Any]]) -> None:
    assert make_client(engine, "you").post("/api/demo/you/badge", json={"left": True}).status_code == 204
    refused = make_client(engine, "ops").post("/api/demo/you/badge", json={"left": True})
    assert code(refused) == (404, "nobody_simulated")
    assert listening() == [{"badge": {"member": "you", "left": True}}]


def test_a_crowd_is_called_and_a_line_is_cut_by_who_may_switch_alone(
    engine: Engine, listening: Callable[[], list[Any]]
) -> None:
    for member in ("guest", "early"):
        client = make_client(engine, member)
        assert code(client.post("/api/demo/crowd")) == (403, "organizers_only")
        assert code(client.post("/api/demo/venues/cafe", json={"online": False})) == (403, "organizers_only")
    assert listening() == []
    client = make_client(engine, "you")
    assert client.post("/api/demo/crowd").status_code == 204
    assert client.post("/api/demo/venues/cafe", json={"online": False}).status_code == 204
    assert code(client.post("/api/demo/venues/real", json={"online": False})) == (404, "venue_not_simulated")
    assert listening() == [{"crowd": {}}, {"venue": {"id": "cafe", "online": False}}]
