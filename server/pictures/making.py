"""Makes a picture anew from what somebody sent: whatever else was in it stays behind. Pure but for its turns."""

import io
import threading
import warnings
from typing import NamedTuple

from PIL import Image, ImageOps

from server.errors import Invalid, TooLarge, TooMany

MAX_BYTES = 10_000_000  # what a phone's camera writes has 2 to 8 MB
MAX_PIXELS = 50_000_000  # phones' cameras have up to 50 megapixels; decoded that is 200 MB of memory, and not more
MOST_PX = 1600  # on the longer side: a phone's whole screen, sharp, in about 200 kB
QUALITY = 80  # of 100; above it files grow and nobody sees why
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # drawings (SVG) can hold programs, and HEIC is no browser's
MIME = "image/webp"
# One is decoded at a time, so that memory is bounded; each takes a second at most, on a Pi three.
_turn = threading.BoundedSemaphore(1)
_TURN_S = 5.0  # whoever waits holds a connection to the database
_BUSY_AGAIN_S = 10
_CLEAR_MODES = {"RGBA", "LA", "PA", "La", "RGBa"}


class PictureUnreadable(Invalid):
    """This is no picture that can be read. Send a JPEG, PNG, WebP or GIF."""

    code = "picture_unreadable"


class PictureTooLarge(TooLarge):
    """This picture is larger than what is taken. Make it smaller, then send it again."""

    code = "picture_too_large"


class PicturesBusy(TooMany):
    """Others are adding pictures at the moment; please try again in a few seconds."""

    code = "pictures_busy"


class Made(NamedTuple):
    """A picture made anew: WebP of that size."""

    data: bytes
    width: int
    height: int


def make(data: bytes, most_px: int = MOST_PX) -> Made:
    """The picture upright, at most `most_px` on each side, as WebP without anything but what is seen.

    Of what moves the first moment stays. Raises PictureUnreadable, PictureTooLarge, PicturesBusy.
    """
    if len(data) > MAX_BYTES:
        raise PictureTooLarge("A picture has at most %(most)s MB.", most=MAX_BYTES // 1_000_000)
    if not _turn.acquire(timeout=_TURN_S):
        raise PicturesBusy(retry_after_s=_BUSY_AGAIN_S)
    try:
        return _make(data, most_px)
    except (PictureTooLarge, Image.DecompressionBombError) as error:
        raise PictureTooLarge("A picture has at most %(most)s million points.", most=MAX_PIXELS // 1_000_000) from error
    except Exception as error:  # a decoder of what a stranger wrote may stumble over anything
        raise PictureUnreadable from error
    finally:
        _turn.release()


def _make(data: bytes, most_px: int) -> Made:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which nobody reads
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise PictureTooLarge
            opened.draft(None, (most_px, most_px))  # a JPEG is decoded at about the size that is needed
            image = _plain(opened)
            image.thumbnail((most_px, most_px), Image.Resampling.LANCZOS)
            image = ImageOps.exif_transpose(image)
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY, icc_profile=b"", exif=b"", xmp=b"")
    return Made(out.getvalue(), image.width, image.height)


def _plain(image: Image.Image) -> Image.Image:
    """The picture in eight bits of red, green and blue, clear where it was."""
    if image.mode.startswith("I"):  # sixteen bits of grey, of which Pillow would cut off the brighter ones
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("RGB")
    wanted = "RGBA" if image.mode in _CLEAR_MODES or "transparency" in image.info else "RGB"
    image.load()
    return image if image.mode == wanted else image.convert(wanted)
