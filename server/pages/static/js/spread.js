// Where dots stand inside a zone: evenly spread, the same place for the same badge, and never under the zone's name.
// It says nothing about where in the zone somebody is: nobody knows that.
import { box, edgeDistance, inside } from "./plan.js";

// A zone with more people is drawn as heat; until then each dot has a spot of its own, and some stay free for who comes next.
export const DOTS_MAX = 40;
const SPOTS = 52;
// Mitchell's best candidate: more tries per spot spread better and cost time; 20 look even.
const CANDIDATES = 20;
// A dot keeps this share of the zone's size from a Pi's square, or it would hide it.
const CLEAR_SHARE = 0.1;

/** A number from a text, the same on every screen (FNV-1a, 32 bits). */
export function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

// mulberry32: a plain linear generator puts successive pairs on lines, which shows as rows of dots.
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * A place for the name: the top-left-most block that fits inside the polygon and keeps `pad` metres from its walls:
 * {left, top, width, height}, in metres.
 */
export function nameBlock(rings, pad) {
  const bounds = box(rings[0]);
  const wide = bounds.right - bounds.left - 2 * pad;
  const high = bounds.top - bounds.bottom - 2 * pad;
  let height = Math.min(0.42 * high, 0.36 * wide);
  let width = 0.86 * wide;
  for (let attempt = 0; attempt < 9; attempt += 1) {
    let best = null;
    for (let i = 0; i <= 14; i += 1) {
      for (let j = 0; j <= 14; j += 1) {
        const left = bounds.left + pad + (wide * i) / 16;
        const top = bounds.top - pad - (high * j) / 16;
        const cost = i + j * 1.3;
        if (best && best.cost <= cost) continue;
        const holds = [0, 0.5, 1].every((a) => [0, 1].every((b) => inside([left + a * width, top - b * height], rings)));
        if (holds) best = { left, top, width, height, cost };
      }
    }
    if (best) return best;
    width *= 0.8;
    if (attempt % 2) height *= 0.85;
  }
  return { left: bounds.left + wide / 2, top: bounds.top - high / 2, width: wide * 0.1, height: high * 0.1 };
}

/**
 * The spots of a zone in metres, and the distance between neighbours by which dots are sized; clear of the name's `block` and of
 * what stands at `fixed` places.
 */
export function spots(seedText, rings, block, fixed = []) {
  const next = random(hash(seedText));
  const bounds = box(rings[0]);
  const size = Math.sqrt((bounds.right - bounds.left) * (bounds.top - bounds.bottom));
  const clear = CLEAR_SHARE * size;
  const blocked = ([x, y]) => fixed.some((place) => Math.hypot(x - place[0], y - place[1]) < clear) || underName(x, y);
  const underName = (x, y) => x < block.left + block.width && x > block.left - size && y > block.top - block.height && y < block.top + size;
  const out = [];
  let gap = Infinity;
  let margin = 0.09 * size;
  let misses = 0;
  while (out.length < SPOTS) {
    let best = null;
    let bestGap = -1;
    for (let i = 0; i < CANDIDATES; i += 1) {
      const point = [bounds.left + next() * (bounds.right - bounds.left), bounds.bottom + next() * (bounds.top - bounds.bottom)];
      if (!inside(point, rings) || blocked(point) || edgeDistance(point, rings) < margin) continue;
      const nearest = out.reduce((least, other) => Math.min(least, Math.hypot(point[0] - other[0], point[1] - other[1])), Infinity);
      if (nearest > bestGap) [best, bestGap] = [point, nearest];
    }
    if (!best) {
      misses += 1;
      if (misses % 6 === 0) margin *= 0.8;
      if (misses > 150) best = [(bounds.left + bounds.right) / 2, (bounds.top + bounds.bottom) / 2];
      else continue;
    }
    out.push(best);
    // The last spots squeeze in where a full room needs them; a dot's size goes by the others.
    if (out.length <= SPOTS * 0.6 && Number.isFinite(bestGap) && bestGap >= 0) gap = Math.min(gap, bestGap);
  }
  return { points: out, gap_m: Number.isFinite(gap) ? gap : size / 4 };
}

/** Gives badges their spots: each its own by its number, the next free one when that is taken, and keeps them while they stay. */
export class Seats {
  #taken = new Map();

  seat(badge, zone) {
    const taken = this.#of(zone);
    for (const [spot, who] of taken) if (who === badge) return spot;
    const start = hash(`${zone}/${badge}`) % SPOTS;
    for (let i = 0; i < SPOTS; i += 1) {
      const spot = (start + i * 7) % SPOTS; // 7 and 52 have no common divisor: every spot is tried
      if (!taken.has(spot)) {
        taken.set(spot, badge);
        return spot;
      }
    }
    return start;
  }

  leave(badge, zone) {
    const taken = this.#of(zone);
    for (const [spot, who] of taken) if (who === badge) taken.delete(spot);
  }

  #of(zone) {
    if (!this.#taken.has(zone)) this.#taken.set(zone, new Map());
    return this.#taken.get(zone);
  }
}
