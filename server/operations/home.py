"""What `muster up` keeps in its folder: its lock, the secrets it made once, and the settings of the parts it starts."""

import dataclasses
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config import settings as config
from config.settings import Settings
from server.operations import accounts, mosquitto

SETTINGS = config.WRITTEN_BY_UP
GATEWAY_SETTINGS = "gateway.toml"
DATABASE = "muster"


class HomeError(RuntimeError):
    """The folder cannot be used: the message says what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Secrets:
    """The passwords of the private database and broker, made once."""

    superuser: str
    database: str
    admin: str
    server: str
    gateway: str


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for this process alone. Raises HomeError when another one has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "up.lock").open("w")
    except OSError as error:
        raise HomeError(f"the folder {folder} cannot be used ({error.strerror}): set MUSTER_UP__FOLDER") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HomeError(
                f"muster already runs in {folder}: stop it first, or set MUSTER_UP__FOLDER to run another beside it"
            ) from None
        yield


def read_secrets(folder: Path) -> Secrets:
    """The secrets of the folder, made if there are none. Raises HomeError when they cannot be read."""
    path = folder / "secrets.json"
    try:
        return Secrets(**json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError) as error:
        raise HomeError(
            f"{path} cannot be read ({error}): put it back, or remove {folder} with all that is in it"
        ) from None
    if any((folder / part).exists() for part in ("postgres", "postgres.txt", "mosquitto", "mosquitto.txt")):
        raise HomeError(f"{path} is missing and its database needs it: put it back, or remove {folder}")
    made = Secrets(*(secrets.token_hex(16) for _ in dataclasses.fields(Secrets)))
    unfinished = path.with_name("secrets.new")
    accounts.write_private(unfinished, json.dumps(dataclasses.asdict(made)), None)
    unfinished.replace(path)
    return made


def write_settings(folder: Path, settings: Settings, made: Secrets, *, demo: bool) -> Settings:
    """Writes the settings of the parts, complete, each file for its owner alone; returns the server's.

    The gateway gets a login of its own and may not administer the broker.
    """
    database = dataclasses.replace(
        settings.database, host="127.0.0.1", name=DATABASE, user=DATABASE, password=made.database, dsn=""
    )
    broker = dataclasses.replace(settings.broker, host="127.0.0.1", user="server", password=made.server)
    of_server = dataclasses.replace(
        settings,
        database=database,
        broker=dataclasses.replace(broker, admin_user=mosquitto.ADMIN, admin_password=made.admin),
        server=dataclasses.replace(settings.server, demo=demo),
        up=dataclasses.replace(settings.up, folder=str(folder), demo=demo),
    )
    of_gateway = dataclasses.replace(
        of_server,
        broker=dataclasses.replace(broker, user="gateway", password=made.gateway, admin_user="", admin_password=""),
    )
    for name, found in ((SETTINGS, of_server), (GATEWAY_SETTINGS, of_gateway)):
        accounts.write_private(folder / name, _to_toml(dataclasses.asdict(found)), None)
    return of_server


def environment_of_parts(file: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which a part finds exactly these settings and no others."""
    inherited = os.environ if environment is None else environment
    kept = {name: value for name, value in inherited.items() if not name.startswith("MUSTER_")}
    # What a part prints reaches its log at once, or the last lines before a crash would be lost.
    return {**kept, "MUSTER_CONFIG": str(file), "PYTHONUNBUFFERED": "1"}


def _to_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["# Written by `muster up` at every start; changes here are lost. Holds secrets."]
    for section, entries in sections.items():
        lines += ["", f"[{section}]"]
        # Texts, numbers and booleans are written alike in JSON and TOML.
        lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in entries.items()]
    return "\n".join(lines) + "\n"
