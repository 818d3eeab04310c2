"""The file itself: a zip of JSON lines and pictures with a manifest, written and read with care. No database.

Nothing is ever unpacked to the disk, and nothing that a file says of itself is believed: its size, its digests and its
rows are what is read.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple, TypeVar

from pydantic import ValidationError

from server.errors import Invalid, MusterError
from server.moving.rows import FORMAT, TABLES, VERSION, FileFacts, Manifest, PictureRow, Row
from server.pictures import making
from server.texts import later

MANIFEST = "manifest.json"
# Unpacked: a community of ten years with a thousand people writes some 20 MB of rows.
TABLE_BYTES = 50_000_000
ROWS_BYTES = 100_000_000
PICTURES_BYTES = 2_000_000_000
PICTURE_BYTES = making.MAX_BYTES
LINE_BYTES = 200_000  # the longest there is: a charter that was changed, twice 5,000 characters
MOST_FILES = 20_000
MOST_PICTURES = MOST_FILES - len(TABLES) - 1
_PIECE = 64 * 1024
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same rows make the same file
_NAME = re.compile(r"manifest\.json|[a-z]{1,20}\.jsonl|pictures/[0-9a-f]{64}\.webp")
_WRITTEN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
RowT = TypeVar("RowT", bound=Row)


class ArchiveBroken(Invalid):
    """Nothing was imported: this file is no community's, or it was damaged on its way."""

    code = "archive_broken"


class ArchiveNewer(Invalid):
    """Nothing was imported: a newer muster made this file. Bring this server up to date first."""

    code = "archive_newer"


class Archive(NamedTuple):
    """What a file holds, checked line by line."""

    manifest: Manifest
    tables: Mapping[str, Sequence[Row]]
    file: zipfile.ZipFile

    def rows(self, kind: type[RowT]) -> list[RowT]:
        """The rows of a kind."""
        name = next(name for name, of in TABLES.items() if of is kind)
        return [row for row in self.tables[name] if isinstance(row, kind)]

    def picture(self, digest: str) -> bytes:
        """A picture as it travelled."""
        return b"".join(_read(self.file, _picture_name(digest), PICTURE_BYTES))


