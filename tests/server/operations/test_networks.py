"""Which of this machine's addresses a phone can reach."""

from ipaddress import IPv4Address
from pathlib import Path

from server.operations import networks
from server.operations.networks import Interface

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t01B2A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t01B2A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def one(name: str, address: str) -> Interface:
    return Interface(name, IPv4Address(address))


def test_the_kernel_says_which_there_are_and_loopback_is_one() -> None:
    assert one("lo", "127.0.0.1") in networks.interfaces()
    assert not any(address.is_loopback for address in networks.addresses())


def test_the_one_that_leads_to_the_internet_is_shown_first_and_virtual_ones_are_not(tmp_path: Path) -> None:
    file = tmp_path / "route"
    file.write_text(ROUTES)
    assert networks.default_route(file) == "eth0"
    found = [
        one("lo", "127.0.0.1"),
        one("docker0", "172.17.0.1"),
        one("usb0", "169.254.3.4"),
        one("wlan0", "192.168.1.7"),
        one("eth0", "192.168.178.21"),
        one("eth0", "192.168.178.21"),
        one("br-5f3a", "172.18.0.1"),
    ]
    said = [str(address) for address in networks.ordered(found, networks.default_route(file))]
    assert said == ["192.168.178.21", "192.168.1.7", "169.254.3.4"]


def test_without_a_default_route_there_is_still_an_order(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    assert networks.default_route(tmp_path / "empty") is None
    assert networks.default_route(tmp_path / "missing") is None
    found = [one("usb0", "169.254.3.4"), one("wlan0", "192.168.1.7")]
    assert [str(address) for address in networks.ordered(found, None)] == ["192.168.1.7", "169.254.3.4"]
    assert networks.ordered([one("lo", "127.0.0.1")], None) == []
