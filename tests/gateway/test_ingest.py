"""The inbox is bounded in messages and bytes, and says what it drops."""

from dataclasses import replace

from config import settings
from gateway.health import Health
from gateway.ingest import Arrived, Inbox

LIMITS = settings.load(environment={}).gateway


def test_messages_beyond_the_bound_are_dropped_and_counted() -> None:
    health = Health()
    inbox = Inbox(replace(LIMITS, queue_reports=2), health)
    assert [inbox.put(Arrived("a", b"x")) for _ in range(3)] == [True, True, False]
    assert health.counters()["dropped_queue_full"] == 1
    assert len(inbox.take(10, 0)) >= 1


def test_bytes_beyond_the_bound_are_dropped_and_room_comes_back() -> None:
    health = Health()
    inbox = Inbox(replace(LIMITS, queue_mb=1), health)
    big = Arrived("a", b"x" * 700_000)
    assert inbox.put(big)
    assert not inbox.put(big)
    assert inbox.take(10, 0) == [big]
    assert inbox.put(big)


def test_a_batch_is_no_larger_than_asked_for_and_keeps_the_order() -> None:
    inbox = Inbox(LIMITS, Health())
    arrived = [Arrived("a", bytes([n])) for n in range(10)]
    for one in arrived:
        inbox.put(one)
    assert inbox.take(4, 0.5) == arrived[:4]
    assert inbox.take(100, 0.05) == arrived[4:]
    assert inbox.take(100, 0) == []