def write(
    file: IO[bytes],
    head: Mapping[str, Any],
    tables: Mapping[str, Iterable[Row]],
    picture: Callable[[str], bytes],
    tell: Callable[[str, int], None] = lambda _what, _count: None,
) -> dict[str, FileFacts]:
    """Writes an archive. head: what the manifest says besides of its files. picture: its bytes, by its digest."""
    facts: dict[str, FileFacts] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in TABLES:
            lines = [_line(row) for row in tables[name]]
            facts[f"{name}.jsonl"] = _put(archive, f"{name}.jsonl", b"".join(lines), len(lines))
            tell(name, len(lines))
        for row in tables["pictures"]:
            assert isinstance(row, PictureRow)
            name = _picture_name(row.sha256)
            facts[name] = _put(archive, name, picture(row.sha256), None)
        said = {name: one.model_dump() for name, one in facts.items()}
        manifest = {"format": FORMAT, "version": VERSION, **head, "files": said}
        _put(archive, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n", None)
    return facts


def read(file: IO[bytes], tell: Callable[[str, int], None] = lambda _what, _count: None) -> Archive:
    """What an archive holds; raises ArchiveBroken, ArchiveNewer. The file stays open for its pictures."""
    try:
        archive = zipfile.ZipFile(file)
        names = _names(archive)
        manifest = _manifest(archive, names)
        _compare(manifest, names)
        tables = {}
        left = ROWS_BYTES
        for name, kind in TABLES.items():
            read_bytes, rows = _table(archive, name, kind, manifest.files[f"{name}.jsonl"], left)
            left -= read_bytes
            tables[name] = rows
            tell(name, len(rows))
        _check_pictures(archive, manifest)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ArchiveBroken(
            "Nothing was imported: this file cannot be unpacked (%(why)s). Was it copied as a whole?",
            why=str(error)[:100] or type(error).__name__,
        ) from None
    return Archive(manifest, tables, archive)


def _line(row: Row) -> bytes:
    return json.dumps(row.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _put(archive: zipfile.ZipFile, name: str, data: bytes, rows: int | None) -> FileFacts:
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.compress_type = zipfile.ZIP_STORED if name.startswith("pictures/") else zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
    return FileFacts(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), rows=rows)


def _picture_name(digest: str) -> str:
    return f"pictures/{digest}.webp"


def _names(archive: zipfile.ZipFile) -> set[str]:
    """What files there are; raises ArchiveBroken for what is none of an archive's."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise ArchiveBroken("Nothing was imported: this file has more than %(most)s files in it.", most=MOST_FILES)
    for entry in entries:
        if not _NAME.fullmatch(entry.filename) or entry.compress_type not in _WRITTEN or entry.flag_bits & 1:
            raise ArchiveBroken(
                "Nothing was imported: %(name)s does not belong into a community's file.", name=entry.filename[:80]
            )
    found = {entry.filename for entry in entries}
    if len(found) < len(entries):
        raise ArchiveBroken("Nothing was imported: a file is in it twice.")
    if MANIFEST not in found:
        raise ArchiveBroken("Nothing was imported: this is a zip, but no community's.")
    return found


def _manifest(archive: zipfile.ZipFile, names: set[str]) -> Manifest:
    said = _json(b"".join(_read(archive, MANIFEST, 200 * len(names) + LINE_BYTES)), MANIFEST, 1)
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ArchiveBroken("Nothing was imported: this is a zip, but no community's.")
    version = said.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise ArchiveNewer(
            "Nothing was imported: a newer muster made this file (format %(version)s, this server reads %(own)s). Bring"
            " this server up to date first.",
            version=version,
            own=VERSION,
        )
    if version != VERSION:
        raise ArchiveBroken("Nothing was imported: the manifest does not say which format this is.")
    return _row(Manifest, said, MANIFEST, 1)


def _compare(manifest: Manifest, names: set[str]) -> None:
    """Raises ArchiveBroken unless exactly the files are there that the manifest names, and all tables are."""
    wanted = set(manifest.files) | {MANIFEST}
    missing = sorted((wanted | {f"{name}.jsonl" for name in TABLES}) - names)
    if missing:
        raise ArchiveBroken("Nothing was imported: %(name)s is missing.", name=missing[0][:80])
    more = sorted(names - wanted)
    if more or len(manifest.files) - len(TABLES) > MOST_PICTURES:
        raise ArchiveBroken(
            "Nothing was imported: %(name)s is in the file, but not in its manifest.", name=(more or ["?"])[0]
        )


def _table(archive: zipfile.ZipFile, name: str, kind: type[Row], facts: FileFacts, left: int) -> tuple[int, list[Row]]:
    """How many bytes a table has, and its rows."""
    file = f"{name}.jsonl"
    digest, read, rows = hashlib.sha256(), 0, []
    for number, line in enumerate(_lines(_read(archive, file, min(TABLE_BYTES, left))), 1):
        digest.update(line)
        read += len(line)
        rows.append(_row(kind, _json(line, file, number), file, number))
    if digest.hexdigest() != facts.sha256 or len(rows) != facts.rows or read != facts.bytes:
        raise _changed(file)
    return read, rows


def _check_pictures(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    left = PICTURES_BYTES
    for name in manifest.files:
        if not name.startswith("pictures/"):
            continue
        digest = hashlib.sha256()
        for piece in _read(archive, name, min(PICTURE_BYTES, left)):
            digest.update(piece)
            left -= len(piece)
        if _picture_name(digest.hexdigest()) != name or digest.hexdigest() != manifest.files[name].sha256:
            raise _changed(name)


def _read(archive: zipfile.ZipFile, name: str, most: int) -> Iterator[bytes]:
    """A file piece by piece; raises ArchiveBroken beyond `most`, whatever it says of its size."""
    read = 0
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            read += len(piece)
            if read > most:
                raise ArchiveBroken("Nothing was imported: %(name)s is too large when it is unpacked.", name=name)
            yield piece


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, each with its end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(rest) > LINE_BYTES:
            break
    if rest:
        yield rest


def _json(data: bytes, name: str, line: int) -> Any:
    why = later("Nothing was imported: line %(line)s of %(name)s is too long.")
    if len(data) <= LINE_BYTES or name == MANIFEST:
        try:
            return json.loads(data.decode("utf-8"), parse_constant=_refuse)
        except UnicodeDecodeError:
            why = later("Nothing was imported: line %(line)s of %(name)s is no UTF-8.")
        except (ValueError, RecursionError):
            why = later("Nothing was imported: line %(line)s of %(name)s is no JSON.")
    raise ArchiveBroken(why, line=line, name=name)


def _changed(name: str) -> ArchiveBroken:
    return ArchiveBroken("Nothing was imported: %(name)s is not as it was written (its SHA-256 differs).", name=name)


def _refuse(_constant: str) -> None:
    raise ValueError


def _row(kind: type[RowT], said: Any, name: str, line: int) -> RowT:
    try:
        return kind.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        why: Any = f"{where}: {first['msg']}" if where else first["msg"]
    except MusterError as error:
        why = error
    raise ArchiveBroken(
        "Nothing was imported: line %(line)s of %(name)s cannot be used: %(why)s", line=line, name=name, why=why
    )
