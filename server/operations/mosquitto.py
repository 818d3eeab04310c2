"""Makes and describes a private Mosquitto with the dynamic security plugin in a folder; whoever uses it starts it."""

import base64
import hashlib
import json
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from server.operations import accounts, ports
from server.operations.accounts import Account

PACKAGES = "install the package mosquitto (make setup does it)"
ADMIN = "admin"
OLDEST = (2, 0)  # the dynamic security plugin came with it
PLUGIN = "mosquitto_dynamic_security.so"
PLUGIN_FOLDERS = ("/usr/lib/*-linux-gnu*", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/mosquitto")

# Mosquitto's own iteration count; the passwords are random and long, so more would only slow the connecting of agents.
PASSWORD_ITERATIONS = 101

CONFIGURATION = """\
# Written at every start; changes here are lost.
per_listener_settings false
listener {port} {host}
allow_anonymous false
plugin {plugin}
plugin_opt_config_file {folder}/dynamic-security.json

# Retained messages (configs, states of agents, shards) are all that must survive; a kill loses 10 s of them at most.
persistence true
persistence_location {folder}/
autosave_interval 10

# A slow reader makes a broker drop. The gateway reads reports: 300 agents with 64 unsettled reports each are 19,200,
# against Mosquitto's own limits of 20 in flight and 1,000 queued.
max_inflight_messages 1000
max_queued_messages 100000
max_queued_bytes 0
# Reports have 256 KiB at most and the gateway counts those that have more; beyond this a client is cut off.
max_packet_size 1048576
set_tcp_nodelay true

log_dest stderr
log_timestamp true
log_timestamp_format %Y-%m-%dT%H:%M:%S
log_type error
log_type warning
log_type notice
connection_messages false
"""


class MosquittoError(RuntimeError):
    """The private Mosquitto cannot be used: the message says what to do."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A private broker: where it is, how to start it and as whom to administer it."""

    folder: Path
    binary: Path
    port: int
    admin_password: str
    account: Account | None
    host: str = ports.LOOPBACK
    admin_user: str = ADMIN

    @property
    def command(self) -> list[str]:
        """The command that runs the broker in the foreground; stop it with SIGTERM."""
        command = [str(self.binary), "-c", str(self.folder / "mosquitto.conf")]
        return accounts.with_parent(command, account=self.account)

    def is_ready(self) -> bool:
        """Whether it listens."""
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def find_binary() -> Path:
    """The Mosquitto of this machine. Raises MosquittoError with what to install."""
    # Debian keeps it in sbin, which an ordinary user's PATH lacks.
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/sbin")
    if found is None:
        raise MosquittoError(f"Mosquitto is missing: {PACKAGES}")
    said = subprocess.run([found, "-h"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"version (\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        raise MosquittoError(f"{found} is too old: muster needs Mosquitto {OLDEST[0]}.{OLDEST[1]} or newer")
    return Path(found)


def find_plugin(folders: Iterable[str] = PLUGIN_FOLDERS) -> Path:
    """The dynamic security plugin. Raises MosquittoError with what to install."""
    for pattern in folders:
        for path in sorted(Path("/").glob(f"{pattern.lstrip('/')}/{PLUGIN}")):
            return path
    raise MosquittoError(f"Mosquitto's {PLUGIN} is missing: {PACKAGES}")


def prepare(folder: Path, *, port: int, admin_password: str) -> Broker:
    """Makes the broker's files in `folder`/mosquitto, keeping the logins that are there, and describes it.

    Raises MosquittoError or accounts.AccountError.
    """
    binary, plugin = find_binary(), find_plugin()
    account = accounts.service_account("mosquitto")
    home = accounts.make_folder(folder, "mosquitto", account)
    text = CONFIGURATION.format(port=port, host=ports.LOOPBACK, plugin=plugin, folder=home)
    accounts.write_private(home / "mosquitto.conf", text, account)
    logins = home / "dynamic-security.json"
    if not logins.exists():
        accounts.write_private(logins, json.dumps(_first_logins(admin_password), indent=1), account)
    return Broker(home, binary, port, admin_password, account)


def _first_logins(admin_password: str) -> dict[str, object]:
    """The plugin's file with one login that may administer it and nothing else; nobody may do what no role allows."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", admin_password.encode(), salt, PASSWORD_ITERATIONS)
    control = "$CONTROL/dynamic-security/#"
    return {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": False,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [
            {
                "username": ADMIN,
                "textName": "administers logins",
                "roles": [{"rolename": ADMIN}],
                "password": base64.b64encode(digest).decode(),
                "salt": base64.b64encode(salt).decode(),
                "iterations": PASSWORD_ITERATIONS,
            }
        ],
        "roles": [
            {
                "rolename": ADMIN,
                "acls": [
                    {"acltype": kind, "topic": control, "priority": 0, "allow": True}
                    for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
                ],
            }
        ],
    }
