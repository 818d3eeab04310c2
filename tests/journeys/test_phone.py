"""A phone tells where it is over MQTT and over HTTP: kept as a cell, gone by the clock; nobody speaks for another."""

import base64
import contextlib
import datetime as dt
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from geo import cells
from server import database
from server.people import service as people
from server.people import tokens
from server.phones import at_broker
from server.phones import service as phones
from server.positions import service as positions
from tests import conftest, processes
from tests.conftest import Mqtt
from tests.journeys import parts
from tests.journeys.parts import Parts

HERE = (-30.0, 45.0)
STEP_DEG = 0.02  # a kilometre and a half


def stream(now: dt.datetime) -> list[dict[str, Any]]:
    """The apps' own messages as far as they are there, dated now; the newest says HERE. Between them a walk."""
    folder = conftest.SHARED_DATA / "owntracks"
    real = [json.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))] if folder.exists() else []
    told = [one for found in real for one in (found if isinstance(found, list) else [found])]
    told = [one for one in told if one.get("_type") not in ("encrypted", "location", "transition") or one.get("tst")]
    stamped = int(now.timestamp()) - 600
    for number, one in enumerate(told):
        if one.get("_type") in ("location", "transition"):
            one["tst"] = stamped - number
            one.pop("topic", None)
    walk = [
        {
            "_type": "location",
            "lat": HERE[1],
            "lon": HERE[0] + STEP_DEG * number,
            "acc": 10,
            "tid": "do",
            "tst": int(now.timestamp()) - number,
        }
        for number in range(40)
    ]
    return [*walk[20:], *told, *walk[:20]]


class Phone:
    """A phone's connection to the broker."""

    def __init__(self, mqtt: Mqtt, login: str, password: str) -> None:
        self.topic = f"owntracks/{login}"
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.username_pw_set(login, password)
        self.client.connect(mqtt.host, mqtt.port)
        self.client.loop_start()
        processes.wait_until(self.client.is_connected, "the phone is connected")

    def say(self, message: dict[str, Any], topic: str = "", *, retain: bool = False) -> None:
        sent = self.client.publish(topic or self.topic, json.dumps(message), qos=1, retain=retain)
        sent.wait_for_publish(10)


@contextlib.contextmanager
def connected(mqtt: Mqtt, login: str, password: str) -> Iterator[Phone]:
    phone = Phone(mqtt, login, password)
    try:
        yield phone
    finally:
        phone.client.disconnect()
        phone.client.loop_stop()


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    engine = database.connect(fresh_database, pool=2)
    yield engine
    engine.dispose()


def send(url: str, message: object, headers: dict[str, str]) -> tuple[int, Any]:
    """What is answered to a POST."""
    data = json.dumps(message).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})  # noqa: S310 -- loopback
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 -- loopback
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def as_phone(login: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()}


def kept(engine: Engine, member: str) -> dict[str, int]:
    """The cells by device."""
    with database.transaction(engine) as session:
        found = positions.list_of(session, member_id=member, now=dt.datetime.now(dt.UTC))
        return {device: where.cell for where, device in found}


def add_phone(engine: Engine, mqtt: Mqtt, member: str) -> tuple[str, str]:
    with database.transaction(engine) as session:
        phone, password = phones.add(session, member_id=member, name="Pixel", now=dt.datetime.now(dt.UTC))
        at_broker.admit(session, phone, password, mqtt.administer)
        assert phone.at_broker
        return phones.login_of(phone), password


