"""The pages under /trust: the certificate in each form, and what they say with and without an authority."""

import dataclasses
import datetime as dt
import plistlib
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from config.settings import Settings
from server import certificates
from server.operations import authority
from server.people import service as people
from tests.server.conftest import As

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def served(tmp_path: Path) -> certificates.Served:
    """An authority and what it vouched for."""
    return authority.prepare(tmp_path / "authority", [IPv4Address("192.168.178.21")], "shop", NOW)[1]


@pytest.fixture
def of_lan(
    make_app: Callable[[Settings], FastAPI], settings: Settings, served: certificates.Served, tmp_path: Path
) -> FastAPI:
    """A server with an authority of its own, which is a demonstration: one signs in by choosing a name."""
    assert served.hosts
    server = dataclasses.replace(settings.server, demo=True, tls_file=str(tmp_path / "authority" / authority.SERVED))
    return make_app(dataclasses.replace(settings, server=server))


def browser(app: FastAPI, base: str) -> TestClient:
    return TestClient(app, base_url=base, raise_server_exceptions=False, follow_redirects=False)


def test_everybody_may_see_it_and_nobody_signs_in_for_it(of_lan: FastAPI, served: certificates.Served) -> None:
    page = browser(of_lan, "http://192.168.178.21:8080").get("/trust")
    assert page.status_code == 200
    shown = page.text.replace("<span>", "").replace("</span>", "").replace(" ", ":")
    assert served.fingerprint in shown
    assert served.authority_name in page.text
    assert 'href="https://192.168.178.21:8443/"' in page.text
    assert 'href="https://shop.local:8443/"' in page.text
    assert "nothing is left to do" not in page.text


def test_it_leads_to_https_by_the_name_that_was_asked_for(of_lan: FastAPI) -> None:
    page = browser(of_lan, "http://shop.local:8080").get("/trust")
    assert 'class="btn" href="https://shop.local:8443/"' in page.text
    page = browser(of_lan, "http://elsewhere.example:8080").get("/trust")
    assert 'class="btn" href="https://192.168.178.21:8443/"' in page.text


def test_over_https_it_says_that_all_is_done(of_lan: FastAPI) -> None:
    assert "nothing is left to do" in browser(of_lan, "https://192.168.178.21:8443").get("/trust").text


def test_the_certificate_comes_in_the_forms_that_phones_take(of_lan: FastAPI, served: certificates.Served) -> None:
    phone = browser(of_lan, "http://192.168.178.21:8080")
    der = phone.get("/trust/muster.crt")
    assert der.headers["content-type"] == "application/x-x509-ca-cert"
    assert certificates.fingerprint(x509.load_der_x509_certificate(der.content)) == served.fingerprint
    pem = phone.get("/trust/muster.pem")
    assert pem.headers["content-type"] == "application/x-pem-file"
    assert x509.load_pem_x509_certificate(pem.content) == served.authority
    assert b"PRIVATE" not in pem.content
    profile = phone.get("/trust/muster.mobileconfig")
    assert profile.headers["content-type"] == "application/x-apple-aspen-config"
    found = plistlib.loads(profile.content)
    assert found["PayloadType"] == "Configuration"
    assert found["PayloadRemovalDisallowed"] is False
    (payload,) = found["PayloadContent"]
    assert payload["PayloadType"] == "com.apple.security.root"
    assert payload["PayloadContent"] == der.content
    assert phone.get("/trust/muster.mobileconfig").content == profile.content, "installed again it replaces itself"


def test_without_an_authority_it_says_so(as_: As) -> None:
    stranger = as_(None)
    page = stranger.get("/trust")
    assert page.status_code == 200
    assert "This muster has no https." in page.text
    assert "make up LAN=1" in page.text
    for path in ("/trust/muster.crt", "/trust/muster.pem", "/trust/muster.mobileconfig"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_authority")


def test_a_file_that_went_missing_is_no_fault_of_the_page(of_lan: FastAPI, tmp_path: Path) -> None:
    (tmp_path / "authority" / authority.SERVED).unlink()
    phone = browser(of_lan, "http://192.168.178.21:8080")
    assert "This muster has no https." in phone.get("/trust").text
    assert phone.get("/trust/muster.crt").status_code == 404


def sign_in(app: FastAPI, base: str) -> tuple[TestClient, str]:
    """A browser that chose to be Robin at this address, and the cookie that it was given."""
    made = browser(app, base)
    answer = made.post("/sign-in", data={"member": "you"})
    assert answer.status_code == 303
    return made, answer.headers["set-cookie"]


def test_over_https_the_cookie_is_secure_and_over_http_it_is_not(of_lan: FastAPI, session: Session) -> None:
    people.create(session, id="you", name="Robin", about="You carry a badge.", demo_order=1)
    plain, cookie = sign_in(of_lan, "http://192.168.178.21:8080")
    assert cookie.startswith("muster_session=")
    assert "secure" not in cookie.lower()
    assert plain.get("/api/me").status_code == 200
    secured, cookie = sign_in(of_lan, "https://192.168.178.21:8443")
    assert cookie.startswith("__Host-muster_session=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert secured.get("/api/me").status_code == 200
    assert secured.post("/sign-out").status_code == 303
    assert secured.get("/api/me").status_code == 401
    assert plain.get("/api/me").status_code == 200, "each is signed out at its own address"


def test_a_page_of_plain_http_changes_nothing_over_https(of_lan: FastAPI) -> None:
    asked = {"Origin": "http://192.168.178.21:8443"}
    for base, status in (("http://192.168.178.21:8443", 303), ("https://192.168.178.21:8443", 403)):
        assert browser(of_lan, base).post("/sign-out", headers=asked).status_code == status
    asked = {"Origin": "http://192.168.178.21:8080"}
    assert browser(of_lan, "https://192.168.178.21:8443").post("/sign-out", headers=asked).status_code == 403


def test_pages_with_passkeys_open_them_to_their_scripts_and_others_do_not(of_lan: FastAPI) -> None:
    phone = browser(of_lan, "http://192.168.178.21:8080")
    assert "publickey-credentials-get=(self)" in phone.get("/sign-in").headers["permissions-policy"]
    assert "publickey-credentials-get=()" in phone.get("/trust").headers["permissions-policy"]
