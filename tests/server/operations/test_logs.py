"""Logs of children: bounded, and the end of them at hand."""

from pathlib import Path

from server.operations.logs import SHOWN_LINES, Log


def test_a_log_never_grows_beyond_two_files_of_the_bound(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log", max_bytes=1000)
    for number in range(500):
        log.write(f"line {number}\n".encode())
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert (tmp_path / "a.log").read_text().endswith("line 499\n")


def test_a_log_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    for word in (b"one\n", b"two\n"):
        log = Log(tmp_path / "a.log")
        log.write(word)
        log.close()
    assert (tmp_path / "a.log").read_text() == "one\ntwo\n"


def test_the_last_lines_are_those_of_this_life_that_say_something(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log")
    log.write(b"before\n")
    log.forget()
    for number in range(SHOWN_LINES + 5):
        log.write(f"line {number}\n\n".encode())
        log.write(b"\n")
    log.write(b"\xff broken\n")
    log.close()
    assert len(log.last_lines) == SHOWN_LINES
    assert log.last_lines[-1] == "\N{REPLACEMENT CHARACTER} broken"
    assert "before" not in log.last_lines
