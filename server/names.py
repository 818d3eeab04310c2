"""The rules for ids and names, and ids made from names where none is given."""

import hashlib
import re
import unicodedata
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.errors import Conflict, Invalid

ID_MAX_LENGTH = 64  # part of MQTT topics and addresses: docs/protocol.md
TEXT_MAX_LENGTH = 2000  # a page of a phone
NAME_MAX_LENGTH = 120  # a line on a phone is 40; beyond three lines it is a text and no name
_ID = re.compile(r"[a-z0-9-]{1,64}\Z")
# Latin letters that Unicode does not take apart.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_TRIES = 50  # that many of one name: whoever makes more should say which is which


def is_id(text: str) -> bool:
    """Whether this can be an id at all; whatever cannot names nothing."""
    return _ID.match(text) is not None


def check_id(text: str, what: str) -> str:
    """The id itself; raises Invalid when it is none. what: "venue", "event", ... for the sentence."""
    if not is_id(text):
        raise Invalid(
            "The id of %(what)s has lower-case letters, digits and hyphens, %(most)s at most; %(text)r has not.",
            what=_a(what),
            most=ID_MAX_LENGTH,
            text=text[:80],
        )
    return text


def check_name(text: str, what: str) -> str:
    """The name without spaces around it; raises Invalid when it is empty, too long or not printable."""
    name = text.strip()
    if not name:
        raise Invalid("%(what)s needs a name.", what=_a(what).capitalize())
    if len(name) > NAME_MAX_LENGTH:
        raise Invalid(
            "The name of %(what)s has at most %(most)s characters; this one has %(length)s.",
            what=_a(what),
            most=NAME_MAX_LENGTH,
            length=len(name),
        )
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in name):
        raise Invalid("The name of %(what)s is one line of text that can be printed.", what=_a(what))
    return name


def check_text(text: str, what: str) -> str:
    """What somebody wrote about a thing, without spaces around it; raises Invalid."""
    if len(text) > TEXT_MAX_LENGTH or any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text if sign != "\n"):
        raise Invalid(
            "What is said of %(what)s is a text of at most %(most)s characters.", what=_a(what), most=TEXT_MAX_LENGTH
        )
    return text.strip()


def suggest_id(name: str, what: str) -> str:
    """An id that reads like the name; one that has no Latin letters gets `what` and a few digits of its own."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    words = re.findall(r"[a-z0-9]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    suggested = "-".join(words)[:ID_MAX_LENGTH].strip("-")
    if sum(sign.isalpha() for sign in plain) <= 2 * sum(len(word) for word in words) and suggested:
        return suggested
    # Most of the name would be lost: it is written in another script.
    digits = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{what}-{digits}"


def append(id: str, ending: str) -> str:
    """`id-ending`, the id shortened where both together would be too long."""
    return f"{id[: ID_MAX_LENGTH - len(ending) - 1].rstrip('-')}-{ending}"


def free_id(session: Session, column: InstrumentedAttribute[str], name: str, what: str) -> str:
    """An id made from the name that no row has in this column yet; raises Conflict when dozens have the name."""
    suggested = suggest_id(name, what)
    candidates = [suggested, *(append(suggested, str(number)) for number in range(2, _TRIES))]
    taken: set[Any] = set(session.scalars(select(column).where(column.in_(candidates))))
    for candidate in candidates:
        if candidate not in taken:
            return candidate
    raise Conflict(
        "There are many of the name %(name)r already; please give this %(what)s an id of its own.", name=name, what=what
    )


def _a(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
