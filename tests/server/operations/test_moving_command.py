"""`muster community export / import` as somebody types it, between two databases."""

import datetime as dt
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server import database
from server.communities.model import Community
from server.operations import main
from tests.conftest import TEMPLATE
from tests.server.moving import world
from tests.server.places import NOW


@pytest.fixture
def two(fresh_database: str, postgres: Any, worker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The server that is left, with the walkers, and another one; and a clock for both."""
    engine = database.connect(fresh_database, pool=1)
    with database.transaction(engine) as session:
        world.make(session)
    engine.dispose()
    monkeypatch.setattr("server.requests.utc_now", lambda: NOW + dt.timedelta(hours=1))
    name = f"muster_{worker}_command"
    postgres.create_database(name, template=TEMPLATE)
    yield fresh_database, postgres.conninfo(name)
    postgres.drop_database(name)


def names_in(conninfo: str) -> list[str]:
    engine = database.connect(conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            return list(session.scalars(select(Community.id)))
    finally:
        engine.dispose()


def test_a_community_moves_by_two_commands(
    two: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "walkers.zip"
    monkeypatch.setenv("MUSTER_DATABASE__DSN", two[0])
    assert main.main(["community", "export", "walkers", "--out", str(file)]) == 0
    assert "3 come along, 2 gatherings, 3 posts, 3 pictures" in capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    monkeypatch.setenv("MUSTER_DATABASE__DSN", two[1])
    assert main.main(["community", "import", str(file), "--dry-run"]) == 0
    assert "Walkers would be made: 3 come along (3 new here)" in capsys.readouterr().out
    assert names_in(two[1]) == []
    assert main.main(["community", "import", str(file)]) == 0
    assert "/communities/walkers" in capsys.readouterr().out
    assert names_in(two[1]) == ["walkers"]
    assert main.main(["community", "import", str(file)]) == 0
    assert "is here already" in capsys.readouterr().out


def test_what_cannot_be_done_is_said_in_a_sentence(
    two: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSTER_DATABASE__DSN", two[1])
    out = tmp_path / "out.zip"
    assert main.main(["community", "export", "nobody", "--out", str(out)]) == 1
    assert "There is no community 'nobody'" in capsys.readouterr().err
    assert not out.exists()
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 half")
    assert main.main(["community", "import", str(broken)]) == 1
    assert capsys.readouterr().err.lstrip().startswith("muster: Nothing was imported")
    assert main.main(["community", "import", str(tmp_path / "missing.zip")]) == 1
    assert "missing.zip" in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("export", "import"):
        with pytest.raises(SystemExit):
            main.main(["community", action, "--help"])
        assert f"muster community {action} walkers" in capsys.readouterr().out
