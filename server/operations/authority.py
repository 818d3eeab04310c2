"""The private certificate authority of a folder: made once, it vouches for this machine on its local network."""

import contextlib
import datetime as dt
import ipaddress
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from server import certificates

AUTHORITY = "authority.pem"  # key and certificate in one file: one rename, and never one without the other
SERVED = "https.pem"
# Trusting it again is work on every phone, so that it outlives them.
AUTHORITY_DAYS = 3650
# Phones refuse longer ones (Apple since 2020: 398 days, whoever issued it).
SERVED_DAYS = 397
RENEW_DAYS = 60  # looked at only when muster starts: a machine that runs for months must not run out in between
# A phone whose clock is behind must not find it "not yet valid".
EARLIER = dt.timedelta(days=1)
# A Raspberry Pi has no clock of its own: before it was told the time it says 1970, or when it was last switched off.
EARLIEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
# Addresses that nobody has on the Internet: whoever gets hold of the key can pass for a machine at home, never a bank.
LOCAL = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # given by nobody: two machines and a cable
        "100.64.0.0/10",  # phones' hotspots, private networks over the Internet
        "192.0.2.0/24",  # these three and the next are for examples and tests
        "198.51.100.0/24",
        "203.0.113.0/24",
        "198.18.0.0/15",
    )
)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


class AuthorityError(RuntimeError):
    """The authority cannot be used: the message says what to do."""


def is_local(address: ipaddress.IPv4Address) -> bool:
    """Whether the authority may vouch for this address."""
    return any(address in network for network in LOCAL)


def prepare(
    folder: Path, addresses: Sequence[ipaddress.IPv4Address], host_name: str, now: dt.datetime
) -> tuple[Path, certificates.Served]:
    """Makes what is missing, old or for other addresses; the file for server.tls_file, and what it says.

    folder: where the authority lives. addresses: this machine's, the one to show first in front.
    Raises AuthorityError.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        key, certificate = _authority(folder / AUTHORITY, host_name, now)
        hosts = [*map(str, addresses), *(name for name in names(host_name) if permits(certificate, name))]
        served = folder / SERVED
        if not _serves(served, certificate, hosts, now):
            _write(served, _issue(key, certificate, hosts, now))
    except OSError as error:
        raise AuthorityError(f"the folder {folder} cannot be written to ({error.strerror})") from None
    return served, certificates.read(served)


def names(host_name: str) -> list[str]:
    """The names under which a local network may know this machine: `shop` is `shop.local`, by mDNS.

    A bare `shop` is left out: to permit it is to permit all that ends in it, and `dev` or `app` are on the Internet.
    """
    name = host_name.lower().rstrip(".")
    if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name) or name.startswith("localhost"):
        return []
    local = f"{name.partition('.')[0]}.local"
    return [local, name] if "." in name and name != local else [local]


def permits(authority: x509.Certificate, name: str) -> bool:
    """Whether the authority may vouch for this name: it was made for the names that the machine had then."""
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    return any(
        isinstance(tree, x509.DNSName) and f".{name}".endswith(f".{tree.value}")
        for tree in constraints.permitted_subtrees or ()
    )


def _authority(file: Path, host_name: str, now: dt.datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    if now < EARLIEST:
        raise AuthorityError(f"this machine's clock says {now:%d %B %Y}: set it first (timedatectl)")
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        text = _found(host_name, now)
        _write(file, text)
    anew = "make a new one, which phones must be told to trust again"
    try:
        key, certificate = load_pem_private_key(text, None), x509.load_pem_x509_certificate(text)
        is_whole = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()
    except (ValueError, TypeError):
        is_whole = False
    if not is_whole:
        raise AuthorityError(f"{file} is damaged: put it back, or remove it to {anew}")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    file.chmod(0o600)  # whoever copied it here may have been careless
    if now < certificate.not_valid_before_utc:
        made = certificate.not_valid_before_utc + EARLIER
        raise AuthorityError(
            f"this machine's clock says {now:%d %B %Y}, and {file} was made on {made:%d %B %Y}:"
            f" set the clock, or remove that file to {anew}"
        )
    if certificate.not_valid_after_utc - now < dt.timedelta(days=RENEW_DAYS):
        raise AuthorityError(f"{file} ends on {certificate.not_valid_after_utc:%d %B %Y}: remove it to {anew}")
    return key, certificate


def _found(host_name: str, now: dt.datetime) -> bytes:
    """A new authority: its key and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Several in one list of a phone are told apart; 64 characters are the most.
    name = _name(f"muster on {host_name[:40]} ({secrets.token_hex(2)})")
    permitted: list[x509.GeneralName] = [x509.IPAddress(network) for network in LOCAL]
    permitted += [x509.DNSName(each) for each in names(host_name) or ["muster.local"]]
    certificate = (
        _builder(name, name, key.public_key(), now - EARLIER, now + dt.timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(key, certificate)


def _issue(
    authority_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, hosts: Iterable[str], now: dt.datetime
) -> bytes:
    """A new certificate of the server with its key, and the authority's."""
    key = ec.generate_private_key(ec.SECP256R1())
    since = max(now - EARLIER, authority.not_valid_before_utc)
    until = min(since + dt.timedelta(days=SERVED_DAYS), authority.not_valid_after_utc)
    certificate = (
        _builder(_name("muster"), authority.subject, key.public_key(), since, until)
        .add_extension(x509.SubjectAlternativeName(map(_general_name, hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return _pem(key, certificate, authority)


def _serves(file: Path, authority: x509.Certificate, hosts: list[str], now: dt.datetime) -> bool:
    """Whether the file is whole, of this authority, for these hosts, and good for a while."""
    try:
        text = file.read_bytes()
        key = load_pem_private_key(text, None)
        own, issuer = x509.load_pem_x509_certificates(text)
        own.verify_directly_issued_by(authority)
        found = list(certificates.hosts_of(own))
    except Exception:  # whatever is wrong with it, it is made anew: nobody depends on the old one
        return False
    good = own.not_valid_before_utc <= now < own.not_valid_after_utc - dt.timedelta(days=RENEW_DAYS)
    return good and issuer == authority and found == hosts and key.public_key() == own.public_key()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    since: dt.datetime,
    until: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, text),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "muster"),
        ]
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey, *chain: x509.Certificate) -> bytes:
    return b"".join(
        [
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            *(each.public_bytes(Encoding.PEM) for each in chain),
        ]
    )


def _write(file: Path, text: bytes) -> None:
    """Writes a file for its owner alone, whole or not at all, whatever ends us meanwhile."""
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.replace(file)
    with contextlib.suppress(OSError):  # not every file system can; the file itself is safe
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
