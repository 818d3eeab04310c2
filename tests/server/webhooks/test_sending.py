"""Messages on their way to a real receiver: signed, in order, tried again, once it is back, and never after a 410."""

import base64
import dataclasses
import datetime as dt
import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from server import database
from server.jobs import worker
from server.outward import post
from server.webhooks import service, tasks
from server.webhooks.model import Webhook
from server.webhooks.rules import Kind
from tests import processes
from tests.server.places import HOUR, NOW
from tests.server.webhooks.conftest import Evening
from tests.server.webhooks.receiver import listening

SECOND = dt.timedelta(seconds=1)


def test_a_message_arrives_signed_and_is_noted(evening: Evening) -> None:
    hook = evening.make()
    came = evening.come("Li Wei")
    evening.receiver.says(200, b"thanks\n")
    evening.tell(hook)
    [request] = evening.receiver.came
    [delivery] = evening.deliveries(hook)
    secret = evening.webhook(hook).secret
    assert request.headers["webhook-id"] == delivery.message_id
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"{delivery.message_id}.{int(NOW.timestamp())}.".encode() + request.body
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{signature}"
    assert (request.told["type"], request.told["timestamp"]) == ("check_in", "2026-03-13T19:00:00Z")
    assert request.told["data"]["check_ins"] == [
        {
            "id": came,
            "step": "supper-1",
            "at": "2026-03-13T19:00:00Z",
            "recorded_at": "2026-03-13T19:00:00Z",
            "evidence": "qr",
            "signed_up": True,
            "name": None,
        }
    ]
    assert (delivery.status, delivery.answer_status, delivery.answer, delivery.attempts) == (
        "delivered",
        200,
        "thanks ",
        1,
    )
    assert delivery.took_ms is not None


def test_names_go_to_a_program_whose_maker_may_see_them_at_that_moment(evening: Evening) -> None:
    hook = evening.make(names=True)
    evening.later(HOUR)
    evening.come("Li Wei")
    evening.come("Walk In", signed_up=False)
    evening.receiver.answer = lambda came: (500 if came.told["type"] == "check_in" else 200, {}, b"")
    evening.tell(hook)
    evening.receiver.says(200)
    evening.later(26 * HOUR)  # it has been over for a day: nobody's name is told any more
    evening.send(hook)
    told = [request.told for request in evening.receiver.came]
    names = [[one["name"] for one in message["data"]["check_ins"]] for message in told if message["type"] == "check_in"]
    assert names == [["Li Wei", None], [None, None]]


@pytest.mark.parametrize("kind", [Kind.WECOM, Kind.SLACK, Kind.MATRIX])
def test_a_group_is_never_told_a_name(evening: Evening, kind: Kind) -> None:
    with pytest.raises(service.NamesForPrograms):
        evening.make(kind=kind, names=True)
    hook = evening.make(kind=kind)
    evening.come("Li Wei")
    evening.receiver.says(200, b'{"errcode":0}')
    evening.tell(hook)
    [request] = evening.receiver.came
    assert b"Li Wei" not in request.body
    assert "Here now: 1. Friday supper" in request.body.decode()
    assert "webhook-signature" not in request.headers
    assert evening.deliveries(hook)[0].status == "delivered"


def test_a_receiver_that_is_away_gets_everything_in_order_once_it_is_back(evening: Evening) -> None:
    hook = evening.make()
    port = urlsplit(evening.receiver.url).port
    assert port is not None
    with listening() as other:  # its port is free again at the end of this block
        free = other.url
    with database.transaction(evening.engine) as session:
        session.get_one(Webhook, hook).url = free
    evening.come("Li Wei")
    evening.tell(hook)
    [first] = evening.deliveries(hook)
    assert (first.status, first.why, first.answer_status) == ("waiting", "Nobody listens there.", None)
    assert evening.webhook(hook).next_at == NOW + 5 * SECOND
    assert ("webhooks.send", NOW + 5 * SECOND) in evening.queued()
    evening.later(SECOND)
    evening.come("Kim")
    evening.tell(hook)  # it is not due: nothing is sent before its turn
    assert [delivery.attempts for delivery in evening.deliveries(hook)] == [1, 0]
    evening.later(4 * SECOND)
    evening.send(hook)
    assert evening.webhook(hook).next_at == evening.clock() + 30 * SECOND
    with listening(urlsplit(free).port or 0) as back:
        evening.later(30 * SECOND)
        evening.send(hook)
        assert [request.headers["webhook-id"] for request in back.came] == [
            delivery.message_id for delivery in evening.deliveries(hook)
        ]
        assert [request.told["data"]["came"] for request in back.came] == [1, 2]
    after = evening.webhook(hook)
    assert (after.failing_since, after.next_at, after.attempts) == (None, None, 0)


