"""MQTT 3.1.1 packets by hand, as little as a load generator needs (OASIS MQTT 3.1.1, chapter 3).

paho takes 50 us for a publication; these are bytes that were made before, so that what is measured is the gateway.
"""

from collections.abc import Iterator

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
DISCONNECT = b"\xe0\x00"
QOS_1 = 0x02
MAX_PACKET_ID = 65_535  # two bytes, never 0


class BadPacket(ValueError):
    """What came over the connection is no MQTT 3.1.1."""


def length(size: int) -> bytes:
    """A remaining length: seven bits a byte, the lowest first, the highest bit says that more follow."""
    if not 0 <= size < 1 << 28:
        raise BadPacket(f"{size} bytes do not fit into a packet")
    coded = bytearray()
    while True:
        size, digit = size >> 7, size & 0x7F
        coded.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(coded)


def text(value: str | bytes) -> bytes:
    """A text with its length before it."""
    coded = value.encode() if isinstance(value, str) else value
    return len(coded).to_bytes(2, "big") + coded


def connect(client_id: str, user: str, password: str) -> bytes:
    """A clean session without keep-alive: who holds the connection ends it."""
    body = text("MQTT") + b"\x04\xc2\x00\x00" + text(client_id) + text(user) + text(password)
    return bytes([CONNECT]) + length(len(body)) + body


def subscribe(packet_id: int, topic: str, qos: int) -> bytes:
    """A subscription to one topic."""
    body = packet_id.to_bytes(2, "big") + text(topic) + bytes([qos])
    return bytes([SUBSCRIBE]) + length(len(body)) + body


def publish(packet_id: int, topic: bytes, payload: bytes) -> bytes:
    """A publication with QoS 1, not retained. packet_id: 1 to MAX_PACKET_ID."""
    body = text(topic) + packet_id.to_bytes(2, "big")
    return bytes([PUBLISH | QOS_1]) + length(len(body) + len(payload)) + body + payload


def puback(packet_id: bytes) -> bytes:
    """The acknowledgement of a publication; packet_id: its two bytes."""
    return b"\x40\x02" + packet_id


def split(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """The whole packets at the beginning of a buffer, as (first byte, body); what they took is removed from it.

    Raises BadPacket for a length that no packet has.
    """
    at = 0
    try:
        while True:
            header = _header(buffer, at)
            if header is None:
                return
            begin, size = header
            if begin + size > len(buffer):
                return
            kind = buffer[at]
            at = begin + size
            yield kind, bytes(buffer[begin:at])
    finally:
        del buffer[:at]


def _header(buffer: bytearray, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` begins and how long it is; None while that has not arrived."""
    size = 0
    for place in range(4):
        if at + 1 + place >= len(buffer):
            return None
        digit = buffer[at + 1 + place]
        size |= (digit & 0x7F) << 7 * place
        if digit < 0x80:
            return at + 2 + place, size
    raise BadPacket("a remaining length of more than four bytes")


def read_publish(kind: int, body: bytes) -> tuple[bytes, bytes, bytes]:
    """(topic, packet id or b"" with QoS 0, payload) of a publication."""
    end = 2 + int.from_bytes(body[:2], "big")
    if kind & 0x06:
        return body[2:end], body[end : end + 2], body[end + 2 :]
    return body[2:end], b"", body[end:]
