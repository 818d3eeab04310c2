"""Reads the settings: defaults.toml, then a file, then the environment; what is wrong is refused with its origin."""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULTS = Path(__file__).with_name("defaults.toml")
FILE_VARIABLE = "MUSTER_CONFIG"
WRITTEN_BY_UP = "muster.toml"
PREFIX = "MUSTER_"


class SettingsError(ValueError):
    """A setting cannot be used: the message names the key, where it comes from and what would be right."""


@dataclasses.dataclass(frozen=True, slots=True)
class Broker:
    """Where MQTT is and as whom this process speaks there."""

    host: str
    port: int
    user: str
    password: str
    admin_user: str
    admin_password: str
    keepalive_s: int


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    """Where PostgreSQL with PostGIS is."""

    host: str
    port: int
    name: str
    user: str
    password: str
    dsn: str
    pool: int

    @property
    def conninfo(self) -> str:
        """The libpq connection string, `dsn` if one is set."""
        if self.dsn:
            return self.dsn
        quoted = {
            key: str(value).replace("\\", "\\\\").replace("'", "\\'")
            for key, value in {
                "host": self.host,
                "port": self.port,
                "dbname": self.name,
                "user": self.user,
                "password": self.password,
            }.items()
            if value != ""
        }
        return " ".join(f"{key}='{value}'" for key, value in quoted.items())


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """The HTTP server."""

    host: str
    port: int
    public_url: str
    demo: bool
    session_days: int
    sign_in_link_minutes: int
    own_uuids: str

    @property
    def own_uuid_prefixes(self) -> tuple[bytes, ...]:
        """The uuids, or their beginnings, that only badges of this server show."""
        return parse_uuids(self.own_uuids)

    @property
    def url(self) -> str:
        """Where members reach the server, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True, slots=True)
class Gateway:
    """The process that turns reports into presence."""

    id: str
    shards: str
    batch_reports: int
    batch_wait_s: float
    queue_reports: int
    queue_mb: int
    coalesce_s: float
    coverage_s: float
    comeback_s: float
    late_s: float
    future_max_s: float
    report_max_age_s: float
    refused_keep_days: int
    health_s: float

    @property
    def owned(self) -> frozenset[int]:
        """The shards this gateway takes, as numbers from 0 to 63."""
        return parse_shards(self.shards)


@dataclasses.dataclass(frozen=True, slots=True)
class Agent:
    """The program on the Pi."""

    id: str
    key: str
    folder: str
    adapter: str
    window_s: float
    resend_s: float
    in_flight: int
    spool_mb: int
    deaf_after_s: float
    unknown_config_wait_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Presence:
    """The constants of presence (design: spans, visits, stays, states)."""

    heard_gap_s: float
    join_gap_s: float
    away_after_s: float
    given_up_after_s: float
    unjudged_s: float
    slot_s: int
    smooth_slots: int
    switch_margin_db: float
    settle_slots: int
    lost_slots: int


@dataclasses.dataclass(frozen=True, slots=True)
class Checkin:
    """The defaults of a step's check-in rule."""

    dwell_signed_up_s: float
    dwell_walk_in_s: float
    opens_before_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Up:
    """What `muster up` makes."""

    folder: str
    demo: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """All settings of muster, one section each."""

    broker: Broker
    database: Database
    server: Server
    gateway: Gateway
    agent: Agent
    presence: Presence
    checkin: Checkin
    up: Up


# Bounds of numbers, lowest and highest that make sense; what is not named here may be anything of its type from 0 up.
BOUNDS: dict[str, tuple[float, float]] = {
    "broker.port": (1, 65535),
    "broker.keepalive_s": (5, 600),
    "database.port": (1, 65535),
    "database.pool": (1, 100),
    "server.port": (1, 65535),
    "server.session_days": (1, 400),
    "server.sign_in_link_minutes": (1, 1440),
    "gateway.batch_reports": (1, 10000),
    "gateway.batch_wait_s": (0, 10),
    "gateway.queue_reports": (1, 10_000_000),
    "gateway.queue_mb": (1, 4096),
    "gateway.coalesce_s": (0, 18),  # an acknowledgement takes 20 s at the most
    "gateway.coverage_s": (0, 18),
    "gateway.comeback_s": (0, 600),
    "gateway.late_s": (60, 604800),
    "gateway.refused_keep_days": (1, 365),
    "gateway.health_s": (0.1, 300),
    "agent.window_s": (0.5, 30),
    "agent.resend_s": (1, 3600),
    "agent.in_flight": (1, 1000),
    "agent.spool_mb": (1, 4096),
    "agent.deaf_after_s": (5, 3600),
    "agent.unknown_config_wait_s": (0.1, 600),
    "presence.heard_gap_s": (1, 600),
    "presence.join_gap_s": (1, 86400),
    "presence.away_after_s": (1, 3600),
    "presence.given_up_after_s": (10, 604800),
    "presence.slot_s": (1, 60),
    "presence.smooth_slots": (1, 60),
    "presence.settle_slots": (1, 60),
    "presence.lost_slots": (1, 60),
}


