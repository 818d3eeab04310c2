"""Schemathesis goes over the whole API as an operator, a plain member and a stranger, and finds no fault of ours and no
answer that the description does not have.

The server is a real one on a port, with a real broker and a database of its own. Each request's transaction is undone
at its end, its deferred constraints checked: whatever a request does, the next one finds the same world, so that a
failure comes again and nobody signs the viewer out or erases her.
"""

import asyncio
import itertools
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import requests as http
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config import settings as config
from server import app as server_app
from server import database, examples, requests
from server.badges import service as badges
from server.communities import service as communities
from server.demo import service as demo
from server.events import service as events
from server.events import signups
from server.face_to_face.model import Founding, Gather, GatherIn
from server.fleet import service as fleet
from server.operations import ports
from server.people import access
from server.people import service as people
from server.posts.model import Post, Topic
from server.proposals.model import Proposal, ProposalOption
from server.venues import service as venues
from tests.conftest import Mqtt
from tests.processes import wait_until
from tests.server.places import HOUR, NOW, make_members

WAIT_S = 20
REQUEST_S = 10
# Cases of an operation: half as the description has them, half not. A stranger is refused before they matter.
CASES = {"ana": 16, "dora": 10, None: 2}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def known_in(path: str) -> dict[str, Any]:
    """What a case may put into an address to name something that is there, or the first of its kind."""
    special = {"number": 1, "token": "mst_none"}
    names = re.findall(r"{(\w+)}", path)
    words = {name: examples.WORDS.get(name, examples.WORDS.get(name.removesuffix("_id"), 1)) for name in names}
    return {name: special.get(name, word if isinstance(word, str) else 1) for name, word in words.items()}


def make_world(session: Session) -> dict[str | None, str]:
    """What the examples of the description speak of; returns the viewers' tokens."""
    make_members(session)
    venues.create(
        session,
        id="kettle",
        name="Kettle & Crumb",
        time_zone="Europe/Berlin",
        owner_id="dora",
        location=(-30.0, 45.0),
        contact="the counter, every morning",
        zones=[venues.NewZone("kettle-bar", "bar", area=examples.WORDS["area"])],
    )
    fleet.enrol(session, agent_id="kettle-door")
    fleet.place(session, agent_id="kettle-door", venue_id="kettle", zone_id="kettle-bar", since=NOW - HOUR)
    communities.create(session, id="swift-watchers", name="Swift watchers")
    communities.join(session, community_id="swift-watchers", member_id="dora")
    step = events.NewStep("Talk", "kettle", NOW, NOW + HOUR, id="swift-night-1")
    events.create(session, id="swift-night", name="Swift night", organizer_id="dora", steps=[step])
    signups.sign_up(session, event_id="swift-night", member_id="dora", now=NOW)
    _propose_and_gather(session)
    topic = Topic(community_id="swift-watchers", title="Nests", made_by="dora", made_at=NOW)
    session.add(topic)
    session.flush()
    said = {"newcomer": True, "at": NOW}
    session.add(Post(topic_id=topic.id, member_id="dora", text="Who counts?", leads_to="swift-night", **said))
    identity = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e01ab")
    badge_id = badges.register(session, identity=identity, label="M-0427", since=NOW - HOUR)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW - HOUR)
    demo.keep(
        session,
        {
            "neighbourhood": {"bounds": examples.WORDS["bounds"], "streets": examples.WORDS["streets"]},
            "person/dora": {"badge": badge_id, "lon": -30.0, "lat": 45.0},
            "agent/kettle-door": {"venue": "kettle", "running": True},
        },
    )
    return {who: people.sign_in(session, member_id=who, now=NOW) for who in ("ana", "dora")} | {None: ""}


def _propose_and_gather(session: Session) -> None:
    """Dora proposes a supper, gathers at the bar, and her circle is asked whether to keep it."""
    times = {"starts_at": NOW + 72 * HOUR, "ends_at": NOW + 74 * HOUR}
    proposal = {"community_id": "swift-watchers", "by_id": "dora", "title": "Supper", "quorum": 3, "state": "open"}
    gather = {"founder_id": "dora", "community_id": "swift-watchers", "founds": False, "name": "Swift watchers"}
    session.add(Proposal(id="swift-supper", decide_by=NOW + 48 * HOUR, opened_at=NOW, **proposal))
    session.add(Gather(id="at-the-bar", digits="2468", venue_id="kettle", made_at=NOW, ends_at=NOW + HOUR, **gather))
    session.add(Founding(community_id="swift-watchers", founded_at=NOW - 200 * HOUR, asked_at=NOW + 49 * HOUR))
    session.flush()
    option = {"proposal_id": "swift-supper", "position": 0, "venue_id": "kettle", "time_zone": "Europe/Berlin"}
    session.add(ProposalOption(**option, **times))
    session.add(
        GatherIn(gather_id="at-the-bar", member_id="dora", at=NOW, evidence="screen", joined=False, made_guest=False)
    )
    session.flush()


