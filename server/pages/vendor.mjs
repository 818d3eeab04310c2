// Copies what the pages load, and the licences, from node_modules to static/vendor: nothing else of npm is ever served.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "static", "vendor");
const files = {
  "maplibre-gl/dist/maplibre-gl.mjs": "maplibre-gl/maplibre-gl.mjs",
  "maplibre-gl/dist/maplibre-gl-worker.mjs": "maplibre-gl/maplibre-gl-worker.mjs",
  "maplibre-gl/dist/maplibre-gl.css": "maplibre-gl/maplibre-gl.css",
  "maplibre-gl/LICENSE.txt": "maplibre-gl/LICENSE.txt",
  "uplot/dist/uPlot.esm.js": "uplot/uPlot.mjs",
  "uplot/dist/uPlot.min.css": "uplot/uPlot.min.css",
  "uplot/LICENSE": "uplot/LICENSE",
  "qr/index.js": "qr/index.js",
  "qr/decode.js": "qr/decode.js",
  "qr/dom.js": "qr/dom.js",
  "qr/LICENSE": "qr/LICENSE",
  "@noble/ed25519/index.js": "noble-ed25519/index.js",
  "@noble/ed25519/LICENSE": "noble-ed25519/LICENSE",
  "@noble/hashes/sha2.js": "noble-hashes/sha2.js",
  "@noble/hashes/_md.js": "noble-hashes/_md.js",
  "@noble/hashes/_u64.js": "noble-hashes/_u64.js",
  "@noble/hashes/utils.js": "noble-hashes/utils.js",
  "@noble/hashes/LICENSE": "noble-hashes/LICENSE",
};

await rm(target, { recursive: true, force: true });
for (const [from, to] of Object.entries(files)) {
  const source = join(here, "node_modules", from);
  const copy = join(target, to);
  await mkdir(dirname(copy), { recursive: true });
  if (/\.m?js$/.test(copy)) {
    // The source maps are not served, so the pages must not ask for them.
    const text = await readFile(source, "utf8");
    await writeFile(copy, text.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, "\n"));
  } else {
    await cp(source, copy);
  }
}
console.log(`${Object.keys(files).length} files copied to static/vendor`);
