"""What decides about webhooks."""

import base64
import datetime as dt
import hashlib
import hmac
import itertools

import pytest

from server.webhooks import rules
from server.webhooks.rules import Kind, Outcome
from tests.server.places import NOW

DAY = dt.timedelta(days=1)


def test_a_message_is_signed_as_standard_webhooks_says() -> None:
    """The example of the specification's libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    headers = rules.sign([secret], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at, body=b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert rules.show_secret(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_while_a_secret_is_replaced_both_sign() -> None:
    headers = rules.sign([b"new", b"old"], message_id="msg_1", at=NOW, body=b"x")
    signed = f"msg_1.{int(NOW.timestamp())}.x".encode()
    wanted = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in (b"new", b"old")]
    assert headers["webhook-signature"] == f"v1,{wanted[0]} v1,{wanted[1]}"


@pytest.mark.parametrize(
    ("kind", "status", "answer", "outcome"),
    [
        (Kind.PLAIN, 200, "", Outcome.DELIVERED),
        (Kind.PLAIN, 204, "", Outcome.DELIVERED),
        (Kind.PLAIN, 301, "", Outcome.AGAIN),
        (Kind.PLAIN, 400, "", Outcome.AGAIN),
        (Kind.SLACK, 404, "no_service", Outcome.AGAIN),
        (Kind.SLACK, 410, "channel_is_archived", Outcome.GONE),
        (Kind.PLAIN, 500, "", Outcome.AGAIN),
        (Kind.WECOM, 200, '{"errcode":0,"errmsg":"ok"}', Outcome.DELIVERED),
        (Kind.WECOM, 200, '{"errcode":45009}', Outcome.AGAIN),
        (Kind.WECOM, 200, "hello", Outcome.AGAIN),
        (Kind.WECOM, 200, "[]", Outcome.AGAIN),
    ],
)
def test_what_an_answer_means(kind: Kind, status: int, answer: str, outcome: Outcome) -> None:
    assert rules.judge(kind, status, answer) is outcome


def test_waits_grow_and_end_after_a_day() -> None:
    now, waits = NOW, []
    for attempts in itertools.count(1):
        then = rules.next_try(attempts, NOW, now)
        if then is None:
            break
        waits.append(then - now)
        now = then
    assert waits == sorted(waits)
    assert waits[0] == dt.timedelta(seconds=5)
    assert NOW + DAY / 2 < now <= NOW + DAY


def test_a_receiver_that_asks_to_wait_is_heard_within_bounds() -> None:
    assert rules.next_try(1, NOW, NOW, 90) == NOW + dt.timedelta(seconds=90)
    assert rules.next_try(1, NOW, NOW, 10**9) == NOW + dt.timedelta(hours=1)
    assert rules.next_try(3, NOW, NOW, 1) == NOW + dt.timedelta(seconds=120)
