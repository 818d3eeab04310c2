import queue
import select

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench import packets
from tests.bench.sender import Connection
from tests.conftest import Mqtt


@pytest.mark.parametrize(
    ("size", "coded"),
    [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001"), (268_435_455, "ffffff7f")],
)
def test_lengths_are_coded_as_the_standard_shows(size: int, coded: str) -> None:
    assert packets.length(size).hex() == coded


@pytest.mark.parametrize("size", [-1, 1 << 28])
def test_a_length_that_no_packet_has_is_refused(size: int) -> None:
    with pytest.raises(packets.BadPacket):
        packets.length(size)


@pytest.mark.parametrize("cut", range(1, 20))
def test_packets_are_found_however_the_stream_is_cut(cut: int) -> None:
    stream = packets.publish(7, b"a/b", b"x" * 200) + packets.puback(b"\0\7") + packets.publish(8, b"c", b"")
    buffer, found = bytearray(), []
    for at in range(0, len(stream), cut):
        buffer += stream[at : at + cut]
        found += list(packets.split(buffer))
    assert not buffer
    assert [kind & 0xF0 for kind, _ in found] == [packets.PUBLISH, packets.PUBACK, packets.PUBLISH]
    assert packets.read_publish(*found[0]) == (b"a/b", b"\0\7", b"x" * 200)
    assert packets.read_publish(*found[2]) == (b"c", b"\0\x08", b"")


def test_a_publication_with_qos_0_has_no_number() -> None:
    assert packets.read_publish(packets.PUBLISH, packets.text("a") + b"hello") == (b"a", b"", b"hello")


def test_a_stream_that_is_no_mqtt_is_noticed() -> None:
    with pytest.raises(packets.BadPacket):
        list(packets.split(bytearray(b"\x30\xff\xff\xff\xff\x01")))


def test_a_real_broker_and_paho_understand_the_packets(mosquitto: Mqtt) -> None:
    taken: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
    ready: queue.SimpleQueue[int] = queue.SimpleQueue()
    paho = Client(CallbackAPIVersion.VERSION2)
    paho.username_pw_set("server", mosquitto.server_password)
    paho.on_subscribe = lambda *_: ready.put(1)
    paho.on_message = lambda _client, _data, message: taken.put(message)
    paho.connect(mosquitto.host, mosquitto.port)
    paho.loop_start()
    paho.subscribe("muster/v1/live/#", qos=1)
    ready.get(timeout=10)

    own = Connection(mosquitto.host, mosquitto.port, "packets", "gateway", mosquitto.gateway_password)
    own.go_on()
    own.put(packets.publish(41, b"muster/v1/live/venue/x", b"y" * 300))
    own.flush()
    assert select.select([own], [], [], 10)[0] == [own]
    assert list(own.take()) == [(packets.PUBACK, b"\0\x29")]
    message = taken.get(timeout=10)
    assert (message.topic, message.payload, message.qos) == ("muster/v1/live/venue/x", b"y" * 300, 1)

    own.close()
    paho.disconnect()
    paho.loop_stop()


def test_a_login_that_the_broker_does_not_know_is_refused(mosquitto: Mqtt) -> None:
    with pytest.raises(ConnectionRefusedError):
        Connection(mosquitto.host, mosquitto.port, "packets", "gateway", "wrong")
