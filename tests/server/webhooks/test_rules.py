"""What decides about webhooks."""

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import itertools

import pytest

from server.webhooks import rules
from server.webhooks.rules import AddressPrivate, AddressWrong, Kind, Outcome
from tests.server.places import NOW

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hook",
        "http://example.org:8080/a?b=c",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    ],
)
def test_an_address_on_the_internet_is_taken_as_it_is(url: str) -> None:
    assert rules.check_url(url, allow_private=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://user:word@example.org/",
        "https://example.org:25/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://exa<mple.org/",
        "https://例子.中国/",
        "https://example.org\\@evil.org/",
        "https://[bad/",
        "https://example.org/" + "x" * 2000,
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(AddressWrong):
        rules.check_url(url, allow_private=True)


PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:7f00:1::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_a_private_network_is_public_however_it_is_written(address: str) -> None:
    assert not rules.is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressPrivate):
        rules.check_url(f"http://{host}/", allow_private=False)
    assert rules.check_url(f"http://{host}/", allow_private=True)


@pytest.mark.parametrize("host", ["localhost", "intranet", "intranet."])
def test_names_of_the_own_network_are_private(host: str) -> None:
    with pytest.raises(AddressPrivate):
        rules.check_url(f"http://{host}/", allow_private=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert rules.is_public(ipaddress.ip_address(address))


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
