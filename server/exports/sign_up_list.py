"""Reads a list of who signed up elsewhere out of a CSV file as spreadsheets and ticket shops write it; pure."""

import codecs
import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from server import names
from server.errors import Invalid
from server.mail import addresses

MAX_BYTES = 500_000
MAX_ROWS = 2_000  # more people than a club holds; a larger list comes in two files
_NAME_COLUMNS = {"name", "full name", "attendee", "attendee name", "guest", "姓名", "名字", "名称", "昵称"}
_EMAIL_COLUMNS = {"e-mail", "email", "mail", "email address", "e-mail address", "邮箱", "电子邮件", "电子邮箱"}
_SEPARATORS = ",;\t"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class ListUnreadable(Invalid):
    """This list cannot be read."""

    code = "list_unreadable"


class Listed(NamedTuple):
    """Somebody on the list. key: tells her from all others on it, the same in each reading of the list.

    A hash: it is kept for as long as the event, and nobody is to be found in it.
    """

    line: int
    name: str
    email: str | None
    key: str


class Read(NamedTuple):
    """What a list says. repeated: lines that say again what an earlier one said. ignored: columns not looked at."""

    people: tuple[Listed, ...]
    repeated: tuple[int, ...]
    ignored: tuple[str, ...]


def read(data: bytes) -> Read:
    """Reads the list; raises ListUnreadable with a sentence that names the line.

    The first line names the columns: one of names, and one of e-mail addresses where there is one. Two of one name
    without addresses are two people. One address with several names is a buyer of several tickets: people, too.
    """
    text = decode(data)
    rows = _rows(text)
    try:
        heading = next(rows)[1]
    except StopIteration:
        raise ListUnreadable("There is nothing in this file.") from None
    columns = [" ".join(cell.split()).casefold() for cell in heading]
    at_name = next((place for place, column in enumerate(columns) if column in _NAME_COLUMNS), None)
    at_email = next((place for place, column in enumerate(columns) if column in _EMAIL_COLUMNS), None)
    if at_name is None:
        raise ListUnreadable('Line 1 names the columns, one of them "name"; there is none here.')
    people: dict[str, Listed] = {}
    repeated: list[int] = []
    namesakes: dict[str, int] = {}
    for line, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        name = _name(row[at_name] if at_name < len(row) else "", line)
        email = None if at_email is None else _email(row[at_email] if at_email < len(row) else "", line)
        folded = unicodedata.normalize("NFKC", name).casefold()
        if email is None:
            namesakes[folded] = namesakes.get(folded, 0) + 1
        key = hashlib.sha256(f"{folded}\n{email or namesakes[folded]}".encode()).hexdigest()
        if key in people:
            repeated.append(line)
            continue
        people[key] = Listed(line, name, email, key)
        if len(people) > MAX_ROWS:
            raise ListUnreadable(
                "One list holds %(most)s people at most; please send the rest as another.", most=MAX_ROWS
            )
    if not people:
        raise ListUnreadable("There is nobody on this list.")
    looked_at = {at_name, at_email}
    ignored = [cell.strip()[:40] for place, cell in enumerate(heading) if place not in looked_at and cell.strip()]
    return Read(tuple(people.values()), tuple(repeated), tuple(ignored))


def decode(data: bytes) -> str:
    """The text of a file; raises ListUnreadable."""
    if len(data) > MAX_BYTES:
        raise ListUnreadable("A list has at most %(most)s kB.", most=MAX_BYTES // 1000)
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")
        raise ListUnreadable(
            'Line %(line)s has signs that are not UTF-8. Please save the list again as "CSV UTF-8".', line=line
        ) from None
    if "\0" in text:
        line = 1 + text[: text.index("\0")].count("\n")
        raise ListUnreadable(
            'Line %(line)s is not text. Please save the list as "CSV UTF-8"; a workbook cannot be read.', line=line
        )
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line on which it begins."""
    first = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    unquoted = re.sub(r'"[^"]*"', "", first)
    separator = max(_SEPARATORS, key=unquoted.count)  # of as many the first: a comma
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise ListUnreadable(
                "Line %(line)s cannot be read: a quotation mark opens there and does not close as it should.",
                line=begins,
            ) from None
        if row or begins > 1:
            yield begins, row
        begins = reader.line_num + 1


def _name(cell: str, line: int) -> str:
    name = " ".join(cell.split())
    if not any(unicodedata.category(sign)[0] in "LNPS" for sign in name):
        raise ListUnreadable("Line %(line)s has no name.", line=line)
    if len(name) > names.NAME_MAX_LENGTH:
        raise ListUnreadable(
            "The name in line %(line)s is longer than %(most)s characters.", line=line, most=names.NAME_MAX_LENGTH
        )
    try:
        return names.check_name(name, "guest")
    except Invalid:
        raise ListUnreadable("The name in line %(line)s has signs that cannot be shown.", line=line) from None


def _email(cell: str, line: int) -> str | None:
    if not cell.strip():
        return None
    try:
        return addresses.normalise(cell)
    except addresses.AddressInvalid:
        raise ListUnreadable("The e-mail address in line %(line)s is none.", line=line) from None
