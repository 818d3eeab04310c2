"""Reads the settings: defaults.toml, then a file, then the environment; what is wrong is refused with its origin."""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config import together
from config.sections import (
    Agent,
    Audience,
    Broker,
    Checkin,
    Company,
    Database,
    Fences,
    Gateway,
    Invitations,
    Life,
    Limits,
    Mail,
    People,
    Phones,
    PopUps,
    Posts,
    Presence,
    Push,
    Server,
    Settings,
    Up,
    parse_shards,
    parse_uuids,
)

__all__ = [
    "Agent",
    "Audience",
    "Broker",
    "Checkin",
    "Company",
    "Database",
    "Fences",
    "Gateway",
    "Invitations",
    "Life",
    "Limits",
    "Mail",
    "People",
    "Phones",
    "PopUps",
    "Posts",
    "Presence",
    "Push",
    "Server",
    "Settings",
    "SettingsError",
    "Up",
    "file_of_up",
    "load",
    "parse_shards",
    "parse_uuids",
]

DEFAULTS = Path(__file__).with_name("defaults.toml")
FILE_VARIABLE = "MUSTER_CONFIG"
WRITTEN_BY_UP = "muster.toml"
PREFIX = "MUSTER_"


class SettingsError(ValueError):
    """A setting cannot be used: the message names the key, where it comes from and what would be right."""


BOUNDS: dict[str, tuple[float, float]] = {
    "broker.port": (1, 65535),
    "broker.keepalive_s": (5, 600),
    "database.port": (1, 65535),
    "database.pool": (1, 100),
    "server.port": (1, 65535),
    "server.https_port": (1, 65535),
    "server.session_days": (1, 400),
    "server.sign_in_link_minutes": (1, 1440),
    "server.upload_mb": (1, 90),
    "people.code_minutes": (1, 60),
    "people.guest_days": (1, 3650),
    **{f"limits.{name}": (1, 1_000_000) for name in (entry.name for entry in dataclasses.fields(Limits))},
    "mail.port": (1, 65535),
    "mail.timeout_s": (1, 300),
    "mail.keep_days": (1, 365),
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
    "agent.spool_max_age_s": (60, 31_536_000),
    "agent.merge_s": (1, 60),
    "agent.merge_more_s": (1, 60),
    "agent.deaf_after_s": (5, 3600),
    "agent.unknown_config_wait_s": (0.1, 600),
    "presence.heard_gap_s": (1, 600),
    "presence.join_gap_s": (1, 86400),
    "presence.away_after_s": (1, 3600),
    "presence.rhythm_max_s": (1, 86400),
    "presence.beacon_learn_s": (10, 86400),
    "presence.beacon_gap_s": (1, 3600),
    "presence.given_up_after_s": (10, 604800),
    "presence.slot_s": (1, 60),
    "presence.smooth_slots": (1, 60),
    "presence.settle_slots": (1, 60),
    "presence.lost_slots": (1, 60),
    "posts.at_once": (1, 1000),
    "posts.per_h": (1, 1000),
    "posts.newcomer_per_day": (1, 100),
    "posts.members_hide": (2, 100),
    "posts.hides_per_day": (1, 100),
    "posts.again_days": (1, 3650),
    "posts.half_days": (0.1, 3650),
    "posts.start_half_h": (0.1, 10_000),
    "checkin.position_radius_m": (20, 5000),
    "fences.enter_m": (20, 5000),
    "fences.exit_m": (30, 10_000),
    "fences.approach_m": (100, 20_000),
    "fences.dwell_s": (0, 86_400),
    "fences.gap_s": (60, 86_400),
    "fences.before_s": (0, 86_400),
    "fences.late_s": (0, 86_400),
    "fences.remind_s": (60, 86_400),
    "fences.keep_s": (600, 604_800),
    "company.near_m": (200, 2000),  # cells of 200 m know nothing finer; beyond, nobody would call it near
    "company.apart_m": (300, 10_000),
    "company.accuracy_m": (10, 5000),
    "company.fresh_s": (60, 86_400),
    "company.per_day": (1, 100),
    "company.again_h": (0, 1000),
    "company.keep_days": (1, 365),
    "pop_ups.people": (3, 100),  # fewer would tell each where the other is
    "pop_ups.yes": (2, 100),
    "pop_ups.most_people": (3, 500),
    "pop_ups.near_m": (200, 2000),
    "pop_ups.reach_m": (50, 5000),
    "pop_ups.accuracy_m": (290, 5000),  # less than a cell says would leave out everybody
    "pop_ups.fresh_s": (60, 7200),
    "pop_ups.heard_s": (60, 3600),
    "pop_ups.offer_s": (60, 14_400),
    "pop_ups.after_no_days": (0, 365),
    "pop_ups.again_h": (0, 1000),
    "pop_ups.longest_h": (0.5, 24),
    "pop_ups.gone_m": (300, 10_000),
    "pop_ups.gone_s": (60, 7200),
    "pop_ups.silent_s": (600, 86_400),
    "pop_ups.most_looked_at": (100, 1_000_000),
    "pop_ups.keep_days": (1, 365),
    "audience.most": (1, 500),  # what is measured; more would hold the rows of too many at once
    "audience.least_points": (0, 10),  # 0: whoever is near, if anything at all speaks for it
    "audience.settle_s": (0, 86_400),
    "audience.ahead_days": (1, 365),
    "audience.last_places_s": (3600, 604_800),
    "audience.per_place": (1, 100),
    "audience.wave_s": (60, 86_400),
    "audience.proposal_s": (3600, 1_209_600),
    "audience.per_missing": (1, 100),
    "audience.proposal_wave_s": (600, 604_800),
    "invitations.per_day": (1, 10),
    "invitations.per_week": (1, 50),
    "invitations.most": (5, 1000),
    "invitations.fresh_s": (
        600,
        7200,
    ),  # a phone that lies still is silent for half an hour; none is kept for longer than two
    "phones.queue_messages": (100, 1_000_000),
    "phones.batch_messages": (1, 5000),
    "phones.heard_gap_s": (60, 86_400),
    "phones.mqtt_port": (1, 65535),
    "life.quiet_days": (7, 3650),
    "life.asleep_days": (14, 3650),
    "life.dissolve_days": (30, 3650),
    "life.warn_days": (1, 365),
    "life.names_days": (1, 3650),
}


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
    try:
        settings.server.proxies  # noqa: B018 -- reading it is the check
    except ValueError as error:
        raise _refuse("server.trusted_proxies", "the settings", settings.server.trusted_proxies, str(error)) from None
    key = settings.agent.key
    if key and (len(key) != 64 or not all(digit in "0123456789abcdefABCDEF" for digit in key)):
        raise _refuse("agent.key", "the settings", key, "it must be the 64 hex digits given at enrolment")
    for contradiction in together.contradictions(settings):
        raise SettingsError(contradiction)


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
