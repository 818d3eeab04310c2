"""What muster says, in its reader's language: the catalogue, read once, and the choice of a language.

Texts stand in English where they are used and are looked up when it is known who reads them. A process that only ever
speaks English (the gateway) reads no catalogue and needs no babel.
"""

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

ENGLISH = "en"
CHINESE = "zh"
# What pages and headers call a language (BCP 47), and where its catalogue is.
TAGS: Mapping[str, str] = {ENGLISH: "en", CHINESE: "zh-CN"}
CATALOGUES: Mapping[str, Path] = {
    CHINESE: Path(__file__).parent / "locale" / "zh_CN" / "LC_MESSAGES" / "muster.po",
}
# The context of names in the demonstration: a shop that really is called so keeps its name.
DEMO = "demo"

# What browsers send has a handful of languages; the rest of a longer header is not looked at.
HEADER_MAX_LENGTH = 500
HEADER_MAX_LANGUAGES = 20


@runtime_checkable
class Said(Protocol):
    """What says something in a sentence of its own: an error of ours or of geo."""

    template: str

    @property
    def values(self) -> Mapping[str, Any]:
        """What fills its gaps."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language. English ones are their own translation."""

    language: str = ENGLISH
    _texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    _plurals: Mapping[str, str] = field(default_factory=dict, repr=False)
    _names: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def tag(self) -> str:
        """The language as pages and headers name it: `zh-CN`."""
        return TAGS[self.language]

    def gettext(self, message: str, /, **values: Any) -> str:
        """The text in this language, `%(name)s` filled from `values` (a date as a day); without values as it is."""
        found = self._texts.get(message, message)
        if not values:
            return found
        return found % {name: self._value(of) for name, of in values.items()}

    def _value(self, of: Any) -> Any:
        """What fills a gap: a date as a day, a sentence within it in this language, all else as it is."""
        if isinstance(of, Said):
            return self.gettext(of.template, **of.values)
        return self.day(of) if isinstance(of, dt.date) else of

    def day(self, day: dt.date) -> str:
        """A day within a sentence: `Fri 13 March 2026`, `2026年3月13日周五`."""
        if self.language == CHINESE:
            return f"{day.year}年{day.month}月{day.day}日周{'一二三四五六日'[day.weekday()]}"
        return f"{day:%a} {day.day} {day:%B} {day.year}"

    def ngettext(self, one: str, many: str, num: int, /, **values: Any) -> str:
        """The text for a number, which fills `%(num)s`. Chinese has one form for all."""
        found = self._plurals.get(one) or (one if num == 1 else many)
        return found % {"num": num, **values}

    def look_up(self, message: str) -> str:
        """The text with its `%(name)s` unfilled, for who fills them: templates."""
        return self._texts.get(message, message)

    def look_up_plural(self, one: str, many: str, num: int) -> str:
        """The same for a number."""
        return self._plurals.get(one) or (one if num == 1 else many)

    def name(self, name: str, simulated: bool) -> str:
        """A name as this reader should see it: those of the demonstration are translated, real ones never."""
        return self._names.get(name, name) if simulated else name

    def sentences(self, *sentences: str) -> str:
        """Whole sentences one after the other; empty ones are left out."""
        return ("" if self.language == CHINESE else " ").join(sentence for sentence in sentences if sentence)


IN_ENGLISH = Texts()


def later(message: str) -> str:
    """The message itself: marks it for the catalogue where it stands, to be looked up where it is shown."""
    return message


@functools.cache
def of(language: str | None) -> Texts:
    """The texts of a language; English for one that muster does not speak, and for None."""
    if language is None or language not in CATALOGUES:
        return IN_ENGLISH
    from babel.messages.pofile import read_po

    with CATALOGUES[language].open("rb") as file:
        catalogue = read_po(file)
    texts: dict[str, str] = {}
    plurals: dict[str, str] = {}
    names: dict[str, str] = {}
    for message in catalogue:
        if not message.id or not message.string or message.fuzzy:
            continue
        if isinstance(message.id, str):
            assert isinstance(message.string, str)
            (names if message.context == DEMO else texts)[message.id] = message.string
        else:
            plurals[message.id[0]] = message.string[0]
    return Texts(language, texts, plurals, names)


def choose(accepted: str) -> str:
    """The language for who sends this header Accept-Language, en where none of hers is ours.

    Of several that she likes as much the first one; whatever cannot be read is passed over.
    """
    best, best_liking = ENGLISH, 0.0
    for part in accepted[:HEADER_MAX_LENGTH].split(",")[:HEADER_MAX_LANGUAGES]:
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        liking = _weight(weight)
        if language in TAGS and liking > best_liking:
            best, best_liking = language, liking
    return best


def _weight(parameter: str) -> float:
    """The value of `q=0.8`, 1 where nothing is said, 0 for what is no weight."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    digits = value.strip()
    if name.strip().lower() != "q" or not digits.replace(".", "", 1).isdecimal() or not digits.isascii():
        return 0.0
    weight = float(digits)
    return weight if weight <= 1 else 0.0
