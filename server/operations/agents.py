"""How agents are started as child processes of ours: their program, their folder, what they know."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from config.settings import Broker

# Everything of ours but this stays out of an agent's environment: a Pi knows its broker, its id and its key.
PASSED_ON = ("MUSTER_BROKER__KEEPALIVE_S", "MUSTER_AGENT__RESEND_S", "MUSTER_AGENT__IN_FLIGHT")


def program() -> str:
    """The console script `muster-agent` of this installation."""
    return str(Path(sys.executable).with_name("muster-agent"))


def make_home(folder: Path, agent_id: str) -> Path:
    """Makes the folder in which an agent keeps its spool and its log. folder: `up.folder`."""
    home = folder / "agents" / agent_id
    home.mkdir(parents=True, exist_ok=True)
    return home


def begin_log(home: Path) -> BinaryIO:
    """A new log file `log` in an agent's folder, open for appending; whoever still writes the old one keeps that."""
    log = home / "log"
    log.unlink(missing_ok=True)
    return log.open("ab")


def environment_of(
    agent_id: str, key: bytes, home: Path, broker: Broker, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The variables of an agent's process. environment: of which those of others are inherited."""
    inherited = {
        name: value for name, value in environment.items() if name in PASSED_ON or not name.startswith("MUSTER_")
    }
    return inherited | {
        "MUSTER_BROKER__HOST": broker.host,
        "MUSTER_BROKER__PORT": str(broker.port),
        "MUSTER_AGENT__ID": agent_id,
        "MUSTER_AGENT__KEY": key.hex(),
        "MUSTER_AGENT__FOLDER": str(home),
        "MUSTER_AGENT__CLOCK": "system",  # the server's own clock, right or not: there is no other to be asked
    }
