"""`muster up --lan`: where it listens, what it refuses, and what the terminal shows."""

import datetime as dt
import io
import re
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import segno

from config import settings as config
from config.settings import Settings, SettingsError
from server.operations import doctor, lan, networks
from server.operations.lan import LanError
from server.operations.progress import Progress, console

NOW = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)


def addresses(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """The addresses that this machine shall have: no test may give it others."""
    monkeypatch.setattr(networks, "addresses", lambda: [IPv4Address(each) for each in found])


def settings(**environment: str) -> Settings:
    return config.load(environment={f"MUSTER_{name}": value for name, value in environment.items()})


def test_it_listens_on_all_local_addresses_and_knows_its_own_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    addresses(monkeypatch, "192.168.178.21", "10.0.0.7")
    found, network = lan.prepare(tmp_path, settings(SERVER__PORT="8081"), NOW)
    assert found.server.host == "0.0.0.0"
    assert found.server.url == network.url == "http://192.168.178.21:8081"
    assert network.own_url == "http://127.0.0.1:8081"
    assert Path(found.server.tls_file).parent == tmp_path / lan.FOLDER
    assert network.served.hosts[:2] == ("192.168.178.21", "10.0.0.7")


def test_what_the_operator_chose_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    addresses(monkeypatch, "192.168.178.21", "10.0.0.7")
    chosen = settings(SERVER__HOST="10.0.0.7", SERVER__PUBLIC_URL="http://muster.home")
    found, network = lan.prepare(tmp_path, chosen, NOW)
    assert (found.server.host, found.server.url) == ("10.0.0.7", "http://muster.home")
    assert network.own_url == "http://10.0.0.7:8080"
    assert network.served.hosts[0] == "10.0.0.7"
    assert "192.168.178.21" not in network.served.hosts


@pytest.mark.parametrize(
    ("found", "host", "says"),
    [
        ([], "127.0.0.1", "this machine is on no network: connect it, or start without LAN=1"),
        (
            ["85.10.3.4", "192.168.1.7"],
            "127.0.0.1",
            r"85.10.3.4, which the Internet .*\(192.168.1.7\)",
        ),
        (["85.10.3.4"], "0.0.0.0", r"which the Internet reaches: set MUSTER_SERVER__HOST"),
        (["85.10.3.4"], "85.10.3.4", "it must be a local address of this machine"),
        (["192.168.1.7"], "192.168.1.8", r"it must be a local address of this machine \(192.168.1.7\)"),
        (["192.168.1.7"], "shop.local", "it must be a local address of this machine"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: list[str], host: str, says: str
) -> None:
    addresses(monkeypatch, *found)
    with pytest.raises(LanError, match=says):
        lan.prepare(tmp_path, settings(SERVER__HOST=host), NOW)
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_the_internet_is_no_obstacle_when_a_local_one_is_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    addresses(monkeypatch, "85.10.3.4", "192.168.1.7")
    found, _ = lan.prepare(tmp_path, settings(SERVER__HOST="192.168.1.7"), NOW)
    assert found.server.host == "192.168.1.7"


def test_one_port_for_both_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"server.https_port is 8080 .* it must not be server.port"):
        settings(UP__LAN="true", SERVER__HTTPS_PORT="8080")
    settings(SERVER__HTTPS_PORT="8080")  # nothing is served there


def test_the_terminal_shows_the_address_the_fingerprint_and_a_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    addresses(monkeypatch, "192.168.178.21", "10.0.0.7")
    _, network = lan.prepare(tmp_path, settings(), NOW)
    progress, said = Progress(), io.StringIO()
    progress.console = console(file=said, force_terminal=True, color_system="truecolor", width=200)
    lan.show(progress, network)
    shown = re.sub(r"\x1b\[[\d;]*m", "", said.getvalue())
    assert shown.index("http://192.168.178.21:8080") < shown.index("▀") < shown.index("http://10.0.0.7:8080")
    assert "https://192.168.178.21:8443 once a phone trusts http://192.168.178.21:8080/trust" in shown
    assert network.served.fingerprint in shown
    said.truncate(0)
    progress.console = console(file=said, force_terminal=False, width=200)
    lan.show(progress, network)
    assert "▀" not in said.getvalue()


def test_the_code_is_the_code_in_halves_of_characters() -> None:
    url = "http://192.168.178.21:8080"
    lines = lan.draw(url).plain.split("\n")[:-1]
    rows = [[sign in up for sign in line] for line in lines for up in ("▀█", "▄█")]
    wanted = [[bool(dark) for dark in row] for row in segno.make(url, error="l", micro=False).matrix_iter(border=2)]
    assert rows[: len(wanted)] == wanted
    assert not any(map(any, rows[len(wanted) :]))


def test_the_doctor_sees_a_certificate_that_ended_or_is_for_another_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home, elsewhere = IPv4Address("192.168.178.21"), IPv4Address("10.0.0.7")
    addresses(monkeypatch, str(home))
    found, _ = lan.prepare(tmp_path, settings(), NOW)
    well = doctor.look_at_https(found, [home], NOW)
    assert well.well
    assert well.found.startswith("for 192.168.178.21, ")
    moved = doctor.look_at_https(found, [elsewhere], NOW)
    assert (moved.well, moved.advice) == (False, "start muster up --lan again")
    assert "this machine is now at 10.0.0.7" in moved.found
    assert not doctor.look_at_https(found, [home], NOW + dt.timedelta(days=400)).well
    Path(found.server.tls_file).unlink()
    assert "cannot be read" in doctor.look_at_https(found, [home], NOW).found


def test_a_fingerprint_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Progress().say("[dim]A0:CD:32[/]")  # `:CD:` is also the name of a small picture
    assert "A0:CD:32" in capsys.readouterr().out