def test_a_gone_receiver_ends_it(evening: Evening) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    evening.receiver.says(410)
    evening.tell(hook)
    evening.come("Kim")
    evening.later(HOUR)
    evening.tell(hook)
    assert len(evening.receiver.came) == 1
    ended = evening.webhook(hook)
    assert ended.ended_at == NOW
    assert ended.why == "Its receiver said that it is gone (410)."
    assert [delivery.status for delivery in evening.deliveries(hook)] == ["given_up"]


def test_what_is_refused_for_a_day_pauses_it_and_its_host_goes_on(evening: Evening) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    evening.receiver.says(400, b"no")
    evening.collect()
    tried = []
    while evening.webhook(hook).paused_at is None:
        evening.send(hook)
        tried.append(evening.clock())
        evening.clock.now = evening.webhook(hook).next_at or evening.clock()
    assert tried[-1] - tried[0] <= dt.timedelta(days=1)
    assert len(evening.receiver.came) == len(tried) > 8
    assert len({request.headers["webhook-id"] for request in evening.receiver.came}) == 1
    assert evening.webhook(hook).why == "It did not take the same message for a day."
    assert [delivery.status for delivery in evening.deliveries(hook)] == ["given_up"]
    evening.receiver.says(200)
    with database.transaction(evening.engine) as session:
        service.resume(session, webhook=session.get_one(Webhook, hook), now=evening.clock(), by="cleo")
    evening.come("Kim")
    evening.tell(hook)
    assert evening.deliveries(hook)[-1].status == "delivered"


def test_a_receiver_may_ask_to_wait(evening: Evening) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    evening.receiver.says(429, Retry_After="120")
    evening.tell(hook)
    assert evening.webhook(hook).next_at == NOW + 120 * SECOND


def test_nobody_is_followed_elsewhere(evening: Evening) -> None:
    with listening() as elsewhere:
        hook = evening.make()
        evening.come("Li Wei")
        evening.receiver.says(302, Location=elsewhere.url)
        evening.tell(hook)
        assert elsewhere.came == []
    assert evening.deliveries(hook)[0].answer_status == 302
    assert evening.deliveries(hook)[0].status == "waiting"


def test_a_wecom_bot_that_says_no_in_a_200_is_tried_again(evening: Evening) -> None:
    hook = evening.make(kind=Kind.WECOM)
    evening.come("Li Wei")
    evening.receiver.says(200, b'{"errcode":45009,"errmsg":"api freq out of limit"}')
    evening.tell(hook)
    assert evening.deliveries(hook)[0].status == "waiting"
    assert "out of limit" in (evening.deliveries(hook)[0].answer or "")


def test_one_that_dribbles_is_left_when_its_time_is_over(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte would begin a socket's own timeout anew."""
    monkeypatch.setattr(post, "TIMEOUT_S", 0.3)
    over = threading.Event()

    def dribble(_: object) -> tuple[int, dict[str, str], bytes]:
        over.wait(20)
        return 200, {}, b""

    evening.receiver.answer = dribble
    hook = evening.make()
    evening.come("Li Wei")
    evening.tell(hook)
    over.set()
    [delivery] = evening.deliveries(hook)
    assert (delivery.status, delivery.answer_status) == ("waiting", None)
    assert delivery.why == "It did not answer in time."


def test_an_answer_without_end_is_read_to_its_bound(evening: Evening) -> None:
    evening.receiver.says(200, b"x" * 5_000_000)
    hook = evening.make()
    evening.come("Li Wei")
    evening.tell(hook)
    assert evening.deliveries(hook)[0].answer == "x" * 200


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "10.0.0.8", "::1"])
def test_a_name_that_leads_into_the_own_network_when_it_is_called_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, leads_to: str
) -> None:
    """Whatever the name said when the webhook was made."""
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in ("8.8.8.8", leads_to)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    answer = post.post("http://rebind.example/hook", b"{}", {}, allow_private=False)
    assert (answer.status, answer.why, asked) == (None, post.PRIVATE, ["rebind.example"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"]
)
def test_without_the_setting_nothing_reaches_this_machine_however_it_is_written(evening: Evening, host: str) -> None:
    """The receiver listens, so that only the address is in the way."""
    port = urlsplit(evening.receiver.url).port
    answer = post.post(f"http://{host}:{port}/hook", b"{}", {}, allow_private=False)
    assert (answer.status, answer.why) == (None, post.PRIVATE)
    assert post.post(evening.receiver.url, b"{}", {}, allow_private=True).status == 200
    assert len(evening.receiver.came) == 1


def test_a_webhook_to_this_machine_is_not_sent_once_the_setting_is_gone(evening: Evening) -> None:
    """It was made while that was allowed."""
    hook = evening.make()
    evening.come("Li Wei")
    webhooks = dataclasses.replace(evening.work.settings.webhooks, allow_private=False)
    settings = dataclasses.replace(evening.work.settings, webhooks=webhooks)
    evening.collect()
    tasks.send(dataclasses.replace(evening.work, settings=settings), webhook_id=hook)
    assert evening.receiver.came == []
    [delivery] = evening.deliveries(hook)
    assert (delivery.status, delivery.why) == ("waiting", post.PRIVATE)


def test_a_name_whose_servers_never_answer_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "TIMEOUT_S", 0.3)
    over = threading.Event()

    def resolve(*_: object, **__: object) -> list[object]:
        over.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    answer = post.post("http://slow.example/hook", b"{}", {}, allow_private=False)
    over.set()
    assert (answer.status, answer.why) == (None, "It did not answer in time.")


