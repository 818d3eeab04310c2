"""Configs and logins follow the tables, at a real broker."""

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from unittest.mock import Mock

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from beacon_agent import wire
from config import settings as config
from server import database as server_database
from server import mqtt
from server.badges import service as badges
from server.fleet import announce, logins
from server.fleet import service as fleet
from tests.conftest import Mqtt
from tests.server.places import HOUR, IDENTITY, NOW, make_cafe, make_members

WaitUntil = Callable[..., None]


class Sent:
    """Stands for a connection and keeps what was published, the newest by topic."""

    def __init__(self) -> None:
        self.configs: dict[str, wire.Config] = {}
        self.count = 0

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Keeps it."""
        assert (qos, retain) == (1, True)
        self.count += 1
        self.configs[topic] = wire.decode_config(payload)


@pytest.fixture
def engine_of_its_own(fresh_database: str) -> Iterator[Engine]:
    """A database with the cafe and two agents, one of them without a place."""
    engine = server_database.connect(fresh_database, pool=2)
    with server_database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        for agent_id in ("a", "b"):
            fleet.enrol(session, agent_id=agent_id)
        fleet.place(session, agent_id="a", venue_id="cafe", zone_id="cafe-front", since=NOW - HOUR)
    yield engine
    engine.dispose()


def patterns(session: Session, now: dt.datetime) -> tuple[tuple[int, bytes], ...]:
    """What agents are to report, without uuids of our own."""
    return badges.report_patterns(session, now=now)


def test_configs_follow_the_tables_with_ever_higher_revs(engine_of_its_own: Engine) -> None:
    sent = Sent()
    announcer = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, None)
    assert announcer.step(NOW) == 1
    first = sent.configs[wire.config_topic("a")]
    assert (first.patterns, first.shard) == ((), wire.shard_of("cafe"))
    assert announcer.step(NOW) == 0
    with server_database.transaction(engine_of_its_own) as session:
        badges.register(session, identity=IDENTITY, since=NOW)
    assert announcer.step(NOW) == 1
    second = sent.configs[wire.config_topic("a")]
    assert second.patterns == ((0, IDENTITY),)
    assert second.rev > first.rev
    with server_database.transaction(engine_of_its_own) as session:
        fleet.place(session, agent_id="b", venue_id="cafe", zone_id="cafe-back", since=NOW, rssi_floor=-80)
    assert announcer.step(NOW) == 1
    assert sent.configs[wire.config_topic("b")].rssi_floor == -80
    assert sent.configs[wire.config_topic("a")] == second


def test_facts_that_change_no_config_send_none(engine_of_its_own: Engine) -> None:
    sent = Sent()
    announcer = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, None)
    announcer.step(NOW)
    with server_database.transaction(engine_of_its_own) as session:
        fleet.enrol(session, agent_id="c")
    assert announcer.step(NOW) == 0


def test_a_server_that_starts_again_tells_a_higher_rev(engine_of_its_own: Engine) -> None:
    sent = Sent()
    announce.Announcer(engine_of_its_own, sent, patterns, 2.0, None).step(NOW)
    first = sent.configs[wire.config_topic("a")]
    announce.Announcer(engine_of_its_own, sent, patterns, 1.0, None).step(NOW)
    second = sent.configs[wire.config_topic("a")]
    assert second.rev > first.rev
    assert second == replace(first, rev=second.rev, window_s=1.0)


@pytest.mark.parametrize("known", [{"rev": 50}, {"rev": 3, "rejected_rev": 50}], ids=str)
def test_an_agent_that_knows_a_higher_rev_than_a_restored_database_is_told_a_higher_one(
    engine_of_its_own: Engine, known: dict[str, int]
) -> None:
    sent = Sent()
    announcer = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, None)
    announcer.step(NOW)
    first = sent.configs[wire.config_topic("a")]
    status = wire.Status(online=True, boot="aaaaaaaa", conn=1, **known)  # type: ignore[arg-type]

    def hear() -> int:
        with server_database.transaction(engine_of_its_own) as session:
            assert fleet.take_status(session, agent_id="a", status=status, now=NOW, retained=True)
        return announcer.step(NOW)

    assert hear() == 1
    second = sent.configs[wire.config_topic("a")]
    assert second.rev > 50 > first.rev
    assert replace(second, rev=first.rev) == first
    assert hear() == 0, "it was told: once is enough, also while it says the same"
    again = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, None)
    again.step(NOW)
    assert sent.configs[wire.config_topic("a")].rev > second.rev


def test_an_agent_that_rejects_its_config_is_not_told_the_same_for_ever(engine_of_its_own: Engine) -> None:
    sent = Sent()
    announcer = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, None)
    announcer.step(NOW)
    rev = sent.configs[wire.config_topic("a")].rev
    status = wire.Status(online=True, boot="aaaaaaaa", conn=1, rev=1, rejected_rev=rev)
    with server_database.transaction(engine_of_its_own) as session:
        fleet.take_status(session, agent_id="a", status=status, now=NOW)
    assert announcer.step(NOW) == 0


def test_a_broker_that_forgot_is_told_again(engine_of_its_own: Engine) -> None:
    sent = Sent()
    announcer = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, None)
    announcer.step(NOW)
    first = sent.configs.pop(wire.config_topic("a"))
    announcer.forget()
    assert announcer.step(NOW) == 1
    assert sent.configs[wire.config_topic("a")] == first


def test_a_config_that_no_agent_would_take_is_not_sent(
    engine_of_its_own: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    sent = Sent()
    many = tuple((0, index.to_bytes(20, "big")) for index in range(1, 7000))
    announce.Announcer(engine_of_its_own, sent, lambda _session, _now: many, 2.0, None).step(NOW)
    assert sent.count == 0
    assert "server.own_uuids" in caplog.text


def test_what_the_broker_refused_is_tried_again(engine_of_its_own: Engine) -> None:
    sent = Sent()

    def refuse() -> AbstractContextManager[logins.Logins]:
        raise logins.LoginsError("the broker is away")

    announcer = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, refuse)
    for _ in range(2):
        with pytest.raises(logins.LoginsError):
            announcer.step(NOW)
    assert sent.count == 0


def test_a_broker_that_forgot_while_it_refused_is_told_again(engine_of_its_own: Engine) -> None:
    sent = Sent()
    away = [False]

    def administer() -> AbstractContextManager[logins.Logins]:
        if away[0]:
            announcer.forget()  # the connection came back while the step was under way
            raise logins.LoginsError("the broker is away")
        return nullcontext(Mock(spec=logins.DynamicSecurity))

    announcer = announce.Announcer(engine_of_its_own, sent, patterns, 2.0, administer)
    announcer.step(NOW)
    first = sent.configs.pop(wire.config_topic("a"))
    with server_database.transaction(engine_of_its_own) as session:
        fleet.enrol(session, agent_id="c")
    away[0] = True
    with pytest.raises(logins.LoginsError):
        announcer.step(NOW)
    away[0] = False
    announcer.step(NOW)
    assert sent.configs[wire.config_topic("a")] == first


def test_an_enrolled_agent_gets_in_and_reads_its_config(
    engine_of_its_own: Engine, fresh_mosquitto: Mqtt, wait_until: WaitUntil
) -> None:
    settings = config.load(environment=fresh_mosquitto.environment("server"))
    connection = mqtt.Connection(settings.broker)
    connection.start()
    try:
        wait_until(lambda: connection.is_connected, "the server at the broker")
        announcer = announce.Announcer(engine_of_its_own, connection, patterns, 2.0, fresh_mosquitto.administer)
        announcer.step(NOW)
        with server_database.transaction(engine_of_its_own) as session:
            key = fleet.get(session, "a").key
        read: list[bytes] = []
        agent = Client(CallbackAPIVersion.VERSION2, client_id=secrets.token_hex(8))
        agent.username_pw_set("a", wire.broker_password(key))
        agent.on_connect = lambda client, *_: client.subscribe(wire.config_topic("a"), 1)
        agent.on_message = lambda _client, _userdata, message: read.append(bytes(message.payload))
        agent.connect(fresh_mosquitto.host, fresh_mosquitto.port)
        agent.loop_start()
        try:
            wait_until(lambda: read, "the retained config")
            assert wire.decode_config(read[0]).shard == wire.shard_of("cafe")
        finally:
            agent.disconnect()
            agent.loop_stop()
        with fresh_mosquitto.administer() as found:
            assert found.list_agents() == {"a", "b"}
    finally:
        connection.stop()
