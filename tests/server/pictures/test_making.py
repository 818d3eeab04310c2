"""Pictures made anew: upright, small, without what else was in them; and whatever is no picture is refused."""

import io
import struct
import threading
import zlib
from typing import Any

import pytest
from PIL import Image

from server.pictures import making


def encode(image: Image.Image, form: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def two_colours(mode: str = "RGB", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, (220, 0, 0))
    image.paste((0, 0, 220), (size[0] // 2, 0, *size))
    return image.convert(mode)


def look(data: bytes, most_px: int = making.MOST_PX) -> Image.Image:
    """The picture as it was made, opened as anybody would."""
    made = making.make(data, most_px)
    opened = Image.open(io.BytesIO(made.data))
    assert (opened.format, opened.size) == ("WEBP", (made.width, made.height))
    return opened


def colour(image: Image.Image, x: float, y: float) -> str:
    """The colour at a part of the width and height."""
    pixel = image.convert("RGB").getpixel((int(image.width * x), int(image.height * y)))
    assert isinstance(pixel, tuple)
    return max(zip(pixel, ("red", "green", "blue"), strict=True))[1]


def png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: bytes = b"") -> bytes:
    """A PNG of these measures, whatever its rows really hold."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    written = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + written


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("JPEG", "L"),
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
        ("GIF", "P"),
    ],
)
def test_pictures_of_all_kinds_are_taken(form: str, mode: str) -> None:
    image = look(encode(two_colours(mode), form))
    assert image.size == (40, 20)
    if mode not in ("L", "LA", "1"):
        assert [colour(image, 0.2, 0.5), colour(image, 0.8, 0.5)] == ["red", "blue"]


def test_what_is_clear_stays_clear() -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert look(encode(image, "PNG")).convert("RGBA").getpixel((5, 5)) == (0, 0, 0, 0)
    palette = Image.new("P", (20, 20), 0)
    kept = look(encode(palette, "GIF", transparency=0)).convert("RGBA").getpixel((5, 5))
    assert isinstance(kept, tuple)
    assert kept[3] == 0


def test_sixteen_bits_of_grey_keep_their_shades() -> None:
    rows = struct.pack("<40H", *[8000] * 20, *[50_000] * 20) * 20
    image = Image.frombytes("I;16", (40, 20), rows)
    seen = look(encode(image, "PNG")).convert("L")
    assert abs(int(seen.getpixel((5, 10))) - 8000 // 256) <= 3  # type: ignore[arg-type]
    assert abs(int(seen.getpixel((35, 10))) - 50_000 // 256) <= 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("orientation", "where", "size"),
    [(1, (0.2, 0.5), (40, 20)), (3, (0.8, 0.5), (40, 20)), (6, (0.5, 0.2), (20, 40)), (8, (0.5, 0.8), (20, 40))],
)
def test_it_is_turned_upright_as_the_camera_says(
    orientation: int, where: tuple[float, float], size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = look(encode(two_colours(), "JPEG", exif=exif, quality=95))
    assert image.size == size
    assert colour(image, *where) == "red"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_where_and_with_what_it_was_taken_stays_behind(form: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "CAMERA-OF-DORA"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    xmp = b"<x:xmpmeta>HOME-OF-DORA</x:xmpmeta>"
    how: dict[str, Any] = {"exif": exif, "icc_profile": b"PROFILE-OF-DORA" * 20}
    if form != "PNG":
        how["xmp"] = xmp
    sent = encode(two_colours(), form, **how)
    assert b"OF-DORA" in sent
    made = making.make(sent)
    assert b"OF-DORA" not in made.data
    opened = Image.open(io.BytesIO(made.data))
    assert not opened.getexif()
    assert not set(opened.info) & {"exif", "xmp", "icc_profile", "comment"}


def test_a_text_in_a_png_stays_behind() -> None:
    rows = b"\0\xff\0\0" * 1
    sent = png(1, 1, (b"tEXt", b"Comment\0HOME-OF-DORA"), rows=rows)
    assert b"OF-DORA" not in making.make(sent).data


def test_a_picture_that_is_a_program_as_well_is_only_a_picture_afterwards() -> None:
    script = b"<script>alert(1)</script>"
    gif = encode(two_colours("P"), "GIF", comment=script) + b"/*" + script + b"*/=1;"
    jpeg = encode(two_colours(), "JPEG", comment=script) + b"PK\x05\x06" + script
    for sent in (gif, jpeg):
        assert script in sent
        made = making.make(sent)
        assert script not in made.data
        assert made.data[:4] == b"RIFF"
        assert made.data[8:12] == b"WEBP"


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_of_what_moves_the_first_moment_stays(form: str) -> None:
    frames = [Image.new("RGB", (20, 20), (220, 0, 0)), Image.new("RGB", (20, 20), (0, 0, 220))]
    image = look(encode(frames[0], form, save_all=True, append_images=frames[1:], duration=100))
    assert getattr(image, "n_frames", 1) == 1
    assert colour(image, 0.5, 0.5) == "red"


@pytest.mark.parametrize(
    ("size", "kept"),
    [((3200, 1600), (1600, 800)), ((1000, 4000), (400, 1600)), ((1, 1), (1, 1)), ((12_000, 2), (1600, 1))],
)
def test_it_is_made_small_enough_and_never_larger(size: tuple[int, int], kept: tuple[int, int]) -> None:
    for form in ("PNG", "JPEG"):
        assert look(encode(Image.new("RGB", size, (9, 9, 9)), form)).size == kept


def test_it_may_be_wanted_smaller() -> None:
    assert look(encode(two_colours(size=(900, 300)), "JPEG"), most_px=300).size == (300, 100)


def test_the_same_picture_is_made_the_same_way() -> None:
    sent = encode(two_colours(), "JPEG")
    assert making.make(sent) == making.make(sent)


_JPEG = encode(two_colours(size=(400, 300)), "JPEG")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0",
        b"not a picture",
        b"\xff" * 5000,
        _JPEG[: len(_JPEG) // 2],
        _JPEG[:20],
        encode(two_colours(size=(400, 300)), "PNG")[:200],
        encode(two_colours(), "BMP"),
        encode(two_colours(), "TIFF"),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 100,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        png(100, 100, rows=b"\0" * 10),
        png(0, 0),
        png(1, 1, (b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 80_000_000)), rows=b"\0\xff\0\0"),
    ],
)
def test_what_is_no_picture_is_refused(sent: bytes) -> None:
    with pytest.raises(making.PictureUnreadable):
        making.make(sent)


def test_what_would_burst_the_memory_is_refused_before_it_is_read() -> None:
    small = png(60_000, 60_000, rows=b"\0" * 1000)
    assert len(small) < 1000
    with pytest.raises(making.PictureTooLarge):
        making.make(small)
    bomb = encode(Image.new("1", (7100, 7100)), "PNG")
    assert len(bomb) < 50_000
    with pytest.raises(making.PictureTooLarge):
        making.make(bomb)
    with pytest.raises(making.PictureTooLarge):
        making.make(b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;")


def test_ten_megabytes_are_the_most() -> None:
    padded = encode(two_colours(), "GIF") + b"\0" * making.MAX_BYTES
    assert making.make(padded[: making.MAX_BYTES]).width == 40
    for sent in (padded, b"\0" * 50_000_000):
        with pytest.raises(making.PictureTooLarge):
            making.make(sent)


def test_whoever_waits_too_long_for_a_turn_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = threading.BoundedSemaphore(1)
    assert taken.acquire()
    monkeypatch.setattr(making, "_turn", taken)
    monkeypatch.setattr(making, "_TURN_S", 0.01)
    with pytest.raises(making.PicturesBusy):
        making.make(_JPEG)
    taken.release()
    assert making.make(_JPEG).width == 400


def test_a_refused_picture_lets_the_next_one_in() -> None:
    for _ in range(3):
        with pytest.raises(making.PictureUnreadable):
            making.make(b"no")
    assert making.make(_JPEG).height == 300
