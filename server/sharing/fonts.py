"""The fonts of share pictures, and which of them shows which sign: Debian's Noto, one hand for all scripts."""

import functools
import unicodedata
from dataclasses import dataclass
from typing import Literal

from PIL import ImageFont, features

from server import names
from server.errors import Unavailable

Weight = Literal["Regular", "Bold"]
Direction = Literal["ltr", "rtl"]

LATIN = "NotoSans-{weight}.ttf"
CHINESE = "NotoSansCJK-{weight}.ttc"
EMOJI = "NotoColorEmoji.ttf"
_SIMPLIFIED = 2  # the face of simplified Chinese in the collection
EMOJI_PX = 109  # the one size that its bitmaps are drawn for
# What each is for; whatever none of them has is shown as the last resort's box.
CHAIN = (
    LATIN,
    CHINESE,
    "NotoSansArabic-{weight}.ttf",
    "NotoSansHebrew-{weight}.ttf",
    "NotoSansThai-{weight}.ttf",
    "NotoSansDevanagari-{weight}.ttf",
    EMOJI,
)
NEEDED = (LATIN, CHINESE)
# Quotes, dashes and dots that are as wide as a sign within Chinese text.
_WIDE = frozenset("“”‘’—…·")
_UNSEEN = frozenset("\u200c\u200d\ufe0e\ufe0f")
_PICTURES = 0x1F000  # from here on emoji; what stands before is a picture only where a selector says so
_SELECTOR = "\ufe0f"


class FontsMissing(Unavailable):
    """This server cannot draw pictures yet: its operator has to install fonts (fonts-noto-core, fonts-noto-cjk)."""

    code = "fonts_missing"


@dataclass(frozen=True, slots=True)
class Run:
    """Signs in a row of one font and one direction of writing."""

    text: str
    font: str
    direction: Direction


def check_there() -> None:
    """Raises FontsMissing where this machine has not what pictures are written with."""
    for name in NEEDED:
        if _load(name, "Bold", 20) is None:
            raise FontsMissing


@functools.cache
def can_shape() -> bool:
    """Whether scripts that run from right to left, or join their letters, are written as they should be."""
    return bool(features.check("raqm") and features.check("fribidi"))


def load(name: str, weight: Weight, px: int) -> ImageFont.FreeTypeFont:
    """A font of the chain at a size; raises FontsMissing."""
    found = _load(name, weight, EMOJI_PX if name == EMOJI else px)
    if found is None:
        raise FontsMissing
    return found


def runs(text: str, base: Direction | None = None) -> list[Run]:
    """The text in runs, in the order in which they are drawn from left to right.

    base: the direction of the paragraph, that of the text itself if it is not said.
    """
    direction = base or direction_of(text)
    chinese = any(_is_han(sign) for sign in text)
    clusters = names.split_seen(text)
    logical: list[Run] = []
    for cluster, towards in zip(clusters, _directions(clusters, direction), strict=True):
        last = logical[-1] if logical else None
        font = _font_of(cluster, chinese)
        neutral = _towards(cluster) is None and not (chinese and cluster in _WIDE)
        if last is not None and last.font != EMOJI and neutral and _shows(last.font, cluster):
            font = last.font  # a space, a digit, a comma: of what it stands beside
        if last is not None and (last.font, last.direction) == (font, towards):
            logical[-1] = Run(last.text + cluster, font, towards)
        else:
            logical.append(Run(cluster, font, towards))
    return _in_order(logical, direction)


def direction_of(text: str) -> Direction:
    """Which way a text runs: as its first letter does."""
    for sign in text:
        towards = _towards(sign)
        if towards is not None:
            return towards
    return "ltr"


def length(text: str, weight: Weight, px: int, base: Direction | None = None) -> float:
    """How wide a text is in pixels."""
    return sum(run_length(run, weight, px) for run in runs(text, base))


def run_length(run: Run, weight: Weight, px: int) -> float:
    """How wide a run is in pixels."""
    found = load(run.font, weight, px)
    wide = found.getlength(run.text, direction=told(run))
    return wide * px / EMOJI_PX if run.font == EMOJI else wide


def told(run: Run) -> Direction | None:
    """What Pillow is told of a run's direction, where it can be told."""
    return run.direction if can_shape() else None


def _directions(clusters: list[str], base: Direction) -> list[Direction]:
    """Which way each runs; what has no direction takes that of both its neighbours, or else the paragraph's."""
    said = [_towards(cluster) for cluster in clusters]
    found: list[Direction] = []
    before: Direction = base
    for number, towards in enumerate(said):
        if towards is None:
            after = next((each for each in said[number:] if each is not None), base)
            found.append(before if before == after else base)
        else:
            found.append(towards)
            before = towards
    return found


def _in_order(logical: list[Run], base: Direction) -> list[Run]:
    """Runs as they stand on the line: of those that run against the paragraph, several in a row are turned around."""
    shown: list[Run] = []
    for run in logical if base == "ltr" else reversed(logical):
        if run.direction == base or not shown or shown[-1].direction == base:
            start = len(shown)
        if run.direction == base:
            shown.append(run)
        else:
            shown.insert(start, run)
    return shown


@functools.lru_cache(maxsize=4096)
def _font_of(cluster: str, chinese: bool) -> str:
    if ord(cluster[0]) >= _PICTURES or _SELECTOR in cluster:
        chain: tuple[str, ...] = (EMOJI, *CHAIN)
    elif chinese and cluster in _WIDE:
        chain = (CHINESE, *CHAIN)
    else:
        chain = CHAIN
    return next((name for name in chain if _shows(name, cluster)), CHINESE)


def _shows(name: str, cluster: str) -> bool:
    return all(_has(name, sign) for sign in cluster if sign not in _UNSEEN)


@functools.lru_cache(maxsize=8192)
def _has(name: str, sign: str) -> bool:
    """Whether a font has a sign: what it lacks looks like what no font has."""
    found = _load(name, "Bold", EMOJI_PX if name == EMOJI else 20)
    if found is None:
        return False
    return sign.isspace() or not _same(found, sign)


def _same(font: ImageFont.FreeTypeFont, sign: str) -> bool:
    ours, none = font.getmask(sign), font.getmask("\U0010fffe")
    return ours.size == none.size and bytes(ours) == bytes(none)


@functools.lru_cache(maxsize=128)
def _load(name: str, weight: Weight, px: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name.format(weight=weight), px, index=_SIMPLIFIED if name == CHINESE else 0)
    except OSError:
        return None


def _towards(cluster: str) -> Direction | None:
    kind = unicodedata.bidirectional(cluster[0])
    return "rtl" if kind in ("R", "AL") else "ltr" if kind == "L" else None


def _is_han(sign: str) -> bool:
    return "\u2e80" <= sign <= "\u9fff" or "\U00020000" <= sign <= "\U0003ffff"
