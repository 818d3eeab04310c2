"""The CSV form: what may be empty or come twice, and errors that name the file, the line and what would be right."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.bench import worldfiles
from tests.bench.worldfiles import NONE, WrongWorld

FILES = {
    "people": "id,lon,lat,interests\nada,13.4,52.5,Jazz; chess;jazz\nbob,,,\n",
    "things": (
        "id,kind,lon,lat,starts_at,tags,community,organizer,series,venue,capacity\n"
        "cafe,venue,13.41,52.51,,chess,,,,,\n"
        "jam,event,13.41,52.51,2026-05-02T20:00:00+02:00,jazz,c1,o1,s1,cafe,20\n"
        "walk,event,,,2026-05-09,,,,,,\n"
    ),
    "attendance": (
        "person,thing,at,signed_up_at\nada,jam,2026-05-02T18:05:00Z,2026-05-01T10:00:00Z\nbob,cafe,1777000000,\n"
    ),
    "communities": "person,community,since\nada,c1,2026-01-01\nbob,c2,\n",
    "friends": "a,b,since\nada,bob,2026-02-01\n",
}


def put(folder: Path, **changed: str) -> Path:
    """The files in a folder, some of them otherwise; an empty one is left out."""
    for name, text in {**FILES, **changed}.items():
        if text:
            (folder / f"{name}.csv").write_text(text)
    return folder


def test_a_world_is_read_with_what_is_empty_unknown(tmp_path: Path) -> None:
    world = worldfiles.read(put(tmp_path))
    assert world.people.ids == ["ada", "bob"]
    assert np.isnan(world.people.home[1]).all()
    assert [world.tags[tag] for tag in world.people.interests.tag] == ["jazz", "chess"]
    assert world.things.event.tolist() == [False, True, True]
    assert world.things.starts[1:].tolist() == [1777744800.0, 1778284800.0]
    assert world.things.place[0] == world.things.place[1]
    assert world.things.place[2] == NONE
    assert world.attended.person.tolist() == [1, 0]  # by time
    assert np.isnan(world.decided[0])
    assert world.signed.other.tolist() == [1]
    assert world.members.at[0] == -np.inf
    assert sorted(zip(world.friends.person.tolist(), world.friends.other.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_rows_that_come_twice_in_any_order_change_nothing(tmp_path: Path) -> None:
    once = worldfiles.read(put(tmp_path))
    for name in FILES:
        head, *rows = FILES[name].splitlines(keepends=True)
        (tmp_path / f"{name}.csv").write_text("".join([head, *rows, *rows]))
    twice = worldfiles.read(tmp_path)
    assert twice.people.ids == once.people.ids
    assert twice.things.ids == once.things.ids
    for name in ("attended", "signed", "members", "friends"):
        assert all(np.array_equal(a, b) for a, b in zip(getattr(twice, name), getattr(once, name), strict=True))


def test_packed_files_and_those_with_a_mark_at_their_beginning_are_read_too(tmp_path: Path) -> None:
    put(tmp_path, attendance="")
    (tmp_path / "attendance.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + FILES["attendance"].encode()))
    assert len(worldfiles.read(tmp_path).attended.at) == 2


def test_without_people_they_are_whoever_came(tmp_path: Path) -> None:
    world = worldfiles.read(put(tmp_path, people=""))
    assert sorted(world.people.ids) == ["ada", "bob"]
    assert np.isnan(world.people.home).all()


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("people", "13.4,52.5", "13.4,152.5", "people.csv, line 2: lat is '152.5'; it must be a number from -90 to 90"),
        ("people", "13.4,52.5", "13.4,", "people.csv, line 2: one of lon and lat is empty; both must be given"),
        ("people", "bob,,,", "bob,,", "people.csv, line 3: 3 cells; the first line has 4"),
        ("things", "jam,event", "jam,party", "things.csv, line 3: kind is 'party'; it must be venue or event"),
        ("things", "2026-05-09", "", "things.csv, line 4: starts_at is empty; an event must say when it begins"),
        (
            "things",
            "2026-05-09",
            "9 May",
            "things.csv, line 4: starts_at is '9 May'; it must be like 2026-05-01T18:30:00Z",
        ),
        ("things", "id,kind", "id,sort", "things.csv, line 1: there is no column kind; known are id, kind,"),
        ("things", "cafe,20", "cafe,many", "things.csv, line 3: capacity is 'many'; it must be a number"),
        (
            "attendance",
            "bob,cafe",
            "bob,bar",
            "attendance.csv, line 3: thing is 'bar', of which things.csv knows nothing",
        ),
        (
            "attendance",
            "bob,cafe",
            "eve,cafe",
            "attendance.csv, line 3: person is 'eve', of whom people.csv knows nothing",
        ),
        ("attendance", "1777000000", "", "attendance.csv, line 3: at is empty; it must say when she came"),
        ("friends", "ada,bob", "ada,", "friends.csv, line 2: b is empty; it must say something"),
    ],
)
def test_an_error_names_file_line_and_what_would_be_right(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    assert old in FILES[name]
    worldfiles.read(put(tmp_path))  # the same files are right without the change
    with pytest.raises(WrongWorld) as refused:
        worldfiles.read(put(tmp_path, **{name: FILES[name].replace(old, new)}))
    assert said in str(refused.value)


def test_what_is_not_utf_8_or_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongWorld, match=r"there must be things.csv and attendance.csv"):
        worldfiles.read(tmp_path)
    put(tmp_path)
    (tmp_path / "things.csv").write_bytes("id,kind\ncafé,venue\n".encode("latin-1"))
    with pytest.raises(WrongWorld, match=r"things.csv, after line \d: not UTF-8"):
        worldfiles.read(tmp_path)
