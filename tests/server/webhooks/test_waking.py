"""News wake who looks for them, over a real broker; without one the look of each minute finds them still."""

import asyncio
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from sqlalchemy import QueuePool, text

from config import settings as config
from config.settings import Settings
from server import app as server_app
from server import database, mqtt, topics
from server.jobs import service as jobs
from server.live import news
from server.operations import ports
from server.webhooks import waking
from tests import processes, serving
from tests.conftest import Mqtt
from tests.server.webhooks.conftest import Evening

LOOK = "webhooks.look"


def settings_of(evening: Evening, broker: dict[str, str]) -> Settings:
    return config.load(
        environment={
            **broker,
            "MUSTER_DATABASE__DSN": evening.work.settings.database.dsn,
            "MUSTER_WEBHOOKS__ALLOW_PRIVATE": "true",
            "MUSTER_SERVER__PORT": str(ports.find_free()),
        }
    )


@contextmanager
def served(evening: Evening, broker: dict[str, str]) -> Iterator[FastAPI]:
    """A whole server: it hears news, looks and sends by itself."""
    settings = settings_of(evening, broker)
    app = server_app.create_app(settings, evening.clock)
    with serving.serving(app, settings):
        yield app


def raised(evening: Evening, name: str = "event/supper") -> int:
    """Somebody comes, and her commit raises a topic; the number of her check-in. Nobody is told over MQTT."""
    came = evening.come("Li Wei")
    with database.transaction(evening.engine) as session:
        topics.bump(session, [name])
    return came


def say_until_told(of: mqtt.Connection, evening: Evening) -> bool:
    """News of the supper, unless they were told on."""
    if not told(evening):
        of.publish(news.mqtt_topic("event/supper"), news.encode(1))
    return told(evening) != []


def told(evening: Evening) -> list[int]:
    return [one["id"] for came in evening.receiver.came for one in came.told["data"]["check_ins"]]


def test_another_process_s_news_wake_it_at_once(
    evening: Evening, mosquitto: Mqtt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing comes by the clock here: what is told was woken. The gateway says so, as after a badge was heard."""
    monkeypatch.delitem(jobs.TASKS, LOOK)
    evening.make()
    gateway = mqtt.Connection(config.load(environment=mosquitto.environment("gateway")).broker)
    gateway.start()
    try:
        with served(evening, mosquitto.environment("server")) as app:
            processes.wait_until(lambda: app.state.broker.is_connected and gateway.is_connected, "both have the broker")
            came = evening.come("Li Wei")
            # What is published before the server's subscription stands is lost, as it would be: it is said until heard.
            processes.wait_until(
                lambda: say_until_told(gateway, evening),
                "the receiver was told",
            )
            assert told(evening) == [came]
    finally:
        gateway.stop()


def test_its_own_commits_wake_it(evening: Evening, mosquitto: Mqtt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(jobs.TASKS, LOOK)
    evening.make()
    with served(evening, mosquitto.environment("server")) as app:
        heard: list[str] = []
        app.state.broker.subscribe(news.SUBSCRIPTION, lambda topic, *_: heard.append(topic))

        def said(name: str) -> bool:
            with database.transaction(evening.engine) as session:
                topics.bump(session, [name])
            return news.mqtt_topic(name) in heard

        processes.wait_until(lambda: said("member/ben"), "it hears what it says")
        came = raised(evening)
        processes.wait_until(lambda: told(evening), "the receiver was told")
        assert told(evening) == [came]


def test_without_a_broker_the_look_by_the_clock_tells_it(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its minute is a second here; nobody listens at the broker's port."""
    monkeypatch.setitem(jobs.TASKS, LOOK, dataclasses.replace(jobs.TASKS[LOOK], cron="* * * * * */1"))
    evening.make()
    with served(evening, {"MUSTER_BROKER__PORT": str(ports.find_free())}) as app:
        came = raised(evening)
        processes.wait_until(lambda: told(evening), "the receiver was told", timeout_s=60)
        assert not app.state.broker.is_connected
    assert told(evening) == [came]


def test_who_ends_it_waits_for_what_it_had_begun(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a connection would be left open when the server throws its pool away."""
    monkeypatch.setattr(waking, "GATHERED_S", 0.0)
    engine = database.connect(evening.work.settings.database.conninfo, pool=1)
    pool = engine.pool
    assert isinstance(pool, QueuePool)

    async def end_while_it_looks() -> None:
        woken = waking.Waking(engine)
        running = asyncio.create_task(woken.run())
        with evening.engine.begin() as connection:
            connection.execute(text("LOCK TABLE webhook"))
            while not pool.checkedout():
                woken.take("event/supper")
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.sleep(0.1)
            assert not running.done()
        await asyncio.wait({running})
        assert pool.checkedout() == 0

    asyncio.run(asyncio.wait_for(end_while_it_looks(), 30))
    engine.dispose()


def test_while_the_database_is_away_it_goes_on_listening(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that could not be queued is not the last one."""
    monkeypatch.setattr(waking, "GATHERED_S", 0.0)
    engine = database.connect(f"host=127.0.0.1 port={ports.find_free()} dbname=none user=none", pool=1)

    async def hear_twice() -> None:
        woken = waking.Waking(engine)
        running = asyncio.create_task(woken.run())
        for times in (1, 2):
            while len(caplog.records) < times:
                woken.take("event/supper")
                await asyncio.sleep(0.01)
        assert not running.done()
        running.cancel()

    asyncio.run(asyncio.wait_for(hear_twice(), 30))
    engine.dispose()
    assert "look again within a minute" in caplog.text
