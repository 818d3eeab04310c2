"""Photos of codes as phones take them: large, turned, from the side, far away, out of focus, noisy."""

import base64
import io
from pathlib import Path

import segno
from playwright.sync_api import Page

# Draws the code into a larger photo of a dim wall and gives it back as JPEG. `corners` are where the code's corners go,
# in the photo's pixels; it is drawn in cells, each nearly affine, which is what a canvas can do.
TAKE = """async ([code, width, height, corners, blur, noise]) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${code}`;
  await picture.decode();
  let photo = new OffscreenCanvas(width, height);
  let context = photo.getContext("2d", { willReadFrequently: true });
  const wall = context.createLinearGradient(0, 0, width, height);
  wall.addColorStop(0, "#8a7f70"); wall.addColorStop(1, "#d9d2c4");
  context.fillStyle = wall;
  context.fillRect(0, 0, width, height);
  // The projection that takes the unit square to the corners (Heckbert 1989, "Fundamentals of Texture Mapping", 2.2.3).
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = corners;
  const [dx1, dx2, sx] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3], [dy1, dy2, sy] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const all = dx1 * dy2 - dx2 * dy1;
  const [g, h] = [(sx * dy2 - dx2 * sy) / all, (dx1 * sy - sx * dy1) / all];
  const at = (u, v) => [((x1 - x0 + g * x1) * u + (x3 - x0 + h * x3) * v + x0) / (g * u + h * v + 1),
    ((y1 - y0 + g * y1) * u + (y3 - y0 + h * y3) * v + y0) / (g * u + h * v + 1)];
  const side = picture.naturalWidth, cells = 40, step = 1 / cells;
  for (let v = 0; v < cells; v++) for (let u = 0; u < cells; u++) {
    const [from, right, below] = [at(u * step, v * step), at((u + 1) * step, v * step), at(u * step, (v + 1) * step)];
    const [cell, drawn] = [side * step, side * step * Math.min(1.2, cells - Math.max(u, v))];  // seams are drawn over
    context.setTransform((right[0] - from[0]) / cell, (right[1] - from[1]) / cell,
      (below[0] - from[0]) / cell, (below[1] - from[1]) / cell, from[0], from[1]);
    context.drawImage(picture, u * cell, v * cell, drawn, drawn, 0, 0, drawn, drawn);
  }
  context.resetTransform();
  if (blur) {
    const sharp = photo;
    photo = new OffscreenCanvas(width, height);
    context = photo.getContext("2d", { willReadFrequently: true });
    context.filter = `blur(${blur}px)`;
    context.drawImage(sharp, 0, 0);
  }
  if (noise) {
    const pixels = context.getImageData(0, 0, width, height);
    let seed = 7;
    for (let i = 0; i < pixels.data.length; i += 4) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const by = (seed / 2147483648 - 0.5) * noise;
      for (let k = 0; k < 3; k++) pixels.data[i + k] += by;
    }
    context.putImageData(pixels, 0, 0);
  }
  const blob = await photo.convertToBlob({ type: "image/jpeg", quality: 0.8 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}"""

Corner = tuple[float, float]


def png(text: str, scale: int = 12) -> bytes:
    """A code as it is printed."""
    made = io.BytesIO()
    segno.make(text, error="m", micro=False).save(made, kind="png", scale=scale, border=4)
    return made.getvalue()


def film(file: Path, text: str) -> None:
    """Writes a film of a code, as Chromium's pretended camera plays it: raw grey pictures of 640 by 480."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(scale=8, border=4)]
    width, height = 640, 480
    grey = bytearray(b"\xb4" * (width * height))
    top, left = (height - len(rows)) // 2, (width - len(rows[0])) // 2
    for y, row in enumerate(rows, start=top):
        grey[y * width + left : y * width + left + len(row)] = bytes(16 if dark else 235 for dark in row)
    frame = b"FRAME\n" + bytes(grey) + b"\x80" * (width * height // 2)
    file.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420\n" + frame * 4)


def photo(
    page: Page,
    text: str,
    corners: tuple[Corner, Corner, Corner, Corner],
    *,
    size: tuple[int, int] = (4000, 3000),
    blur_px: float = 0,
    noise: float = 0,
) -> bytes:
    """A JPEG of a code on a wall, taken by drawing it in a browser's page."""
    asked = [base64.b64encode(png(text)).decode(), *size, [list(corner) for corner in corners], blur_px, noise]
    return base64.b64decode(page.evaluate(TAKE, asked))
