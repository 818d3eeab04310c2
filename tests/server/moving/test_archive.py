"""Files that were damaged, or made to do harm: each is refused with a sentence, and nothing is kept."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings
from server.communities.model import Community
from server.moving import archive, arriving, leaving
from server.people import service as people
from tests.server.moving import world
from tests.server.places import NOW

Files = dict[str, bytes]
Harm = Callable[[Files], None]


@pytest.fixture
def whole(session: Session, settings: Settings) -> Files:
    """The files of an archive that is fine."""
    world.make(session)
    written = leaving.write(session, community_id="walkers", settings=settings, now=NOW)
    with written.file, zipfile.ZipFile(written.file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(files: Files) -> io.BytesIO:
    """The archive of these files, with a manifest that is true."""
    manifest = json.loads(files["manifest.json"])
    for name, facts in manifest["files"].items():
        if name in files and name.endswith(".jsonl"):
            facts.update(_facts(files[name]))
    return plain({**files, "manifest.json": json.dumps(manifest).encode()})


def _facts(data: bytes) -> dict[str, Any]:
    rows = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "rows": rows}


def plain(files: Files) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    out.seek(0)
    return out


def change(table: str, **said: Any) -> Harm:
    """Says something else in the first row of a file."""

    def harm(files: Files) -> None:
        first, *others = files[f"{table}.jsonl"].splitlines()
        files[f"{table}.jsonl"] = b"\n".join([json.dumps({**json.loads(first), **said}).encode(), *others]) + b"\n"

    return harm


def twice(name: str) -> Harm:
    def harm(files: Files) -> None:
        files[f"{name}.jsonl"] += files[f"{name}.jsonl"].splitlines(keepends=True)[0]

    return harm


def append(name: str, data: bytes) -> Harm:
    def harm(files: Files) -> None:
        files[f"{name}.jsonl"] += data

    return harm


def turned_around(files: Files) -> None:
    """An answer stands before what it answers: the way to a circle."""
    lines = files["posts.jsonl"].splitlines(keepends=True)
    files["posts.jsonl"] = b"".join(reversed(lines))


def test_what_is_whole_is_taken(session: Session, whole: Files) -> None:
    assert archive.read(packed(whole)).manifest.origin.id == "walkers"
    taken = arriving.take(session, archive.read(packed(whole)), now=NOW)
    assert taken.state == "made"
    assert taken.community_id == "walkers-2"


@pytest.mark.parametrize(
    "harm",
    [
        change("community", name=""),
        change("community", id="others"),
        change("community", source="0" * 16),
        change("community", more="x"),
        change("community", goal="x\u0000y"),
        change("community", goal="\ud800"),
        change("community", goal="x" * 5000),
        change("community", picture="0" * 64),
        change("people", email="Ann <ann@example.org>"),
        change("people", email="ann@example.org\nbcc: all@example.org"),
        change("events", state="draft"),
        change("events", needs=9),
        change("events", organizer="../../etc"),
        change("steps", ends_at="1999-01-01T00:00:00Z"),
        change("steps", event="elsewhere"),
        change("comings", person="0" * 16),
        change("comings", evidence="hearsay"),
        change("turnout", came=10**9),
        change("venues", time_zone="Mars/Olympus"),
        change("venues", location=[200, 100]),
        change("changes", put_back_of=10**6),
        change("changes", became={"a": 1}),
        change("votes", quorum=0),
        change("cards", event="elsewhere"),
        change("cards", event=None, needs=3),
        change("cards", needs=3),
        change("redeemed", stamps=["elsewhere"]),
        change("redeemed", card=10**6),
        change("reviews", stars=6),
        change("reviews", answered_at=None),
        change("reviews", event="elsewhere"),
        change("posts", answer_to=10**6),
        change("posts", topic=None),
        twice("community"),
        twice("people"),
        twice("steps"),
        twice("posts"),
        twice("cards"),
        twice("reviews"),
        turned_around,
        append("posts", b"\xff\xfe\n"),
        append("posts", b"no json\n"),
        append("posts", b"NaN\n"),
        append("posts", b"[" * 100_000 + b"\n"),
        append("posts", b'"' + b"x" * 500_000 + b'"\n'),
        append("posts", b'{"id": 1'),
    ],
)
def test_rows_that_cannot_be_are_refused_with_a_sentence(session: Session, whole: Files, harm: Harm) -> None:
    harm(whole)
    with pytest.raises(archive.ArchiveBroken) as refused:
        arriving.take(session, archive.read(packed(whole)), now=NOW)
    assert refused.value.detail.startswith("Nothing was imported: ")
    assert session.scalars(select(Community.id)).all() == ["walkers"]


def left_out(files: Files) -> None:
    del files["posts.jsonl"]


def more(files: Files) -> None:
    files["extra.jsonl"] = b""


def climbing(files: Files) -> None:
    files["../../etc/passwd"] = b"root"


def absolute(files: Files) -> None:
    files["/pictures/x.webp"] = b"x"


def other_picture(files: Files) -> None:
    name = next(name for name in files if name.startswith("pictures/"))
    files[name] = b"another"


def other_row(files: Files) -> None:
    files["people.jsonl"] = files["people.jsonl"].replace(b"Ann", b"Anna")


def no_manifest(files: Files) -> None:
    del files["manifest.json"]


@pytest.mark.parametrize("harm", [left_out, more, climbing, absolute, other_picture, other_row, no_manifest])
def test_files_that_do_not_fit_are_refused(whole: Files, harm: Harm) -> None:
    harm(whole)
    with pytest.raises(archive.ArchiveBroken):
        archive.read(plain(whole))


def test_a_newer_format_says_what_to_do(whole: Files) -> None:
    manifest = json.loads(whole["manifest.json"])
    whole["manifest.json"] = json.dumps({**manifest, "version": 2}).encode()
    with pytest.raises(archive.ArchiveNewer, match="Bring this server up to date first"):
        archive.read(plain(whole))


def test_a_bomb_is_not_unpacked(whole: Files) -> None:
    whole["posts.jsonl"] = b"\n" * (archive.TABLE_BYTES + 1)
    with pytest.raises(archive.ArchiveBroken):
        archive.read(packed(whole))
    whole["posts.jsonl"] = b"x" * (archive.TABLE_BYTES + 1)
    with pytest.raises(archive.ArchiveBroken, match="too long"):
        archive.read(packed(whole))


def test_too_many_files_are_refused() -> None:
    files = {f"pictures/{number:064x}.webp": b"" for number in range(archive.MOST_FILES + 1)}
    with pytest.raises(archive.ArchiveBroken, match="files in it"):
        archive.read(plain(files))


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99])
def test_what_is_cut_off_is_refused(whole: Files, part: float) -> None:
    data = packed(whole).getvalue()
    with pytest.raises(archive.ArchiveBroken):
        archive.read(io.BytesIO(data[: int(len(data) * part)]))


def test_a_flipped_bit_is_seen(whole: Files) -> None:
    data = bytearray(packed(whole).getvalue())
    at = data.find(b"pictures/") + 100
    data[at] ^= 1
    with pytest.raises(archive.ArchiveBroken):
        archive.read(io.BytesIO(bytes(data)))


def test_a_zip_of_something_else_is_refused() -> None:
    with pytest.raises(archive.ArchiveBroken):
        archive.read(plain({"manifest.json": b"{}"}))
    with pytest.raises(archive.ArchiveBroken):
        archive.read(io.BytesIO(b"not a zip"))


def test_a_picture_that_is_none_keeps_nothing(session: Session, whole: Files) -> None:
    name = next(name for name in whole if name.startswith("pictures/"))
    bad = b"no picture"
    digest = hashlib.sha256(bad).hexdigest()
    old = name.removeprefix("pictures/").removesuffix(".webp")
    manifest = json.loads(whole["manifest.json"])
    manifest["files"][f"pictures/{digest}.webp"] = {"sha256": digest, "bytes": len(bad), "rows": None}
    del manifest["files"][name], whole[name]
    files = {one: data.replace(old.encode(), digest.encode()) for one, data in whole.items()}
    files |= {f"pictures/{digest}.webp": bad, "manifest.json": json.dumps(manifest).encode()}
    with pytest.raises(Exception, match="no picture"):
        arriving.take(session, archive.read(packed(files)), now=NOW)
    assert session.scalars(select(Community.id)).all() == ["walkers"]
    assert people.by_address(session, "ann@example.org") is not None
