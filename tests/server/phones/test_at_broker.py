"""Phones' logins at a real Mosquitto: each writes its own topics and reads nothing, and goes with its phone."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy.orm import Session

from server.fleet import logins
from server.phones import at_broker
from server.phones import service as phones
from tests import processes
from tests.conftest import Mqtt
from tests.server.fleet.test_logins import Listener, connected, is_refused
from tests.server.phones import scene
from tests.server.places import make_members


def of(mqtt: Mqtt) -> at_broker.Administer:
    def administer() -> AbstractContextManager[logins.Logins]:
        return mqtt.administer()

    return administer


@contextmanager
def server(mqtt: Mqtt) -> Iterator[Listener]:
    with connected(mqtt, "server", mqtt.server_password) as listener:
        assert listener.subscribe("owntracks/#")
        yield listener


def test_a_phone_writes_its_own_topics_and_reads_nothing(session: Session, fresh_mosquitto: Mqtt) -> None:
    make_members(session)
    phone, password = scene.make_phone(session)
    at_broker.admit(session, phone, password, of(fresh_mosquitto))
    assert phone.at_broker
    assert is_refused(fresh_mosquitto, "dora/pixel", "wrong")
    with server(fresh_mosquitto) as heard, connected(fresh_mosquitto, "dora/pixel", password) as spoken:
        for topic in ("owntracks/#", "owntracks/dora/pixel", "muster/v1/live/#"):
            assert not spoken.subscribe(topic)
        for topic in ("owntracks/ben/pixel", "owntracks/dora/pixel-2", "owntracks/dora", "muster/v1/live/member/dora"):
            spoken.publish(topic, "no")
        for topic in ("owntracks/dora/pixel", "owntracks/dora/pixel/event", "owntracks/dora/pixel/pixel"):
            spoken.publish(topic, "yes")
        processes.wait_until(lambda: heard.messages.qsize() >= 3, "the server hears the phone")
        assert heard.topics() == ["owntracks/dora/pixel", "owntracks/dora/pixel/event", "owntracks/dora/pixel/pixel"]


def test_logins_of_phones_that_are_gone_go_and_agents_stay(session: Session, fresh_mosquitto: Mqtt) -> None:
    make_members(session)
    mine, password = scene.make_phone(session)
    other, others = scene.make_phone(session, "ben")
    with fresh_mosquitto.administer() as found:
        found.add_agent("cafe-door", "secret")
    for phone, secret in ((mine, password), (other, others)):
        at_broker.admit(session, phone, secret, of(fresh_mosquitto))
    assert at_broker.sweep(session, of(fresh_mosquitto)) == 0
    phones.remove(session, member_id="dora", number=mine.number)
    assert at_broker.sweep(session, of(fresh_mosquitto)) == 1
    assert is_refused(fresh_mosquitto, "dora/pixel", password)
    assert not is_refused(fresh_mosquitto, "ben/pixel", others)
    assert not is_refused(fresh_mosquitto, "cafe-door", "secret")


def test_a_broker_that_is_away_leaves_http(session: Session) -> None:
    def away() -> AbstractContextManager[logins.Logins]:
        raise logins.LoginsError("away")

    make_members(session)
    phone, password = scene.make_phone(session)
    at_broker.admit(session, phone, password, away)
    at_broker.admit(session, phone, password, None)
    assert not phone.at_broker
    assert phones.sign_in(session, login="dora/pixel", password=password).number == phone.number
    assert at_broker.sweep(session, None) == 0
    with pytest.raises(logins.LoginsError):
        at_broker.sweep(session, away)
