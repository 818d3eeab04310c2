"""What the viewers of the latency benchmark make of the bytes that come."""

import json

import pytest

from tests.bench.latency import Viewer

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def event(kind: str, *badges: tuple[int, str]) -> bytes:
    entries = [{"id": badge, "zone": zone} for badge, zone in badges]
    data = f"event: {kind}\ndata: {json.dumps({'topics': {'venue/v': {'badges': entries}}})}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_an_arrival_counts_from_when_its_last_byte_came_and_the_snapshot_is_none() -> None:
    viewer = Viewer(0)
    viewer.note(1.0, HEAD)
    assert not viewer.has_begun()
    viewer.note(2.0, event("snapshot", (1, "bar")))
    assert viewer.has_begun()
    whole = event("delta", (2, "bar")) + b"d\r\n: listening\n\n\r\n" + event("delta", (1, "hall"), (3, "bar"))
    for at, byte in enumerate(whole):
        viewer.note(3.0 + at, bytes([byte]))
    viewer.read()
    arrived = whole.index(b"\n\n") + 1
    assert viewer.seen_s == {2: 3.0 + arrived, 3: 3.0 + len(whole) - 3}
    assert viewer.moved_s == [3.0 + len(whole) - 3]
    assert viewer.deltas == 2


def test_a_stream_that_is_refused_is_no_measurement() -> None:
    viewer = Viewer(0)
    viewer.note(1.0, b"HTTP/1.1 403 Forbidden\r\n\r\n")
    with pytest.raises(RuntimeError, match="403"):
        viewer.read()
