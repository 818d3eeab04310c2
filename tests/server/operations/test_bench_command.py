"""What `muster bench` does with the names and options it is given."""

from pathlib import Path

import pytest

from server.operations import main


def test_options_after_the_name_are_the_benchmarks_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["bench", "chaos", "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "usage: muster bench chaos" in said
    assert "--minutes" in said


def test_an_option_that_the_benchmark_does_not_know_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["bench", "latency", "--minutes", "3"])
    assert ended.value.code == 2
    assert "muster bench latency: error" in capsys.readouterr().err


def test_all_takes_a_folder_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["bench", "all", "--minutes", "3"])
    assert ended.value.code == 2
    assert "[--json FOLDER]" in capsys.readouterr().err


def test_a_benchmark_that_there_is_not_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "speed"]) == 2
    assert "there is no benchmark speed; there are: ingest, latency, chaos" in capsys.readouterr().err


def test_without_a_checkout_it_says_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "BENCHES", tmp_path / "tests" / "bench")
    assert main.main(["bench", "ingest"]) == 2
    assert "benchmarks need a checkout" in capsys.readouterr().err


def test_an_unreadable_recording_is_said_before_anything_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "chaos", "--recording", "nowhere.csv.gz"]) == 2
    assert "there is no recording at nowhere.csv.gz" in capsys.readouterr().out
