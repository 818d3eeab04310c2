"""Where the words of a share picture stand: pure, with a ruler that measures them. Nothing leaves its box.

A text is set as large as its box allows, in lines that are about equally long; one that does not fit even when it is
small ends with an ellipsis.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from server import names

Weight = Literal["Regular", "Bold"]
# How wide a text is at a weight and size, in pixels.
Ruler = Callable[[str, Weight, int], float]

ELLIPSIS = "…"
LINE = 1.24  # of the size: marks above capitals and below Arabic letters keep clear of the next line
BASELINE = 0.98  # of the size, below the top of a line
STEP = 0.93  # from one size to the next smaller one
_HYPHENS = frozenset("-‐–—/")
# Never at the start of a line, never at its end (GB/T 15834, and the same in Latin).
_NOT_FIRST = frozenset("，。、；：？！…—）》」』】〕”’·,.;:?!)]}%‰℃»々ーっゃゅょッャュョ")
_NOT_LAST = frozenset("（《「『【〔“‘([{«#@$€£¥")


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Its lower edge."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set. sizes: the largest and the smallest. low: it stands at the bottom of its box."""

    weight: Weight
    largest: int
    smallest: int
    most_lines: int
    low: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line. y: of its upper edge, in pixels from the top of the picture; width: as it was measured."""

    text: str
    y: int
    width: float


@dataclass(frozen=True, slots=True)
class Block:
    """A text as it is set: lines within a box, all of one size."""

    box: Box
    px: int
    weight: Weight
    lines: tuple[Line, ...]

    @property
    def bottom(self) -> int:
        """Where its last line ends."""
        return self.lines[-1].y + line_height(self.px) if self.lines else self.box.y


def line_height(px: int) -> int:
    """The height of a line, in pixels."""
    return round(px * LINE)


def set_text(text: str, box: Box, style: Style, ruler: Ruler) -> Block:
    """The text in its box, as large as the style and the box allow; no lines where not even a small one fits."""
    pieces = split(" ".join(text.split()))
    # Whole words as long as there is room to make them smaller; a word that is endless is torn where it is large.
    endless = any(ruler(piece.rstrip(), style.weight, style.smallest) > box.width for piece in pieces)
    px = style.largest
    while True:
        most = max(0, min(style.most_lines, box.height // line_height(px)))

        def wide(line: str, px: int = px) -> float:
            return ruler(line, style.weight, px)

        lines = fill(pieces, box.width, wide)
        if most and len(lines) <= most and (endless or not _is_torn(pieces, lines)):
            return _place(_balance(pieces, lines, box.width, wide), box, px, style, wide)
        if px <= style.smallest:
            kept = _shorten(lines, most, box.width, wide)
            return _place(kept, box, px, style, wide)
        px = max(style.smallest, int(px * STEP))


def split(text: str) -> list[str]:
    """The pieces between which a line may end; a piece keeps the spaces behind it."""
    pieces: list[str] = []
    for sign in names.split_seen(text):
        if pieces and not _may_break(pieces[-1], sign):
            pieces[-1] += sign
        else:
            pieces.append(sign)
    return pieces


def fill(pieces: list[str], width: float, wide: Callable[[str], float]) -> list[str]:
    """The pieces in lines that are no wider than this; a piece that is wider alone is torn."""
    lines: list[str] = []
    line = ""
    for piece in pieces:
        if wide((line + piece).rstrip()) <= width:
            line += piece
            continue
        if line:
            lines.append(line.rstrip())
            line = ""
        if wide(piece.rstrip()) <= width:
            line = piece
            continue
        for sign in names.split_seen(piece):
            if line and wide((line + sign).rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += sign
    if line.strip():
        lines.append(line.rstrip())
    return lines


def _may_break(before: str, sign: str) -> bool:
    last = before[-1]
    if sign.isspace() or sign[0] in _NOT_FIRST or last in _NOT_LAST:
        return False
    if last.isspace() or last in _HYPHENS:
        return True
    return _is_square(last) or _is_square(sign[0])


def _is_square(sign: str) -> bool:
    """Whether it is one of the signs of Chinese and its neighbours, or an emoji: lines may end between them."""
    return unicodedata.east_asian_width(sign) in ("W", "F") or ord(sign) >= 0x1F000


def _is_torn(pieces: list[str], lines: list[str]) -> bool:
    """Whether a word had to be torn, so that a smaller size would be better."""
    ends = set()
    at = 0
    for piece in pieces:
        at += len("".join(piece.split()))
        ends.add(at)
    at = 0
    for line in lines:
        at += len("".join(line.split()))
        if at not in ends:
            return True
    return False


def _balance(pieces: list[str], lines: list[str], width: int, wide: Callable[[str], float]) -> list[str]:
    """The same number of lines, none much longer than the others: the narrowest measure that still takes no more."""
    best, least, most = lines, width // 2, width
    while len(lines) > 1 and most - least > 8:
        middle = (least + most) // 2
        tried = fill(pieces, middle, wide)
        if len(tried) <= len(lines) and not _is_torn(pieces, tried):
            best, most = tried, middle
        else:
            least = middle
    return best


def _shorten(lines: list[str], most: int, width: float, wide: Callable[[str], float]) -> list[str]:
    """The first lines, the last of them with an ellipsis where more would follow."""
    if len(lines) <= most or not most:
        return lines[:most]
    signs = names.split_seen(lines[most - 1])
    while signs and wide("".join(signs).rstrip() + ELLIPSIS) > width:
        signs.pop()
    return [*lines[: most - 1], "".join(signs).rstrip() + ELLIPSIS]


def _place(lines: list[str], box: Box, px: int, style: Style, wide: Callable[[str], float]) -> Block:
    high = line_height(px)
    top = box.bottom - high * len(lines) if style.low else box.y
    placed = tuple(Line(line, top + number * high, wide(line)) for number, line in enumerate(lines))
    return Block(box, px, style.weight, placed)
