"""Which addresses that strangers give are ones to send to."""

import ipaddress

import pytest

from server.outward import addresses
from server.outward.addresses import AddressPrivate, AddressWrong


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
    assert addresses.check_url(url, allow_private=False) == url


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
        addresses.check_url(url, allow_private=True)


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
    assert not addresses.is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressPrivate):
        addresses.check_url(f"http://{host}/", allow_private=False)
    assert addresses.check_url(f"http://{host}/", allow_private=True)


@pytest.mark.parametrize("host", ["localhost", "intranet", "intranet."])
def test_names_of_the_own_network_are_private(host: str) -> None:
    with pytest.raises(AddressPrivate):
        addresses.check_url(f"http://{host}/", allow_private=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert addresses.is_public(ipaddress.ip_address(address))
