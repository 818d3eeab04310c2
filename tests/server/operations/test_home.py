"""The folder of `muster up`: one run at a time, secrets made once, settings that the parts can read."""

import stat
from pathlib import Path

import pytest

from config import settings as config
from server.operations import home
from server.operations.home import HomeError


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with home.locked(tmp_path), pytest.raises(HomeError, match=r"^muster already runs in .*MUSTER_UP__FOLDER"):
        home.locked(tmp_path).__enter__()
    with home.locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="cannot be used"):
        home.locked(tmp_path / "file" / "folder").__enter__()


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    made = home.read_secrets(tmp_path)
    assert home.read_secrets(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len({made.superuser, made.database, made.admin, made.server, made.gateway}) == 5


def test_lost_secrets_of_a_database_that_is_there_are_not_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(HomeError, match=r"secrets.json is missing and its database needs it"):
        home.read_secrets(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"superuser": "x"}'])
def test_broken_secrets_are_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text)
    with pytest.raises(HomeError, match=r"^.*secrets.json cannot be read"):
        home.read_secrets(tmp_path)


def test_the_parts_read_back_what_was_written_each_with_its_own_login(tmp_path: Path) -> None:
    chosen = config.load(
        environment={"MUSTER_SERVER__PUBLIC_URL": 'https://a.example/"\\ü', "MUSTER_SERVER__PORT": "81"}
    )
    made = home.read_secrets(tmp_path)
    server = home.write_settings(tmp_path, chosen, made, demo=True)
    assert config.load(tmp_path / home.SETTINGS, {}) == server
    assert server.server.public_url == chosen.server.public_url
    assert server.server.demo
    gateway = config.load(tmp_path / home.GATEWAY_SETTINGS, {})
    assert (gateway.broker.user, gateway.broker.password) == ("gateway", made.gateway)
    assert (gateway.broker.admin_user, gateway.broker.admin_password) == ("", "")
    for name in (home.SETTINGS, home.GATEWAY_SETTINGS):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_parts_see_these_settings_and_no_others(tmp_path: Path) -> None:
    environment = home.environment_of_parts(tmp_path / "x.toml", {"MUSTER_SERVER__PORT": "1", "PATH": "/bin"})
    assert environment == {"PATH": "/bin", "MUSTER_CONFIG": str(tmp_path / "x.toml"), "PYTHONUNBUFFERED": "1"}
