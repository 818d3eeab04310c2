"""Everything about one member as a zip of JSON files, a kind each, with a page that says what they are."""

import datetime as dt
import decimal
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from sqlalchemy.orm import Session

from server.checkins import visits
from server.erasure import personal
from server.met import reading as met
from server.people.model import Member
from server.texts import Texts

IN_MEMORY_BYTES = 1_000_000  # a busy year of somebody; more goes to the disk while it is sent
CHUNK_BYTES = 64 * 1024

README = (
    "Everything that muster knows about you, as of %(day)s: a file for each kind of thing, in a form that programs read"
    " (JSON). Times are in UTC.\n\n"
    "member: you, as you are shown. pairing: the badges that you held, and when. visits: where they were heard"
    " meanwhile. checkin: where you checked in. sign_up: the events that you said you would come to. consent and"
    " consent_pause: what you said about who may see you, all that you ever said. session: the browsers in which you"
    " signed in.\n\n"
    "Not in here: what only proves that you are you (such as the check sums of passwords and links), and what others"
    " did."
)


def write(session: Session, *, member: Member, now: dt.datetime, say: Texts) -> IO[bytes]:
    """The zip, open for reading at its beginning; whoever reads it closes it."""
    target = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 -- it is read after this returns
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        readme = say.gettext(README) % {"day": f"{now:%Y-%m-%d %H:%M} UTC"}
        archive.writestr("README.txt", readme + "\n")
        for name, rows in _kinds(session, member.id, now):
            _write(archive, f"{name}.json", rows)
    target.seek(0)
    return target


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, bit by bit; it is closed at the end."""
    with file:
        while found := file.read(CHUNK_BYTES):
            yield found


def _kinds(session: Session, member_id: str, now: dt.datetime) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
    """Each kind of thing once; what two columns tell of one table is two kinds."""
    for place in personal.places():
        yield place.name, personal.rows(session, place, member_id)
    yield "people met", (one._asdict() for one in met.meetings(session, member_id=member_id, now=now))
    yield "visits", (visit._asdict() for visit in visits.of_member(session, member_id=member_id))


def _write(archive: zipfile.ZipFile, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    with archive.open(name, "w") as file:
        start = b"[\n"
        for row in rows:
            file.write(start + json.dumps(row, default=_plain, ensure_ascii=False).encode())
            start = b",\n"
        file.write(b"\n]\n" if start != b"[\n" else b"[]\n")


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    return str(value)
