"""The demonstration's pictures, drawn: nobody's photographs are needed, and a start is not kept waiting."""

import io
import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

SIZE = (960, 540)  # a banner on a phone, sharp; a larger one takes a Pi longer than anybody looks at it
NIGHT, PAPER, FIRE, GLOW, TEAL, SAND = "#0e1217", "#faf7f2", "#ff7a2f", "#ffb27d", "#2b6f68", "#e4ddd2"
Paint = Callable[[Image.Image, ImageDraw.ImageDraw, random.Random], None]


def draw(name: str) -> bytes:
    """The picture of this name, the same each time, as PNG."""
    image = Image.new("RGB", SIZE, NIGHT)
    _PICTURES[name](image, ImageDraw.Draw(image), random.Random(name))  # noqa: S311 - decoration
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _shine(image: Image.Image, x: int, y: int, radius: int, colour: str = FIRE, strength: int = 190) -> None:
    """Light around a point."""
    mask = Image.new("L", (SIZE[0] // 4, SIZE[1] // 4), 0)
    box = [(x - radius) // 4, (y - radius) // 4, (x + radius) // 4, (y + radius) // 4]
    ImageDraw.Draw(mask).ellipse(box, fill=strength)
    soft = mask.filter(ImageFilter.GaussianBlur(radius / 8)).resize(SIZE)
    image.paste(Image.new("RGB", SIZE, colour), mask=soft)


def _shelf(image: Image.Image, paint: ImageDraw.ImageDraw, chance: random.Random) -> None:
    _shine(image, 480, 250, 380, strength=120)
    for floor in (180, 350, 520):
        x = 60
        while x < 880:
            width, height = chance.randint(16, 40), chance.randint(84, 136)
            colour = chance.choice((PAPER, SAND, GLOW, FIRE, TEAL, "#7a4d27", "#8f99a7"))
            lean = chance.choice((0, 0, 0, 9))
            corners = [(x + lean, floor - height), (x + width + lean, floor - height), (x + width, floor), (x, floor)]
            paint.polygon(corners, fill=colour)
            paint.line((x + 4, floor - height // 3, x + width - 4, floor - height // 3), fill=NIGHT, width=2)
            x += width + chance.choice((3, 3, 5, 26))
        paint.rectangle((40, floor, 920, floor + 10), fill="#7a4d27")


def _lamp(image: Image.Image, paint: ImageDraw.ImageDraw, _chance: random.Random) -> None:
    _shine(image, 480, 300, 300)
    paint.polygon([(400, 190), (560, 190), (620, 290), (340, 290)], fill=GLOW)
    paint.rectangle((474, 290, 486, 430), fill=SAND)
    paint.ellipse((420, 420, 540, 446), fill=SAND)
    for side in (-1, 1):
        page = [(480, 470), (480 + side * 210, 440), (480 + side * 210, 500), (480, 526)]
        paint.polygon(page, fill=PAPER)
        for line in range(4):
            y = 458 + line * 13
            paint.line((480 + side * 40, y + 4, 480 + side * 180, y - 12), fill="#b3a99a", width=3)


def _hills(image: Image.Image, paint: ImageDraw.ImageDraw, chance: random.Random) -> None:
    _shine(image, 690, 190, 170, strength=255)
    paint.ellipse((640, 140, 740, 240), fill=GLOW)
    for number, colour in enumerate(("#26384a", "#1f4a4a", "#1b3a33", "#15291f")):
        base, high, shift = 290 + number * 62, 70 - number * 8, chance.random() * 6
        ridge = [(x, base - high * math.sin(x / (150 + 40 * number) + shift)) for x in range(0, SIZE[0] + 20, 20)]
        paint.polygon([(0, SIZE[1]), *ridge, SIZE], fill=colour)
    way = [(480 + 90 * math.sin(step / 5) * (1 - step / 24), 535 - step * 9) for step in range(22)]
    for number, (x, y) in enumerate(way):
        size = 7 - number / 4
        paint.ellipse((x - size, y - size / 2, x + size, y + size / 2), fill=GLOW)


def _doors(image: Image.Image, paint: ImageDraw.ImageDraw, _chance: random.Random) -> None:
    for number, colour in enumerate((FIRE, TEAL, GLOW, "#3d5a80", SAND, "#9a4a2a")):
        x = 60 + number * 145
        _shine(image, x + 52, 470, 100, strength=110)
        paint.rounded_rectangle((x, 170, x + 105, 470), radius=50, fill=colour)
        paint.rectangle((x, 300, x + 105, 470), fill=colour)
        paint.rounded_rectangle((x + 20, 200, x + 85, 290), radius=30, fill=NIGHT)
        paint.ellipse((x + 80, 350, x + 93, 363), fill=PAPER if colour != SAND else NIGHT)
    paint.rectangle((0, 470, 960, 480), fill="#334052")


def _sea(image: Image.Image, paint: ImageDraw.ImageDraw, chance: random.Random) -> None:
    _shine(image, 700, 150, 150, colour=GLOW, strength=230)
    paint.polygon([(690, 180), (718, 180), (732, 380), (676, 380)], fill=PAPER)
    for top in (225, 300):
        paint.rectangle((683, top, 725, top + 30), fill=FIRE)
    paint.rectangle((692, 150, 716, 180), fill=GLOW)
    paint.polygon([(704, 165), (0, 60), (0, 190)], fill="#3a2a1d")
    paint.polygon([(560, 380), (640, 350), (800, 356), (960, 340), (960, 400), (560, 400)], fill="#1d2630")
    for row in range(9):
        for _ in range(12):
            x, y = chance.randint(-20, 940), 400 + row * 16
            paint.arc((x, y, x + 70, y + 16), 200, 340, fill="#4f7d8a" if row % 2 else "#2d5663", width=3)


def _cup(image: Image.Image, paint: ImageDraw.ImageDraw, _chance: random.Random) -> None:
    _shine(image, 480, 330, 280, strength=150)
    paint.ellipse((250, 430, 710, 500), fill=SAND)
    paint.pieslice((330, 190, 630, 490), 0, 180, fill=PAPER)
    paint.rectangle((330, 300, 630, 342), fill=PAPER)
    paint.ellipse((330, 270, 630, 330), fill="#7a4d27")
    paint.arc((590, 310, 720, 420), 270, 90, fill=PAPER, width=18)
    for number in range(3):
        x = 410 + number * 70
        points = [(x + 16 * math.sin(step / 3 + number), 250 - step * 9) for step in range(16)]
        paint.line(points, fill="#8f99a7", width=6, joint="curve")


def _soup(image: Image.Image, paint: ImageDraw.ImageDraw, _chance: random.Random) -> None:
    _shine(image, 480, 260, 330, strength=170)
    paint.rectangle((0, 400, 960, 540), fill="#7a4d27")
    paint.rectangle((0, 400, 960, 410), fill=GLOW)
    paint.rounded_rectangle((370, 190, 590, 420), radius=34, fill=TEAL)
    paint.rectangle((350, 186, 610, 214), fill="#1f4a4a")
    paint.ellipse((462, 152, 498, 188), fill="#1f4a4a")
    for side in (-1, 1):
        paint.arc((480 + side * 110 - 30, 250, 480 + side * 110 + 30, 310), 0, 360, fill="#1f4a4a", width=14)
    for number in range(6):
        x = 90 + number * 156
        paint.pieslice((x - 58, 400, x + 58, 516), 0, 180, fill=PAPER)
        paint.ellipse((x - 58, 440, x + 58, 476), fill=FIRE if number % 2 else SAND)


_PICTURES: dict[str, Paint] = {
    "shelf": _shelf,
    "lamp": _lamp,
    "hills": _hills,
    "doors": _doors,
    "sea": _sea,
    "cup": _cup,
    "soup": _soup,
}
