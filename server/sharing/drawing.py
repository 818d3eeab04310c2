"""Draws a share picture with Pillow: ink and fire above, paper below, in the colours of the pages."""

import io
import math
import random
from collections.abc import Iterator

from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageOps

from server import qr
from server.pictures import making
from server.sharing import fonts, poster
from server.sharing.layout import BASELINE, Block, Box, Weight
from server.sharing.poster import HEIGHT, MARK, STAGE, WIDTH, Inked, Poster

# Named for what they do here; each is one of tokens.css, of the light theme on paper and of the dark one on the stage.
COLOURS = {
    "paper": "#faf7f2",
    "card": "#ffffff",
    "line": "#e4ddd2",
    "ink": "#1b1f27",
    "soft": "#565d69",
    "fire": "#b83d0b",
    "night": "#0e1217",
    "light": "#eef1f4",
    "glow": "#ff9a57",
    "alarm": "#ff8a7a",
    "flame": "#ff7a2f",
    "coal": "#1d0f04",
}
BACKGROUND_MOST_PX = 4096  # on a side; ours have 1600, anything larger is not one of ours
_SAMPLES = 4  # shapes are drawn so much larger and made small again, for soft edges


def measure(text: str, weight: Weight, px: int) -> float:
    """How wide a text is, for `layout`."""
    return fonts.length(text, weight, px)


