"""What the certificate says with which muster serves HTTPS on a local network, for the server and its pages."""

import dataclasses
import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding


class CertificateError(RuntimeError):
    """The file of server.tls_file cannot be used: the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Served:
    """The server's certificate and the private authority that vouches for it."""

    hosts: tuple[str, ...]  # addresses and names that it is for, the one to show first
    until: dt.datetime
    authority: x509.Certificate

    @property
    def authority_name(self) -> str:
        """What a phone lists it under."""
        return common_name(self.authority)

    @property
    def authority_der(self) -> bytes:
        """What a phone installs."""
        return self.authority.public_bytes(Encoding.DER)

    @property
    def authority_pem(self) -> bytes:
        """The same as text, which some computers want."""
        return self.authority.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate, as phones show it: `3A:F0:…`."""
        return fingerprint(self.authority)

    def url(self, host: str, port: int) -> str:
        """Where HTTPS is: at the host that a browser asked for if the certificate is for it, else at its first."""
        return f"https://{host if host in self.hosts else self.hosts[0]}:{port}"

    @property
    def named_host(self) -> str | None:
        """The first host that is a name: passkeys are never made for a bare address."""
        return next((host for host in self.hosts if not _is_address(host)), None)


def read(file: Path) -> Served:
    """Reads the file of server.tls_file: a key, its certificate, the authority's. Raises CertificateError."""
    try:
        own, authority = x509.load_pem_x509_certificates(file.read_bytes())[:2]
        hosts = hosts_of(own)
    except OSError as error:
        raise CertificateError(f"{file} cannot be read ({error.strerror})") from None
    except (ValueError, x509.ExtensionNotFound):
        raise CertificateError(f"{file} does not hold a certificate and its authority's") from None
    if not hosts:
        raise CertificateError(f"the certificate in {file} is for no address")
    return Served(hosts, own.not_valid_after_utc, authority)


def hosts_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The addresses and names that a certificate is for; raises x509.ExtensionNotFound."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress))


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as pairs of hex digits."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def common_name(certificate: x509.Certificate) -> str:
    """The name in it that people read."""
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
