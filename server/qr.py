"""Addresses as QR codes, to print and to show: as SVG for pages and posters, as PNG for everything else."""

import io
from html import escape

import segno

from server.errors import Invalid

# Version 23 at level M: still scanned from a phone's distance off an A6 card. Addresses of ours have below 150.
TEXT_MAX_BYTES = 500
# Up to 15 % of the code may be covered or dirty; segno raises the level where that costs no larger code.
ERROR_LEVEL = "m"
QUIET_MODULES = 4  # ISO/IEC 18004: readers need so much white around a code
PRINT_PX = 1000  # at least: 8 cm at 300 dots an inch


class TextTooLong(Invalid):
    """This is too long for a QR code that a phone can read."""

    code = "qr_too_long"


def svg(text: str, *, label: str) -> str:
    """The code as an SVG element without a size of its own, black on white, the quiet zone within.

    label: what a screen reader says of it ("Door code for Friday supper"). Raises TextTooLong.
    """
    rows = modules(text)
    size = len(rows) + 2 * QUIET_MODULES
    path = "".join(
        f"M{QUIET_MODULES + start} {QUIET_MODULES + number}h{length}v1h-{length}z"
        for number, row in enumerate(rows)
        for start, length in _runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img" shape-rendering="crispEdges">'
        f'<title>{escape(label)}</title><path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path fill="#000" d="{path}"/></svg>'
    )


def png(text: str) -> bytes:
    """The code as a PNG of PRINT_PX or a little more on each side, the quiet zone within; raises TextTooLong."""
    code = _code(text)
    out = io.BytesIO()
    scale = -(-PRINT_PX // (code.symbol_size(border=QUIET_MODULES)[0]))
    code.save(out, kind="png", scale=scale, border=QUIET_MODULES)
    return out.getvalue()


def _code(text: str) -> segno.QRCode:
    if not 0 < len(text.encode(errors="replace")) <= TEXT_MAX_BYTES:
        raise TextTooLong
    return segno.make(text, error=ERROR_LEVEL, micro=False)


def modules(text: str) -> list[list[int]]:
    """The code's rows without the quiet zone, 1 where it is black; raises TextTooLong."""
    return [[int(module) for module in row] for row in _code(text).matrix]


def _runs(row: list[int]) -> list[tuple[int, int]]:
    """Where black runs begin and how long they are."""
    runs: list[tuple[int, int]] = []
    for column, black in enumerate(row):
        if black and runs and sum(runs[-1]) == column:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif black:
            runs.append((column, 1))
    return runs
