"""The private authority: what it vouches for, how long, what it survives, and what it refuses in one line."""

import datetime as dt
import multiprocessing
import os
import signal
import ssl
import stat
import subprocess
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509

from server import certificates
from server.operations import authority
from server.operations.authority import AuthorityError

NOW = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOME, CABLE = IPv4Address("192.168.178.21"), IPv4Address("169.254.7.9")


def own(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(file.read_bytes())[0]


def verify(folder: Path, file: Path, at: dt.datetime, *more: str) -> str:
    """What OpenSSL says of a certificate for a server, told to trust this folder's authority alone."""
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-attime", str(int(at.timestamp()))]
    command += ["-no-CAfile", "-no-CApath", "-no-CAstore", "-CAfile", str(folder / authority.AUTHORITY), *more]
    run = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def test_it_vouches_for_addresses_and_the_name_and_openssl_agrees(tmp_path: Path) -> None:
    file, served = authority.prepare(tmp_path, [HOME, CABLE], "Shop", NOW)
    assert served.hosts == ("192.168.178.21", "169.254.7.9", "shop.local")
    assert verify(tmp_path, file, NOW, "-verify_ip", str(HOME)).endswith("OK\n")
    assert verify(tmp_path, file, NOW, "-verify_hostname", "shop.local").endswith("OK\n")
    assert "address mismatch" in verify(tmp_path, file, NOW, "-verify_ip", "192.168.178.22")
    assert "expired" in verify(tmp_path, file, NOW + 400 * DAY, "-verify_ip", str(HOME))
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(file)


def test_phones_accept_how_long_it_is_good_for_also_with_a_clock_that_is_behind(tmp_path: Path) -> None:
    file, served = authority.prepare(tmp_path, [HOME], "shop", NOW)
    certificate = own(file)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= 397 * DAY
    assert certificate.not_valid_before_utc <= NOW - DAY
    assert served.authority.not_valid_before_utc <= certificate.not_valid_before_utc
    assert verify(tmp_path, file, NOW - DAY / 2).endswith("OK\n")


@pytest.mark.parametrize("host", ["8.8.8.8", "bank.example", "shop.local.bank.example", "2001:db8::1", "127.0.0.1"])
def test_whoever_steals_the_key_can_vouch_for_nothing_elsewhere(tmp_path: Path, host: str) -> None:
    authority.prepare(tmp_path, [HOME], "shop", NOW)
    key, certificate = authority._authority(tmp_path / authority.AUTHORITY, "shop", NOW)
    forged = tmp_path / "forged.pem"
    forged.write_bytes(authority._issue(key, certificate, [host], NOW))
    assert "permitted subtree violation" in verify(tmp_path, forged, NOW)


def test_the_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "authority"
    before = os.umask(0)
    try:
        authority.prepare(folder, [HOME], "shop", NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (authority.AUTHORITY, authority.SERVED):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    (folder / authority.AUTHORITY).chmod(0o644)
    authority.prepare(folder, [HOME], "shop", NOW)
    assert stat.S_IMODE((folder / authority.AUTHORITY).stat().st_mode) == 0o600
    assert (folder / authority.AUTHORITY).read_bytes().count(b"PRIVATE") == 2
    certificate_of_authority = (folder / authority.SERVED).read_bytes()
    assert certificate_of_authority.count(b"PRIVATE") == 2, "the server has a key of its own and never the authority's"


def test_it_is_kept_and_renewed_only_when_it_must_be(tmp_path: Path) -> None:
    file, first = authority.prepare(tmp_path, [HOME], "shop", NOW)
    text = file.read_bytes()
    authority.prepare(tmp_path, [HOME], "shop", NOW + 300 * DAY)
    assert file.read_bytes() == text
    _, renewed = authority.prepare(tmp_path, [HOME], "shop", NOW + 340 * DAY)
    assert file.read_bytes() != text
    assert renewed.until == NOW + 340 * DAY - DAY + 397 * DAY
    _, moved = authority.prepare(tmp_path, [IPv4Address("10.0.0.7")], "shop", NOW + 340 * DAY)
    assert moved.hosts == ("10.0.0.7", "shop.local")
    assert first.fingerprint == renewed.fingerprint == moved.fingerprint, "phones need not be told again"


def test_another_name_of_the_machine_is_left_out_until_there_is_a_new_authority(tmp_path: Path) -> None:
    authority.prepare(tmp_path, [HOME], "shop", NOW)
    file, served = authority.prepare(tmp_path, [HOME], "cafe", NOW)
    assert served.hosts == ("192.168.178.21",)
    assert verify(tmp_path, file, NOW).endswith("OK\n")


@pytest.mark.parametrize(
    ("host_name", "names"),
    [
        ("shop", ["shop.local"]),
        ("Shop.Example.ORG.", ["shop.local", "shop.example.org"]),
        ("shop.local", ["shop.local"]),
        ("localhost", []),
        ("", []),
        ("bücher", []),
        ("my_shop", []),
        ("-", []),
        ("a" * 64, []),
    ],
)
def test_names_are_those_that_a_local_network_may_know(tmp_path: Path, host_name: str, names: list[str]) -> None:
    assert authority.names(host_name) == names
    _, served = authority.prepare(tmp_path, [HOME], host_name, NOW)
    assert served.hosts == (str(HOME), *names)


@pytest.mark.parametrize("spoil", [lambda text: text[:0], lambda text: text[:300], lambda text: b"\0" * len(text)])
def test_a_damaged_authority_is_one_line_and_never_replaced_in_silence(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    authority.prepare(tmp_path, [HOME], "shop", NOW)
    file = tmp_path / authority.AUTHORITY
    spoilt = spoil(file.read_bytes())
    file.write_bytes(spoilt)
    with pytest.raises(AuthorityError, match=r"^\S+authority.pem is damaged: put it back, or remove it"):
        authority.prepare(tmp_path, [HOME], "shop", NOW)
    assert file.read_bytes() == spoilt
    file.unlink()
    file, _ = authority.prepare(tmp_path, [HOME], "shop", NOW)
    assert verify(tmp_path, file, NOW).endswith("OK\n")


def test_a_key_of_another_authority_is_damage(tmp_path: Path) -> None:
    for name in ("one", "two"):
        authority.prepare(tmp_path / name, [HOME], "shop", NOW)
    one, two = (tmp_path / name / authority.AUTHORITY for name in ("one", "two"))
    mark = b"-----BEGIN CERTIFICATE"
    one.write_bytes(one.read_bytes().partition(mark)[0] + mark + two.read_bytes().partition(mark)[2])
    with pytest.raises(AuthorityError, match="is damaged"):
        authority.prepare(tmp_path / "one", [HOME], "shop", NOW)


@pytest.mark.parametrize("spoil", [lambda text: text[:0], lambda text: text[:300], lambda text: text * 2])
def test_a_damaged_certificate_of_the_server_is_made_anew(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    file, _ = authority.prepare(tmp_path, [HOME], "shop", NOW)
    file.write_bytes(spoil(file.read_bytes()))
    file, served = authority.prepare(tmp_path, [HOME], "shop", NOW)
    assert verify(tmp_path, file, NOW).endswith("OK\n")
    assert certificates.read(file) == served


def test_a_certificate_of_an_authority_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    authority.prepare(tmp_path, [HOME], "shop", NOW)
    (tmp_path / authority.AUTHORITY).unlink()
    file, served = authority.prepare(tmp_path, [HOME], "shop", NOW)
    assert verify(tmp_path, file, NOW).endswith("OK\n")
    assert own(file).issuer == served.authority.subject


def _write_for_ever(file: Path, text: bytes) -> None:
    while True:
        authority._write(file, text)


def test_killed_while_writing_the_file_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / authority.AUTHORITY
    for turn in range(20):
        text = bytes([65 + turn]) * 200_000
        writing = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(file, text))
        writing.start()
        while not file.exists() or file.read_bytes()[:1] != text[:1]:
            assert writing.is_alive()
        assert writing.pid is not None
        os.kill(writing.pid, signal.SIGKILL)
        writing.join()
        assert file.read_bytes() == text
    authority._write(file, b"after all")  # what was left half written is no obstacle
    assert file.read_bytes() == b"after all"
    assert [path.name for path in tmp_path.iterdir()] == [authority.AUTHORITY]


def test_a_clock_that_cannot_be_right_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="this machine's clock says 01 January 1970: set it first"):
        authority.prepare(tmp_path, [HOME], "shop", dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    assert list(tmp_path.iterdir()) == []
    authority.prepare(tmp_path, [HOME], "shop", NOW)
    with pytest.raises(AuthorityError, match=r"says 22 May 2026, and \S+ was made on 22 November 2026: set the clock"):
        authority.prepare(tmp_path, [HOME], "shop", NOW - 184 * DAY)
    with pytest.raises(AuthorityError, match=r"ends on 19 November 2036: remove it"):
        authority.prepare(tmp_path, [HOME], "shop", NOW + 3600 * DAY)


def test_a_clock_that_went_back_a_little_is_no_obstacle(tmp_path: Path) -> None:
    authority.prepare(tmp_path, [HOME], "shop", NOW)
    file, _ = authority.prepare(tmp_path, [HOME, CABLE], "shop", NOW - DAY / 2)
    assert verify(tmp_path, file, NOW - DAY / 2).endswith("OK\n")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuthorityError, match=r"^the folder \S+ cannot be written to"):
        authority.prepare(tmp_path / "file", [HOME], "shop", NOW)


@pytest.mark.parametrize("text", [b"", b"-----BEGIN CERTIFICATE-----\n", b"\xff"])
def test_what_the_server_is_to_serve_with_is_refused_when_it_is_none(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(certificates.CertificateError, match="cannot be read"):
        certificates.read(tmp_path / "missing")
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(certificates.CertificateError, match="does not hold a certificate"):
        certificates.read(tmp_path / "file")


def test_where_https_is_told_by_the_host_that_was_asked_for(tmp_path: Path) -> None:
    _, served = authority.prepare(tmp_path, [HOME, CABLE], "shop", NOW)
    assert served.url("shop.local", 8443) == "https://shop.local:8443"
    assert served.url("169.254.7.9", 8443) == "https://169.254.7.9:8443"
    assert served.url("elsewhere.example", 8443) == "https://192.168.178.21:8443"
    assert served.named_host == "shop.local"
    assert len(served.fingerprint) == 95
