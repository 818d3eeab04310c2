"""E-mail addresses: one spelling each, and nothing that could be read as another header or recipient."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.mail.addresses import AddressInvalid, normalise


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Ana.Moreno@Example.ORG ", "ana.moreno@example.org"),
        ("ana+tea@example.org", "ana+tea@example.org"),
        ("li@例子.中国", "li@xn--fsqu00a.xn--fiqs8s"),
        ("ana@MÜNCHEN.de", "ana@xn--mnchen-3ya.de"),
        ("ana@example.org.", "ana@example.org"),
    ],
)
def test_an_address_has_one_spelling(typed: str, address: str) -> None:
    assert normalise(typed) == address
    assert normalise(address) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ana",
        "ana@",
        "@example.org",
        "ana@example",
        "ana@@example.org",
        "ana@example..org",
        "ana@-example.org",
        "ana@192.0.2.1",
        "ana bo@example.org",
        "ana@example.org\nBcc: bo@example.org",
        "ana@example.org\r\nBcc: bo@example.org",
        "ana\n@example.org",
        "ana@example.org,bo@example.org",
        "ana@example.org;bo@example.org",
        "<ana@example.org>",
        '"ana moreno"@example.org',
        "ана@example.org",
        ".ana@example.org",
        "a" * 65 + "@example.org",
        "ana@" + "a" * 64 + ".org",
        "ana@" + "a." * 130 + "org",
        "x" * 100_000 + "@example.org",
        "ana@exam\x00ple.org",
        "ana\u202e@example.org",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(AddressInvalid):
        normalise(typed)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_passes_is_one_line_of_plain_ascii(local: str, domain: str) -> None:
    try:
        address = normalise(f"{local}@{domain}")
    except AddressInvalid:
        return
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(' ,;:<>"()[]\\')
    assert address.count("@") == 1
    assert normalise(address) == address