def draw(wanted: Poster, background: bytes | None = None) -> bytes:
    """The picture as PNG; background: an encoded picture of ours. Raises FontsMissing, PictureTooLarge."""
    canvas = Image.new("RGB", (WIDTH, HEIGHT), COLOURS["paper"])
    stage = _fire(wanted) if background is None else _photo(background)
    canvas.paste(stage, (STAGE.x, STAGE.y))
    _code(canvas, wanted.address)
    _mark(canvas, MARK)
    for one in wanted.texts:
        _write(canvas, one)
    out = io.BytesIO()
    canvas.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _fire(wanted: Poster) -> Image.Image:
    """A fire seen from above, and around it, in rings, whoever has come; each gathering has its own."""
    chance = random.Random(wanted.seed)  # noqa: S311 - decoration
    words = [_inked(one.block) for one in wanted.texts if one.block.box.y < STAGE.bottom]
    title = min((box.y for box in words if box.y > STAGE.height // 4), default=STAGE.height)
    x, y = chance.randint(560, 800), max(170, min(title - 150, chance.randint(270, 330)))
    stage = Image.new("RGB", (STAGE.width, STAGE.height), COLOURS["night"])
    stage.paste(Image.new("RGB", stage.size, COLOURS["flame"]), mask=_glow(x, y))
    halo, people = Image.new("L", stage.size, 0), Image.new("RGB", stage.size, COLOURS["glow"])
    dots = Image.new("L", stage.size, 0)
    paint, shine, cut = ImageDraw.Draw(people), ImageDraw.Draw(halo), ImageDraw.Draw(dots)
    for px, py, size, near in _people(chance, x, y):
        if any(box.x - 24 < px < box.right + 24 and box.y - 24 < py < box.bottom + 24 for box in words):
            continue
        paint.rectangle((px - 12, py - 12, px + 12, py + 12), fill=_between(COLOURS["glow"], "#fff1e2", near))
        shine.ellipse((px - size * 2, py - size * 2, px + size * 2, py + size * 2), fill=round(30 + 60 * near))
        cut.ellipse((px - size, py - size, px + size, py + size), fill=round(70 + 185 * near))
    stage.paste(Image.new("RGB", stage.size, COLOURS["flame"]), mask=halo.filter(ImageFilter.GaussianBlur(9)))
    stage.paste(people, mask=dots.filter(ImageFilter.GaussianBlur(0.8)))
    return _darken(stage, max(0.25, (title - 60) / STAGE.height), 0.9)


def _people(chance: random.Random, x: int, y: int) -> Iterator[tuple[float, float, float, float]]:
    """Dots around a point: where, how large, and how near to the fire (1 to 0)."""
    for ring in range(8):
        distance = 122 + ring * 74
        count = round(2 * math.pi * distance / 62)
        for place in range(count):
            if chance.random() < 0.14 + ring * 0.11:
                continue
            turn = (place + chance.uniform(-0.28, 0.28)) / count * 2 * math.pi + ring
            away = distance + chance.uniform(-14, 14)
            near = max(0.0, 1 - ring / 7)
            yield x + math.cos(turn) * away, y + math.sin(turn) * away, chance.uniform(4, 6) + 2.5 * near, near


def _glow(x: int, y: int) -> Image.Image:
    """How much light there is, drawn small: it is smooth."""
    small = 5
    light = Image.new("L", (STAGE.width // small, STAGE.height // small))
    light.putdata(
        [
            round(
                255
                * (0.27 * math.exp(-away / 620**2) + 0.32 * math.exp(-away / 260**2) + 0.38 * math.exp(-away / 96**2))
            )
            for row in range(light.height)
            for column in range(light.width)
            for away in (((column + 0.5) * small - x) ** 2 + ((row + 0.5) * small - y) ** 2,)
        ]
    )
    return light.resize((STAGE.width, STAGE.height), Image.Resampling.BICUBIC)


def _between(one: str, other: str, share: float) -> tuple[int, int, int]:
    (r, g, b), (r2, g2, b2) = ImageColor.getrgb(one)[:3], ImageColor.getrgb(other)[:3]
    return round(r + (r2 - r) * share), round(g + (g2 - g) * share), round(b + (b2 - b) * share)


def _inked(block: Block) -> Box:
    """The part of its box that a text fills."""
    top = block.lines[0].y
    return Box(block.box.x, top, round(max(line.width for line in block.lines)), block.bottom - top)


def _photo(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as opened:
        if max(opened.size) > BACKGROUND_MOST_PX:
            raise making.PictureTooLarge
        picture = ImageOps.fit(opened.convert("RGB"), (STAGE.width, STAGE.height), Image.Resampling.LANCZOS)
    return _darken(picture, 0.15, 0.94, top=0.5)


def _darken(stage: Image.Image, start: float, strength: float, top: float = 0.0) -> Image.Image:
    """The same with night rising from below, so that the title can be read on whatever is behind it."""
    ramp = Image.new("L", (1, STAGE.height))
    for row in range(STAGE.height):
        up = row / STAGE.height
        low = max(0.0, (up - start) / (1 - start)) ** 1.1 * strength
        high = max(0.0, 1 - up / 0.25) ** 1.5 * top
        ramp.putpixel((0, row), round(255 * max(low, high)))
    night = Image.new("RGB", stage.size, COLOURS["night"])
    return Image.composite(night, stage, ramp.resize(stage.size))


def _code(canvas: Image.Image, address: str) -> None:
    box = poster.CODE
    card = Box(box.x - 24, box.y - 24, box.width + 48, box.height + 48 + 56)
    _plate(canvas, card, 28)
    rows = qr.modules(address)
    code = Image.new("1", (len(rows), len(rows)), 1)
    for y, row in enumerate(rows):
        for x, black in enumerate(row):
            if black:
                code.putpixel((x, y), 0)
    # Whole pixels for each module: what is scaled by halves is read badly. The card around it is its quiet zone.
    scale = box.width // len(rows)
    size = scale * len(rows)
    shown = code.resize((size, size), Image.Resampling.NEAREST).convert("RGB")
    canvas.paste(shown, (box.x + (box.width - size) // 2, box.y + (box.height - size) // 2))


def _plate(canvas: Image.Image, box: Box, radius: int) -> None:
    size = (box.width * _SAMPLES, box.height * _SAMPLES)
    shape = Image.new("L", size, 0)
    ImageDraw.Draw(shape).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius * _SAMPLES, fill=255)
    mask = shape.resize((box.width, box.height), Image.Resampling.LANCZOS)
    around = 48  # as far as the shadow goes
    shadow = Image.new("L", (box.width + 2 * around, box.height + 2 * around), 0)
    shadow.paste(mask.point(lambda value: value // 9), (around, around + 8))
    soft = shadow.filter(ImageFilter.GaussianBlur(16))
    canvas.paste(Image.new("RGB", soft.size, COLOURS["ink"]), (box.x - around, box.y - around), soft)
    canvas.paste(Image.new("RGB", mask.size, COLOURS["card"]), (box.x, box.y), mask)


def _mark(canvas: Image.Image, box: Box) -> None:
    """The mark of the house: a flame on a round of fire (icons/muster.svg)."""
    scale = box.width * _SAMPLES / 36
    size = box.width * _SAMPLES
    mark = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    pen = ImageDraw.Draw(mark)
    pen.ellipse([edge * scale for edge in (1, 1, 35, 35)], fill=COLOURS["flame"])
    outline = [
        *_curve((18, 8), (21, 12), (24, 14.5), (24, 19)),
        *_curve((24, 19), (24, 27), (12, 27), (12, 19)),
        *_curve((12, 19), (12, 17), (13, 15.5), (14.2, 14.4)),
        *_curve((14.2, 14.4), (14.5, 16.1), (15.2, 17), (16, 17.4)),
        *_curve((16, 17.4), (16.1, 14), (16.6, 11.1), (18, 8)),
    ]
    pen.polygon([(x * scale, y * scale) for x, y in outline], fill=COLOURS["coal"])
    small = mark.resize((box.width, box.height), Image.Resampling.LANCZOS)
    canvas.paste(small, (box.x, box.y), small)


def _curve(*points: tuple[float, float]) -> list[tuple[float, float]]:
    """A cubic Bezier curve as points."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points
    return [
        (
            (1 - t) ** 3 * x0 + 3 * (1 - t) ** 2 * t * x1 + 3 * (1 - t) * t**2 * x2 + t**3 * x3,
            (1 - t) ** 3 * y0 + 3 * (1 - t) ** 2 * t * y1 + 3 * (1 - t) * t**2 * y2 + t**3 * y3,
        )
        for t in (step / 16 for step in range(17))
    ]


def _write(canvas: Image.Image, inked: Inked) -> None:
    block = inked.block
    box = block.box
    # A layer of the box's own size: not even a flood of marks above a letter leaves it.
    layer = Image.new("RGBA", (box.width, box.height), (0, 0, 0, 0))
    text = " ".join(line.text for line in block.lines)
    direction = fonts.direction_of(text)
    for line in block.lines:
        x = 0.0
        if inked.aligned == "centre":
            x = (box.width - line.width) / 2
        elif inked.aligned == "start" and direction == "rtl":
            x = box.width - line.width
        _write_line(layer, line.text, x, line.y - box.y, block, COLOURS[inked.colour], direction)
    canvas.paste(layer, (box.x, box.y), layer)


def _write_line(
    layer: Image.Image, text: str, x: float, y: int, block: Block, colour: str, direction: fonts.Direction
) -> None:
    pen = ImageDraw.Draw(layer)
    baseline = y + round(block.px * BASELINE)
    for run in fonts.runs(text, direction):
        wide = fonts.run_length(run, block.weight, block.px)
        if run.font == fonts.EMOJI:
            _write_emoji(layer, run, x, baseline, block.px)
        else:
            font = fonts.load(run.font, block.weight, block.px)
            pen.text((x, baseline), run.text, font=font, fill=colour, anchor="ls", direction=fonts.told(run))
        x += wide


def _write_emoji(layer: Image.Image, run: fonts.Run, x: float, baseline: int, px: int) -> None:
    """Emoji are bitmaps of one size: they are drawn in it and made as large as the letters beside them."""
    font = fonts.load(fonts.EMOJI, "Bold", fonts.EMOJI_PX)
    wide = max(1, math.ceil(font.getlength(run.text, direction=fonts.told(run))))
    drawn = Image.new("RGBA", (wide, 2 * fonts.EMOJI_PX), (0, 0, 0, 0))
    foot = round(1.5 * fonts.EMOJI_PX)
    ImageDraw.Draw(drawn).text(
        (0, foot), run.text, font=font, embedded_color=True, anchor="ls", direction=fonts.told(run)
    )
    scale = px / fonts.EMOJI_PX
    small = drawn.resize((max(1, round(wide * scale)), round(drawn.height * scale)), Image.Resampling.LANCZOS)
    top = baseline - round(foot * scale)
    layer.alpha_composite(small, (max(0, round(x)), max(0, top)), (0, max(0, -top)))
