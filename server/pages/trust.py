"""The pages under /trust: this server's own certificate authority for phones, how to trust it and how to stop."""

import logging
import plistlib
import uuid
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from config.settings import Settings
from server import certificates
from server.errors import NotFound
from server.pages import render
from server.requests import InSettings

READ = ["GET", "HEAD"]
# What Apple's, Android's and others' systems know a certificate and a profile by.
DER_MEDIA_TYPE = "application/x-x509-ca-cert"
PEM_MEDIA_TYPE = "application/x-pem-file"
PROFILE_MEDIA_TYPE = "application/x-apple-aspen-config"

strangers = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)


class NoAuthority(NotFound):
    """This server has no certificate authority of its own."""

    code = "no_authority"


def served_by(settings: Settings) -> certificates.Served | None:
    """What this server's certificate says, None where it serves no HTTPS itself."""
    if not settings.server.tls_file:
        return None
    try:
        return certificates.read(Path(settings.server.tls_file))
    except certificates.CertificateError as error:
        log.error("the page of the authority cannot be shown: %s", error)
        return None


def _authority_of(settings: Settings) -> certificates.Served:
    served = served_by(settings)
    if served is None:
        raise NoAuthority
    return served


@strangers.api_route("/trust", methods=READ)
def show_trust(request: Request, settings: InSettings) -> Response:
    """How to trust this server's authority, phone by phone; or that there is none."""
    served = served_by(settings)
    port = settings.server.https_port
    host = request.url.hostname or ""
    return render.page(
        request,
        "trust.html",
        secure=request.url.scheme == "https",
        authority={
            "name": served.authority_name,
            "fingerprint": served.fingerprint.split(":"),
            "until": served.authority.not_valid_after_utc,
            "secure_url": served.url(host, port),
            "named_url": served.url(served.named_host, port) if served.named_host else None,
        }
        if served
        else None,
    )


@strangers.api_route("/trust/muster.crt", methods=READ)
def give_certificate(settings: InSettings) -> Response:
    """The authority's certificate as Android and most computers want it."""
    return Response(_authority_of(settings).authority_der, media_type=DER_MEDIA_TYPE)


@strangers.api_route("/trust/muster.pem", methods=READ)
def give_text(settings: InSettings) -> Response:
    """The same as text."""
    return Response(_authority_of(settings).authority_pem, media_type=PEM_MEDIA_TYPE)


@strangers.api_route("/trust/muster.mobileconfig", methods=READ)
def give_profile(settings: InSettings) -> Response:
    """The same as a profile of iPhones and iPads, which says what it is for when it asks to be installed."""
    return Response(make_profile(_authority_of(settings)), media_type=PROFILE_MEDIA_TYPE)


def make_profile(served: certificates.Served) -> bytes:
    """An Apple configuration profile with the authority's certificate alone.

    The same authority gives the same identifiers, so that installing it again replaces it.
    """
    told = f"Lets this phone know {', '.join(served.hosts)}. Remove it whenever you like."

    def payload(kind: str, name: str, **more: object) -> dict[str, object]:
        identifier = uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {served.fingerprint}")
        return {
            "PayloadType": kind,
            "PayloadVersion": 1,
            "PayloadIdentifier": f"muster.{identifier}",
            "PayloadUUID": str(identifier).upper(),
            "PayloadDisplayName": name,
            "PayloadDescription": told,
            **more,
        }

    certificate = payload(
        "com.apple.security.root",
        served.authority_name,
        PayloadContent=served.authority_der,
        PayloadCertificateFileName="muster.crt",
    )
    return plistlib.dumps(
        payload(
            "Configuration",
            served.authority_name,
            PayloadOrganization="muster",
            PayloadRemovalDisallowed=False,
            PayloadContent=[certificate],
        )
    )
