"""Logs of children: bounded, and the end of them at hand."""

from pathlib import Path

from server.operations.logs import SHOWN_LINES, Log
from tests import processes


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


def test_a_full_disk_leaves_lines_out_and_says_how_many_when_there_is_room(tmp_path: Path) -> None:
    with processes.small_disk(tmp_path / "disk", 64) as disk:
        log = Log(disk / "a.log", max_bytes=20_000)
        log.write(b"before\n")
        filler = processes.fill(disk)
        for number in range(500):
            log.write(b"%d: %b\n" % (number, b"x" * 50))
        assert log.last_lines[-1].startswith("499: ")
        filler.unlink()
        log.write(b"after\n")
        log.close()
        text = "".join(path.read_text() for path in sorted(disk.iterdir(), reverse=True))
    assert text.startswith("before\n0: ")
    written = text.count("x\n")
    assert written < 500
    assert text.endswith(f"({500 - written} lines could not be written here)\nafter\n")


def test_a_file_that_cannot_be_begun_does_not_lose_the_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log", max_bytes=10)
    log.write(b"a line\n")
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")  # as after a change that the disk did not let be finished
    log.write(b"another one\n")
    log.close()
    assert (tmp_path / "a.log").read_text() == "another one\n"
    assert (tmp_path / "a.log.1").read_text() == "a line\n"
