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
SIGNS_MAX = 3 * NAME_MAX_LENGTH  # code points of a name: an emoji of a family alone has seven
MARKS_MAX = 4  # on one letter; the most that a living script writes

# Invisible, and no part of any word: soft hyphen, zero-width space, word joiner, byte order mark, embeddings and
# overrides of direction, isolates; and tags but behind the black flag, where they make England of it.
_UNSEEN = re.compile(
    "[\u00ad\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u206f\ufff9-\ufffb]"
    "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+"
)
# Letters and symbols by their category, which show nothing all the same.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc")
# Marks of Latin, Greek, Cyrillic, Hebrew, Arabic and Thai, signs around signs, and what colours or shapes an emoji.
_MARK = (
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_FLAG = "[\U0001f1e6-\U0001f1ff]"
_TOGETHER = re.compile(rf"(?:{_FLAG}{_FLAG}|.){_MARK}*(?:[\u200c\u200d](?:.{_MARK}*)?)*")
_TAGS = "\U000e0020-\U000e007f"
_FLOOD = re.compile(rf"({_MARK.replace(_TAGS, '')}{{{MARKS_MAX}}}){_MARK.replace(_TAGS, '')}+")
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
    """The name as it is kept; raises Invalid when nothing of it can be seen, or it is too long or no line of text.

    Letters of all scripts, marks and emoji are kept, in Unicode's composed form (NFC), runs of spaces as one. Dropped
    is what shows nothing and can make one name look like another: zero-width spaces, overrides of the direction of
    writing, marks beyond MARKS_MAX on one letter. Joiners stay, since emoji and many scripts need them.
    """
    name = " ".join(_clean(text).split())
    if _is_control(text) or len(text) > SIGNS_MAX * 4:
        raise Invalid("The name of %(what)s is one line of text that can be printed.", what=_a(what))
    if not any(_is_seen(sign) for sign in name):
        raise Invalid("%(what)s needs a name.", what=_a(what).capitalize())
    seen = count_seen(name)
    if seen > NAME_MAX_LENGTH or len(name) > SIGNS_MAX:
        raise Invalid(
            "The name of %(what)s has at most %(most)s characters; this one has %(length)s.",
            what=_a(what),
            most=NAME_MAX_LENGTH,
            length=seen,
        )
    return name


def check_text(text: str, what: str, most: int = TEXT_MAX_LENGTH) -> str:
    """What somebody wrote about a thing, cleaned like a name, in lines; raises Invalid."""
    written = text.replace("\r\n", "\n")
    if len(written) > most or _is_control(written.replace("\n", "")):
        raise Invalid("What is said of %(what)s is a text of at most %(most)s characters.", what=_a(what), most=most)
    return _clean(written).strip()


def count_seen(name: str) -> int:
    """How many characters people see, nearly: marks and joined emoji count with what they belong to."""
    return len(_TOGETHER.sub("x", name))


def split_seen(name: str) -> list[str]:
    """The characters that people see, nearly: each with its marks, an emoji with all that is joined to it."""
    return _TOGETHER.findall(name)


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


def _clean(text: str) -> str:
    composed = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    return _FLOOD.sub(r"\1", composed)


def _is_control(text: str) -> bool:
    return any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in text.strip())


def _is_seen(sign: str) -> bool:
    return sign not in _BLANK and unicodedata.category(sign)[0] not in "CZM"
