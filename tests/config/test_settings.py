"""Settings: later origins win, and whatever is wrong is refused in one line that says what would be right."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from config import settings as config
from config.settings import DEFAULTS, Settings, SettingsError

KEY = "ab" * 32


def refused(environment: dict[str, str], file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        config.load(file, environment)
    message = str(caught.value)
    assert "\n" not in message
    return message


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text)
    return path


def test_the_defaults_are_whole_and_fit_the_dataclasses() -> None:
    settings = config.load(environment={})
    written = tomllib.loads(DEFAULTS.read_text())
    assert {section: set(entries) for section, entries in written.items()} == {
        section.name: {entry.name for entry in dataclasses.fields(getattr(settings, section.name))}
        for section in dataclasses.fields(Settings)
    }


def test_every_number_has_its_reason_beside_it() -> None:
    silent = [
        line
        for line in DEFAULTS.read_text().splitlines()
        if " = " in line and line.split(" = ")[1][:1].isdigit() and "#" not in line
    ]
    assert silent == ["port = 8080"]


def test_the_file_wins_over_the_defaults_and_the_environment_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[server]\nport = 9000\n[database]\nname = "hall"\n')
    settings = config.load(file, {"MUSTER_SERVER__PORT": "9001"})
    assert (settings.server.port, settings.database.name, settings.broker.port) == (9001, "hall", 18883)


def test_the_file_may_be_named_by_the_environment_and_an_argument_wins(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nport = 9000\n")
    assert config.load(environment={"MUSTER_CONFIG": str(file)}).server.port == 9000
    assert config.load(file, {"MUSTER_CONFIG": "/nowhere"}).server.port == 9000


def test_what_is_not_ours_in_the_environment_is_left_alone() -> None:
    assert config.load(environment={"MUSTER_HOME": "/x", "SERVER__PORT": "1"}) == config.load(environment={})


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MUSTER_SERVER__PORT", "abc", "server.port is 'abc' (from MUSTER_SERVER__PORT): it must be a whole number"),
        ("MUSTER_SERVER__PORT", "8080.5", "it must be a whole number"),
        ("MUSTER_SERVER__PORT", "0", "it must be between 1 and 65535"),
        ("MUSTER_SERVER__PORT", "65536", "it must be between 1 and 65535"),
        ("MUSTER_SERVER__DEMO", "maybe", "it must be true or false"),
        ("MUSTER_AGENT__WINDOW_S", "soon", "it must be a number"),
        ("MUSTER_AGENT__WINDOW_S", "nan", "it must be between 0.5 and 30"),
        ("MUSTER_CHECKIN__DWELL_WALK_IN_S", "-1", "it must be between 0 and inf"),
        ("MUSTER_SERVER__PROT", "1", "server.prot (from MUSTER_SERVER__PROT) does not exist: did you mean port?"),
        ("MUSTER_SERVERS__PORT", "1", "section servers (from MUSTER_SERVERS__PORT) does not exist"),
        ("MUSTER_GATEWAY__SHARDS", "00-40", "shards run from 00 to 3f"),
        ("MUSTER_GATEWAY__SHARDS", "all", "shards are two hex digits each"),
        ("MUSTER_PRESENCE__SLOT_S", "7", "it must divide 60"),
        ("MUSTER_PRESENCE__AWAY_AFTER_S", "60", "must grow in this order"),
        ("MUSTER_PRESENCE__RHYTHM_MAX_S", "300", "at least away_after_s, and less than join_gap_s"),
        ("MUSTER_PRESENCE__RHYTHM_MAX_S", "29", "at least away_after_s, and less than join_gap_s"),
        ("MUSTER_PRESENCE__BEACON_GAP_S", "60", "more than heard_gap_s, and less than join_gap_s"),
        ("MUSTER_PRESENCE__BEACON_GAP_S", "300", "more than heard_gap_s, and less than join_gap_s"),
        ("MUSTER_PRESENCE__BEACON_GAP_S", "88", "less than agent.deaf_after_s (90)"),
        ("MUSTER_AGENT__DEAF_AFTER_S", "82", "less than agent.deaf_after_s (82)"),
        ("MUSTER_PRESENCE__BEACON_LEARN_S", "80", "it must be more than beacon_gap_s"),
        ("MUSTER_AGENT__MERGE_MORE_S", "60", "must grow in this order"),
        ("MUSTER_AGENT__MERGE_MORE_S", "25", "it must be a multiple of agent.merge_s, 10"),
        ("MUSTER_AGENT__MERGE_S", "1.5", "must grow in this order"),
        ("MUSTER_PRESENCE__JOIN_GAP_S", "60", "must grow in this order"),
        ("MUSTER_AGENT__SPOOL_MAX_AGE_S", "604800", "it must be below gateway.report_max_age_s, 604800"),
        ("MUSTER_GATEWAY__REPORT_MAX_AGE_S", "86400", "it must be below gateway.report_max_age_s, 86400"),
        ("MUSTER_FENCES__EXIT_M", "150", "fences.enter_m, exit_m and approach_m must grow in this order"),
        ("MUSTER_FENCES__KEEP_S", "2400", "it must be more than fences.gap_s, 2400"),
        ("MUSTER_COMPANY__APART_M", "500", "it must be more than company.near_m, 500"),
        ("MUSTER_AGENT__CLOCK", "sundial", "it must be auto or system"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_its_origin_and_what_would_be_right(
    variable: str, value: str, says: str
) -> None:
    assert says in refused({variable: value})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[server", "cannot be read"),
        ("server = 1", "server (from {file}) must be a section, such as [server]"),
        ('[server]\nport = "x"', "server.port is 'x' (from {file}): it must be a whole number"),
        ("[server]\nport = true", "it must be a whole number"),
        ("[server]\nport = 80.0", "it must be a whole number"),
        ("[server]\nhost = 7", 'it must be a text, such as "abc"'),
        ("[server]\ndemo = 1", "it must be true or false"),
        ("[server]\nnope = 1", "server.nope (from {file}) does not exist"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, text: str, says: str) -> None:
    file = write(tmp_path, text)
    assert says.format(file=file) in refused({}, file)


def test_a_file_that_is_not_there_is_refused() -> None:
    assert refused({"MUSTER_CONFIG": "/nowhere/muster.toml"}) == (
        "the settings file /nowhere/muster.toml does not exist: create it or unset MUSTER_CONFIG"
    )


@pytest.mark.parametrize("key", ["ab", "zz" * 32])
def test_a_wrong_key_is_refused_without_being_shown(key: str) -> None:
    message = refused({"MUSTER_AGENT__KEY": key})
    assert key not in message
    assert "64 hex digits" in message


def test_a_secret_of_the_wrong_kind_is_not_shown(tmp_path: Path) -> None:
    message = refused({}, write(tmp_path, "[database]\npassword = 12345\n"))
    assert "12345" not in message


def test_the_connection_string_quotes_what_needs_it_and_a_dsn_wins() -> None:
    database = config.load(environment={"MUSTER_DATABASE__PASSWORD": "it's a \\ secret"}).database
    assert database.conninfo == (
        r"host='127.0.0.1' port='15432' dbname='muster' user='muster' password='it\'s a \\ secret'"
    )
    assert config.load(environment={"MUSTER_DATABASE__DSN": "dbname=x"}).database.conninfo == "dbname=x"


@pytest.mark.parametrize(("text", "count"), [("00-3f", 64), ("00-1f,2a", 33), ("3F", 1), (" 00 , 01 ", 2)])
def test_shards_are_read_as_ranges(text: str, count: int) -> None:
    assert len(config.parse_shards(text)) == count


def test_the_address_of_the_server_is_the_public_one_if_there_is_one() -> None:
    assert config.load(environment={}).server.url == "http://127.0.0.1:8080"
    assert (
        config.load(environment={"MUSTER_SERVER__PUBLIC_URL": "https://a.example/"}).server.url == "https://a.example"
    )


@pytest.mark.parametrize(
    ("text", "uuids"),
    [
        ("", ()),
        ("daf246ce-f201-11e4-b116-123b93f75cba", (bytes.fromhex("daf246cef20111e4b116123b93f75cba"),)),
        ("daf2, 0011-22", (b"\xda\xf2", b"\x00\x11\x22")),
    ],
)
def test_own_uuids_are_read_whole_or_as_beginnings(text: str, uuids: tuple[bytes, ...]) -> None:
    assert config.load(environment={"MUSTER_SERVER__OWN_UUIDS": text}).server.own_uuid_prefixes == uuids


@pytest.mark.parametrize("text", ["da", "daf246ce,xyz", ",", "daf2,", "da" * 17])
def test_own_uuids_that_are_none_or_would_be_everybody_s_are_refused(text: str) -> None:
    with pytest.raises(config.SettingsError, match=r"server\.own_uuids .*4 to 32 hex digits"):
        config.load(environment={"MUSTER_SERVER__OWN_UUIDS": text})


def test_a_command_beside_a_muster_up_finds_the_settings_that_it_wrote(tmp_path: Path) -> None:
    beside = {"MUSTER_UP__FOLDER": str(tmp_path)}
    assert config.file_of_up(beside) is None
    written = write(tmp_path, "[server]\nport = 8081\n").rename(tmp_path / config.WRITTEN_BY_UP)
    assert config.file_of_up(beside) == written
    assert config.file_of_up({**beside, "MUSTER_CONFIG": "/etc/muster.toml"}) is None