def parse_shards(text: str) -> frozenset[int]:
    """Reads `00-3f` or `00-1f,2a` (two hex digits each, up to 3f) as shard numbers.

    Raises ValueError with a sentence when the text is not of that form.
    """
    shards: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        try:
            low, high = int(first, 16), int(last or first, 16)
        except ValueError:
            raise ValueError("shards are two hex digits each, such as 00-3f or 00-1f,2a") from None
        if not 0 <= low <= high <= 0x3F:
            raise ValueError("shards run from 00 to 3f, the lower one first")
        shards.update(range(low, high + 1))
    return frozenset(shards)


def parse_uuids(text: str) -> tuple[bytes, ...]:
    """Reads uuids or their beginnings (whole bytes as hex digits, hyphens allowed), separated by commas.

    Raises ValueError with a sentence when the text is not of that form.
    """
    found: list[bytes] = []
    for part in text.split(",") if text.strip() else ():
        digits = part.strip().replace("-", "")
        try:
            prefix = bytes.fromhex(digits)
        except ValueError:
            prefix = b""
        # Two bytes of a uuid are shared by one stranger's beacon in 65,536: fewer would listen to the whole city.
        if not 2 <= len(prefix) <= 16:
            raise ValueError("uuids are 4 to 32 hex digits each, separated by commas, such as daf246ce-f201")
        found.append(prefix)
    return tuple(found)


def _refuse(key: str, origin: str, value: object, right: str) -> SettingsError:
    shown = "a secret" if "password" in key or key.endswith((".key", ".dsn")) else repr(value)
    return SettingsError(f"{key} is {shown} (from {origin}): {right}")


def _convert(key: str, kind: object, value: Any, origin: str) -> Any:
    from_text = isinstance(value, str)
    if kind in (bool, "bool"):
        if isinstance(value, bool):
            return value
        if from_text and value.lower() in {"1", "true", "yes", "on"}:
            return True
        if from_text and value.lower() in {"0", "false", "no", "off"}:
            return False
        raise _refuse(key, origin, value, "it must be true or false")
    if kind in (str, "str"):
        if from_text:
            return value
        raise _refuse(key, origin, value, 'it must be a text, such as "abc"')
    whole = kind in (int, "int")
    right = "it must be a whole number" if whole else "it must be a number"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _refuse(key, origin, value, right)
    try:
        number: float = (int(value) if whole else float(value)) if isinstance(value, str) else value
    except ValueError:
        raise _refuse(key, origin, value, right) from None
    if whole and not isinstance(number, int):
        raise _refuse(key, origin, value, right)
    low, high = BOUNDS.get(key, (0, float("inf")))
    if not low <= number <= high:
        raise _refuse(key, origin, value, f"it must be between {low:g} and {high:g}")
    return number if whole else float(number)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise SettingsError(f"the settings file {path} does not exist: create it or unset {FILE_VARIABLE}") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error}") from None


def _nearest(word: str, known: list[str]) -> str:
    import difflib

    match = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {match[0]}?" if match else f"known are: {', '.join(known)}"


def _overlay(values: dict[str, dict[str, tuple[Any, str]]], table: Mapping[str, Any], origin: str) -> None:
    for section, entries in table.items():
        if section not in values:
            raise SettingsError(f"section {section} (from {origin}) does not exist: {_nearest(section, list(values))}")
        if not isinstance(entries, Mapping):
            raise SettingsError(f"{section} (from {origin}) must be a section, such as [{section}]")
        for name, value in entries.items():
            if name not in values[section]:
                hint = _nearest(name, list(values[section]))
                raise SettingsError(f"{section}.{name} (from {origin}) does not exist: {hint}")
            values[section][name] = (value, origin)