def test_a_phone_tells_where_it_is(fresh_database: str, engine: Engine, fresh_mosquitto: Mqtt, tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    with database.transaction(engine) as session:
        for member in ("dora", "ben"):
            people.create(session, id=member, name=member.capitalize())
        _, token = tokens.make(session, member_id="dora", name="t", ends_at=now + dt.timedelta(days=1), now=now)
    login, password = add_phone(engine, fresh_mosquitto, "dora")
    with (
        parts.running(fresh_database, fresh_mosquitto, tmp_path) as running,
        connected(fresh_mosquitto, login, password) as phone,
    ):
        _over_mqtt(phone, engine, now)
        _of_another(phone, engine, fresh_mosquitto)
        _encrypted(phone, running, engine, (login, password))
        _over_http(running, engine, (login, password), token)
        _gone_by_the_clock(engine)


def _over_mqtt(phone: Phone, engine: Engine, now: dt.datetime) -> None:
    for message in stream(now):
        phone.say(message)
    here = cells.of(HERE, cells.NEAR)
    processes.wait_until(lambda: kept(engine, "dora") == {"pixel": here}, "the newest place is kept")
    # Older ones, retained ones and those that come again change nothing.
    phone.say(
        {"_type": "location", "lat": 1, "lon": 1, "acc": 5, "tid": "do", "tst": int(time.time()) - 900}, retain=True
    )
    for message in stream(now)[:10]:
        phone.say(message)
    phone.say({"_type": "location", "lat": 46, "lon": HERE[0], "acc": 5, "tid": "do", "tst": int(time.time()) + 1})
    there = cells.of((HERE[0], 46), cells.NEAR)
    processes.wait_until(lambda: kept(engine, "dora") == {"pixel": there}, "the next place is kept")


def _of_another(phone: Phone, engine: Engine, mqtt: Mqtt) -> None:
    """The broker refuses another member's topic; what a phone says after it arrives all the same."""
    other, others = add_phone(engine, mqtt, "ben")
    place = {"_type": "location", "lat": 47, "lon": HERE[0], "acc": 5, "tid": "be", "tst": int(time.time()) + 2}
    phone.say(place, f"owntracks/{other}")
    phone.say({**place, "tst": int(time.time()) + 3})
    there = cells.of((HERE[0], 47), cells.NEAR)
    processes.wait_until(lambda: kept(engine, "dora") == {"pixel": there}, "her own topic is taken")
    assert kept(engine, "ben") == {}
    with connected(mqtt, other, others) as bens:
        bens.say(place)
        processes.wait_until(lambda: kept(engine, "ben") == {"pixel": there}, "his phone speaks for him")


def _encrypted(phone: Phone, running: Parts, engine: Engine, login: tuple[str, str]) -> None:
    phone.say({"_type": "encrypted", "data": "TestCipherText"})

    def trouble() -> str | None:
        with database.transaction(engine) as session:
            return phones.list_of(session, member_id="dora")[0].trouble

    processes.wait_until(lambda: trouble() == "encrypted", "her page says what is wrong")
    status, answer = send(f"{running.url}/api/owntracks", {"_type": "encrypted", "data": "x"}, as_phone(*login))
    assert (status, answer["code"]) == (422, "message_encrypted")


def _over_http(running: Parts, engine: Engine, login: tuple[str, str], token: str) -> None:
    url = f"{running.url}/api/owntracks"
    place = {"_type": "location", "lat": 48, "lon": HERE[0], "acc": 5, "tid": "do", "tst": int(time.time()) + 4}
    assert send(url, place, as_phone(login[0], "wrong"))[1]["code"] == "phone_unknown"
    assert send(url, {**place, "topic": "owntracks/ben/pixel"}, as_phone(*login))[1]["code"] == "other_topic"
    assert send(url, place, as_phone(*login)) == (200, [])
    assert kept(engine, "dora") == {"pixel": cells.of((HERE[0], 48), cells.NEAR)}
    answer = send(
        f"{running.url}/api/me/position",
        {"position": HERE, "accuracy_m": 30},
        {"Authorization": f"Bearer {token}"},
    )
    assert (answer[0], answer[1]["source"]) == (200, "browser")


def _gone_by_the_clock(engine: Engine) -> None:
    with database.transaction(engine) as session:
        later = dt.datetime.now(dt.UTC) + positions.KEPT[positions.Source.PHONE] + dt.timedelta(minutes=30)
        assert positions.where(session, member_id="dora", now=later) is None
        assert positions.tidy(session, now=later) == 3
    assert kept(engine, "dora") == {}