def test_headers_without_end_are_left(evening: Evening) -> None:
    evening.receiver.answer = lambda _: (200, {f"X-{number}": "x" * 1000 for number in range(300)}, b"")
    hook = evening.make()
    evening.come("Li Wei")
    evening.tell(hook)
    [delivery] = evening.deliveries(hook)
    assert (delivery.status, delivery.why) == ("waiting", "The connection broke.")


def test_a_test_goes_at_once_also_of_a_paused_one_and_once(evening: Evening) -> None:
    hook = evening.make()
    with database.transaction(evening.engine) as session:
        service.pause_now(session, session.get_one(Webhook, hook), "no", evening.clock())
    evening.receiver.says(500)
    delivery = evening.test(hook)
    for _ in range(2):
        tasks.test(evening.work, delivery_id=delivery)
    assert [request.told["type"] for request in evening.receiver.came] == ["test"]
    assert evening.deliveries(hook)[0].status == "given_up"
    assert evening.webhook(hook).paused_at is not None


def test_the_worker_does_it_all_from_the_queue(evening: Evening) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    evening.collect()
    evening.test(hook)
    worker.run_waiting(evening.work)
    assert sorted(request.told["type"] for request in evening.receiver.came) == ["check_in", "test"]
    assert evening.queued() == []


def test_two_senders_of_one_webhook_send_once(evening: Evening) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    evening.collect()
    arrived, go = threading.Event(), threading.Event()

    def slowly(_: object) -> tuple[int, dict[str, str], bytes]:
        arrived.set()
        assert go.wait(20)
        return 200, {}, b""

    evening.receiver.answer = slowly
    sending = threading.Thread(target=evening.send, args=(hook,))
    sending.start()
    assert arrived.wait(20)
    evening.send(hook)  # another has it: it comes again later
    go.set()
    sending.join()
    assert len(evening.receiver.came) == 1
    assert ("webhooks.send", NOW + 5 * SECOND) in evening.queued()


SENDER = """
    import dataclasses, sys
    from config import settings as config
    from server import database
    from server.jobs.service import Work
    from server.requests import utc_now
    from server.webhooks import tasks
    settings = config.load()
    tasks.send(Work(database.connect(settings.database.conninfo), settings, utc_now), webhook_id=int(sys.argv[1]))
"""


def test_a_process_killed_between_sending_and_noting_sends_the_same_id_again(evening: Evening, tmp_path: Path) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    evening.collect()
    arrived, dead = threading.Event(), threading.Event()

    def never(_: object) -> tuple[int, dict[str, str], bytes]:
        arrived.set()
        assert dead.wait(30)
        return 200, {}, b""

    evening.receiver.answer = never
    environment = {
        "MUSTER_DATABASE__DSN": evening.work.settings.database.dsn,
        "MUSTER_WEBHOOKS__ALLOW_PRIVATE": "true",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", textwrap.dedent(SENDER), str(hook)]
    sender: subprocess.Popen[bytes] = processes.start(command, tmp_path / "sender.log", environment)
    try:
        assert arrived.wait(60), (tmp_path / "sender.log").read_text()
    finally:
        processes.stop(sender, signal.SIGKILL)
    dead.set()
    evening.receiver.says(200)

    def is_free() -> bool:
        with evening.engine.connect() as connection:
            return not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))

    processes.wait_until(is_free, "the lock of the killed process is gone")
    evening.send(hook)
    ids = [request.headers["webhook-id"] for request in evening.receiver.came]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert evening.deliveries(hook)[0].status == "delivered"