def _environment_table(environment: Mapping[str, str]) -> dict[str, dict[str, tuple[str, str]]]:
    table: dict[str, dict[str, tuple[str, str]]] = {}
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and "__" in variable:
            section, _, name = variable.removeprefix(PREFIX).lower().partition("__")
            table.setdefault(section, {})[name] = (value, variable)
    return table


def _check_together(settings: Settings) -> None:
    try:
        settings.gateway.owned  # noqa: B018 -- reading it is the check
    except ValueError as error:
        raise _refuse("gateway.shards", "the settings", settings.gateway.shards, str(error)) from None
    try:
        settings.server.own_uuid_prefixes  # noqa: B018 -- reading it is the check
    except ValueError as error:
        raise _refuse("server.own_uuids", "the settings", settings.server.own_uuids, str(error)) from None
    presence = settings.presence
    if not presence.away_after_s < presence.heard_gap_s < presence.join_gap_s:
        raise SettingsError(
            "presence.away_after_s, heard_gap_s and join_gap_s must grow in this order"
            f" (now {presence.away_after_s:g}, {presence.heard_gap_s:g}, {presence.join_gap_s:g})"
        )
    if 60 % presence.slot_s:
        raise _refuse("presence.slot_s", "the settings", presence.slot_s, "it must divide 60")
    gateway = settings.gateway
    # A badge's newest reading may be unrecorded for so long although the coverage after it is recorded: it must not
    # look away for that.
    lag_s = gateway.comeback_s + gateway.coalesce_s + settings.agent.window_s + gateway.batch_wait_s
    if lag_s >= presence.away_after_s + presence.unjudged_s:
        raise SettingsError(
            "gateway.comeback_s, gateway.coalesce_s, agent.window_s and gateway.batch_wait_s together"
            f" ({lag_s:g}) must be less than presence.away_after_s and unjudged_s together"
            f" ({presence.away_after_s + presence.unjudged_s:g}): badges would look away that are there"
        )
    if gateway.coverage_s + settings.agent.window_s + gateway.batch_wait_s >= presence.unjudged_s:
        raise SettingsError(
            "gateway.coverage_s, agent.window_s and gateway.batch_wait_s together must be less than presence.unjudged_s"
            f" ({presence.unjudged_s:g}): every venue would look unknown"
        )
    key = settings.agent.key
    if key and (len(key) != 64 or not all(digit in "0123456789abcdefABCDEF" for digit in key)):
        raise _refuse("agent.key", "the settings", key, "it must be the 64 hex digits given at enrolment")


def file_of_up(environment: Mapping[str, str] | None = None) -> Path | None:
    """The settings that `muster up` wrote in its folder, if any; None when MUSTER_CONFIG names others."""
    environment = os.environ if environment is None else environment
    if environment.get(FILE_VARIABLE):
        return None
    written = Path(load(environment=environment).up.folder) / WRITTEN_BY_UP
    return written if written.exists() else None


def load(file: str | Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Reads all settings.

    file: overrides the file named by MUSTER_CONFIG. environment: os.environ unless given.
    Raises SettingsError, one line, for whatever cannot be used.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, dict[str, tuple[Any, str]]] = {
        section: {name: (value, "defaults.toml") for name, value in entries.items()}
        for section, entries in _read_toml(DEFAULTS).items()
    }
    path = file or environment.get(FILE_VARIABLE)
    if path:
        _overlay(values, _read_toml(Path(path)), str(path))
    for section, entries in _environment_table(environment).items():
        for name, (value, variable) in entries.items():
            _overlay(values, {section: {name: value}}, variable)
    sections: dict[str, Any] = {}
    for field in dataclasses.fields(Settings):
        kind: Any = field.type
        found = values[field.name]
        sections[field.name] = kind(
            **{
                entry.name: _convert(f"{field.name}.{entry.name}", entry.type, *found[entry.name])
                for entry in dataclasses.fields(kind)
            }
        )
    settings = Settings(**sections)
    _check_together(settings)
    return settings
