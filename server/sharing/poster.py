"""What a share picture says and where: pure, 1080 x 1440, the title above and when, where and the code below."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from server.sharing import words
from server.sharing.gathering import Gathering, Veiled
from server.sharing.layout import Block, Box, Ruler, Style, Weight, line_height, set_text
from server.texts import Texts

WIDTH, HEIGHT = 1080, 1440
STAGE = Box(0, 0, WIDTH, 850)  # the picture, or the fire; the paper below it
_MARGIN = 72
ONE_LINE = 0.8  # of its size: a fact that can stand in one line like this is not broken
CODE = Box(WIDTH - _MARGIN - 316, STAGE.bottom + 60, 316, 316)
MARK = Box(_MARGIN, HEIGHT - 96, 44, 44)

_TAG = Box(_MARGIN, 76, WIDTH - 2 * _MARGIN, 60)
_TITLE = Box(_MARGIN, 250, WIDTH - 2 * _MARGIN, STAGE.bottom - 250 - 48)
_FACTS = Box(_MARGIN, STAGE.bottom + 46, CODE.x - _MARGIN - 60, MARK.y - STAGE.bottom - 46 - 20)
_CAPTION = Box(CODE.x - 24, CODE.bottom + 12, CODE.width + 48, 44)
_ADDRESS = Box(MARK.right + 16, MARK.y, WIDTH - _MARGIN - MARK.right - 16, MARK.height)


@dataclass(frozen=True, slots=True)
class Inked:
    """A text where it stands, in a colour of drawing.COLOURS. start: on the side where its script begins."""

    block: Block
    colour: str
    aligned: Literal["left", "start", "centre"] = "left"


@dataclass(frozen=True, slots=True)
class Poster:
    """A share picture before it is drawn. address: what the code leads to; seed: of what is drawn by chance."""

    texts: tuple[Inked, ...]
    address: str
    seed: str
    picture: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One fact of the column beside the code. room: how high it may be, in lines of its largest size."""

    text: str
    colour: str
    weight: Weight
    largest: int
    smallest: int
    lines: int
    gap: int


@dataclass(frozen=True, slots=True)
class Words:
    """All that a picture says: above, large, in the column beside the code, and below the code."""

    tag: str
    title: str
    said: tuple[Said, ...]
    caption: str
    colour: Literal["alarm", "glow"] = "glow"


def compose(gathering: Gathering | Veiled, say: Texts, now: dt.datetime, address: str, ruler: Ruler) -> Poster:
    """The share picture of a gathering; address: of its page, which the code leads to."""
    if isinstance(gathering, Veiled):
        tag, title, said = _veiled(gathering, say)
        cancelled, picture = False, False
    else:
        tag, title, said = _open(gathering, say, now)
        cancelled, picture = gathering.standing == "cancelled", gathering.picture_id is not None
    come = isinstance(gathering, Gathering) and gathering.phase(now) in ("coming", "running")
    caption = say.gettext("Scan to come along") if come else say.gettext("Scan to see more")
    colour: Literal["alarm", "glow"] = "alarm" if cancelled else "glow"
    return assemble(Words(tag, title, tuple(said), caption, colour), gathering.id, address, ruler, picture=picture)


def assemble(told: Words, seed: str, address: str, ruler: Ruler, *, picture: bool = False) -> Poster:
    """A picture that says this; seed: of what is drawn by chance; address: what the code leads to."""
    texts = [
        Inked(set_text(told.tag, _TAG, Style("Bold", 40, 26, 1), ruler), told.colour),
        Inked(set_text(told.title, _TITLE, Style("Bold", 128, 46, 6, low=True), ruler), "light", "start"),
        *_column(told.said, _FACTS, ruler),
        Inked(set_text(told.caption, _CAPTION, Style("Regular", 28, 18, 1), ruler), "soft", "centre"),
        Inked(set_text(_spoken(address), _ADDRESS, Style("Regular", 30, 16, 1), ruler), "soft"),
    ]
    return Poster(tuple(one for one in texts if one.block.lines), address, seed, picture)


def _open(gathering: Gathering, say: Texts, now: dt.datetime) -> tuple[str, str, list[Said]]:
    tag = gathering.community
    if gathering.standing == "cancelled":
        tag = " · ".join(part for part in (say.gettext("Called off"), gathering.community) if part)
    elif gathering.phase(now) == "over":
        tag = " · ".join(part for part in (say.gettext("This was on"), gathering.community) if part)
    place = gathering.first.place
    more = len(gathering.places) - 1
    address = [place.address] if place.address else []
    if more:
        address.append(say.ngettext("and %(num)s more place", "and %(num)s more places", more))
    said = [
        Said(words.days_of(gathering, say, now), "fire", "Bold", 58, 30, 2, 0),
        Said(words.hours_of(gathering, say), "ink", "Bold", 50, 30, 1, 2),
        Said(place.name, "ink", "Bold", 40, 26, 2, 18),
        Said(" · ".join(address), "soft", "Regular", 31, 22, 1, 0),
        Said(say.gettext("with %(host)s", host=gathering.host), "soft", "Regular", 31, 22, 1, 10),
    ]
    return tag, gathering.name, said


def _veiled(veiled: Veiled, say: Texts) -> tuple[str, str, list[Said]]:
    title = say.gettext("For members of %(community)s", community=veiled.community)
    said = [
        Said(words.weekday(veiled, say), "fire", "Bold", 72, 40, 1, 0),
        Said(say.gettext("Members see what, when and where."), "soft", "Regular", 34, 24, 2, 14),
    ]
    return "", title, said


def _column(said: Sequence[Said], box: Box, ruler: Ruler) -> list[Inked]:
    """Facts one below the other; each gets the lines it may have, and what it does not need goes to those below.

    What fits one line when it is a little smaller stands in one.
    """
    made: list[Inked] = []
    y = box.y
    for one in said:
        if not one.text:
            continue
        y += one.gap
        high = min(line_height(one.largest) * one.lines, box.bottom - y)
        fits = ruler(one.text, one.weight, round(one.largest * ONE_LINE)) <= box.width
        style = Style(one.weight, one.largest, one.smallest, 1 if fits else one.lines)
        block = set_text(one.text, Box(box.x, y, box.width, high), style, ruler)
        made.append(Inked(block, one.colour))
        y = block.bottom
    return made


def _spoken(address: str) -> str:
    """An address as people read it out, without its scheme."""
    return address.partition("://")[2] or address