def undone(engine: Engine) -> Callable[[], Iterator[Session]]:
    """A request's transaction that is checked to its end and then never was."""

    def transaction() -> Iterator[Session]:
        with Session(engine, expire_on_commit=False) as session:
            yield session
            session.flush()
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            session.expunge_all()  # as after a commit, what was read stays readable
            session.rollback()

    return transaction


class Api:
    """The running server as a viewer's program sees it."""

    def __init__(self, app: FastAPI, url: str, token: str) -> None:
        self.url = url
        self.cookies = {access.COOKIE: token} if token else {}
        self.done: set[str] = set()  # what was answered with more than a refusal
        self.session = http.Session()
        self.session.trust_env = False
        settings = SchemathesisConfig.from_dict({"request-timeout": REQUEST_S, "max-stream-events": 1})
        self.schema = schemathesis.openapi.from_dict(app.openapi(), config=settings)

    def check(self, case: schemathesis.Case[Any]) -> None:
        """Sends a case and compares the answer with the description."""
        answer = case.call_and_validate(
            self.url,
            session=self.session,
            cookies=self.cookies,
            checks=CHECKS,
            timeout=REQUEST_S,
            allow_redirects=False,
        )
        if answer.status_code < 300:
            self.done.add(case.operation.label)

    def sweep(self, operation: Any, cases: int) -> None:
        """Sends one operation's example and cases of it, made the same way each time."""
        known = known_in(operation.path)
        body = operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
        if body:
            self.check(operation.Case(path_parameters=known, body=body["example"], media_type="application/json"))
        strategies = [
            operation.as_strategy(generation_mode=mode, **({"path_parameters": known} if known and near else {}))
            for mode, near in itertools.product((GenerationMode.POSITIVE, GenerationMode.NEGATIVE), (True, False))
            if mode is GenerationMode.POSITIVE or near
        ]

        @hypothesis.settings(
            max_examples=cases,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=st.one_of(strategies))
        def send(case: schemathesis.Case[Any]) -> None:
            self.check(case)

        send()


@pytest.fixture
def world(fresh_database: str, mosquitto: Mqtt) -> Iterator[tuple[FastAPI, str, dict[str | None, str]]]:
    """The app, where it listens, and the viewers' tokens."""
    environment = {
        **mosquitto.environment("server"),
        "MUSTER_DATABASE__DSN": fresh_database,
        "MUSTER_SERVER__DEMO": "true",
    }
    app = server_app.create_app(config.load(environment=environment), lambda: NOW)
    engine = database.connect(fresh_database, pool=5)
    with database.transaction(engine) as session:
        tokens = make_world(session)
    app.dependency_overrides[requests.open_session] = undone(engine)
    port = ports.find_free()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started and app.state.broker.is_connected, "the server started", WAIT_S)
    try:
        yield app, f"http://127.0.0.1:{port}", tokens
    finally:
        server_app.end_streams(app)
        server.should_exit = True
        thread.join(WAIT_S)
        engine.dispose()
        assert not thread.is_alive()


@pytest.mark.parametrize("viewer", [None, "dora", "ana"])
def test_the_api_answers_as_it_is_described_and_never_with_a_fault(
    world: tuple[FastAPI, str, dict[str | None, str]], viewer: str | None
) -> None:
    app, url, tokens = world
    api = Api(app, url, tokens[viewer])
    found: list[str] = []
    swept = 0
    for result in api.schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        try:
            api.sweep(operation, CASES[viewer])
        except (Failure, FailureGroup, http.RequestException) as failure:
            found.append(f"{operation.label} as {viewer}: {failure}")
        swept += 1
    assert swept > 45
    assert len(api.done) >= (0 if viewer is None else swept // 2), sorted(api.done)
    assert found == [], "\n\n".join(found)
