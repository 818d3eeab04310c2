// Draws people, heat and Pis on a canvas over the map: one dot per badge, gliding when its zone changed and only then.
import { Seats } from "./spread.js";

const GLIDE_MS = 400; // look/README: long enough to be followed, short enough not to lie about where somebody is
const APPEAR_MS = 400;
const LEFT_FADES_MS = 60_000; // who left stays visible for a minute, paler and paler: "did somebody just go?"
const HIT_PX = 12; // a fingertip's forgiveness around a dot
// In rem, so that a wall screen's scale carries the dots with it.
const DOT_REM = 0.375;
const HALO_REM = 1;
const PI_REM = 0.32;
const DOT_LEAST_PX = 3;

const still = matchMedia("(prefers-reduced-motion: reduce)");
const ease = (t) => 1 - (1 - t) ** 3;

export class Dots {
  #dots = new Map();
  #seats = new Seats();
  #halo = new Map();
  #frame = 0;
  #colours = {};
  level = null;
  selected = null;

  constructor(canvas, map, scene, { serverNow, isYou }) {
    Object.assign(this, { canvas, map, scene, serverNow, isYou });
    this.context = canvas.getContext("2d");
    map.on("render", () => this.draw());
    // Who left fades by the second, without any news.
    setInterval(() => {
      if ([...this.#dots.values()].some(({ state }) => state === "left")) this.draw();
    }, 1000);
  }

  paint() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    this.#colours = {
      dot: read("--dot"), edge: read("--dot-edge"), halo: read("--dot-halo"), away: read("--dot-away"), unknown: read("--unknown"),
      left: read("--left"), pi: read("--pi"), silent: read("--pi-silent"), plate: read("--plate"), ink: read("--ink"), fire: read("--fire"),
    };
    this.dark = document.documentElement.dataset.theme === "dark";
    this.#halo.clear();
    this.draw();
  }

  /** Takes the scene's badges in: new ones appear, moved ones glide, forgotten ones go. */
  update(jump = false) {
    const now = performance.now();
    const seen = new Set();
    for (const badge of [...this.scene.badges].sort((a, b) => a.badge - b.badge)) {
      const zone = this.scene.zones.get(badge.zoneKey);
      const known = this.#dots.get(badge.key);
      if (!zone || this.#faded(badge)) {
        if (known) this.#drop(known);
        continue;
      }
      seen.add(badge.key);
      if (known && known.zoneKey !== badge.zoneKey) this.#seats.leave(known.badge, known.zoneKey);
      const spot = this.#seats.seat(badge.badge, badge.zoneKey);
      const to = zone.spots[spot];
      if (!known) {
        this.#dots.set(badge.key, { ...badge, spot, from: to, to, begins: -Infinity, born: jump ? -Infinity : now });
        continue;
      }
      const moves = known.zoneKey !== badge.zoneKey;
      const from = moves && !still.matches && !jump ? this.#place(known, now) : to;
      Object.assign(known, badge, { spot, to });
      if (moves || jump) Object.assign(known, { from, begins: now });
    }
    for (const dot of [...this.#dots.values()]) if (!seen.has(dot.key)) this.#drop(dot);
    this.draw();
  }

  #drop(dot) {
    this.#seats.leave(dot.badge, dot.zoneKey);
    this.#dots.delete(dot.key);
  }

  #faded(badge) {
    return badge.state === "left" && this.#leftFor(badge) >= LEFT_FADES_MS;
  }

  #leftFor(badge) {
    return this.serverNow(badge.venue.id) - new Date(badge.state_since ?? badge.last_heard);
  }

  #place(dot, now) {
    const t = Math.min(1, (now - dot.begins) / GLIDE_MS);
    if (t >= 1) return dot.to;
    const part = ease(t);
    return [dot.from[0] + (dot.to[0] - dot.from[0]) * part, dot.from[1] + (dot.to[1] - dot.from[1]) * part];
  }

  /** The dots that are to be seen: [{badge, venue, zone, state, x, y, moving}], x and y in pixels of the map. */
  seen() {
    const now = performance.now();
    return [...this.#dots.values()].filter((dot) => this.#shown(dot)).map((dot) => {
      const { x, y } = this.map.project(this.#place(dot, now));
      return { badge: dot.badge, key: dot.key, venue: dot.venue.id, zone: dot.zone, state: dot.state, x, y, moving: now - dot.begins < GLIDE_MS };
    });
  }

  #shown(dot) {
    const zone = this.scene.zones.get(dot.zoneKey);
    return zone && !zone.heat && (this.level === null || (zone.zone.level ?? 0) === this.level);
  }

  /** The dot under a point of the map in pixels, or null. */
  at({ x, y }) {
    let best = null;
    for (const dot of this.seen()) {
      const distance = Math.hypot(dot.x - x, dot.y - y);
      if (distance <= HIT_PX && (!best || distance < best.distance)) best = { ...dot, distance };
    }
    return best && this.#dots.get(best.key);
  }

  get(key) {
    return this.#dots.get(key) ?? null;
  }

  #later() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw();
    });
  }

  draw() {
    const { canvas, context: pen, map } = this;
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const perMetre = pixelsPerMetre(map, this.scene.origin);
    const now = performance.now();
    let moving = false;
    for (const zone of this.scene.zones.values()) if (zone.heat && this.#onLevel(zone)) this.#drawHeat(zone, perMetre);
    for (const agent of this.scene.agents) {
      if (this.level === null || agent.level === null || (agent.level ?? 0) === this.level) this.#drawPi(agent, rem, perMetre);
    }
    const order = { left: 0, unknown: 1, away: 2, present: 3 };
    for (const dot of [...this.#dots.values()].sort((a, b) => order[a.state] - order[b.state])) {
      if (!this.#shown(dot)) continue;
      const { x, y } = map.project(this.#place(dot, now));
      const gap = this.scene.zones.get(dot.zoneKey).gap_m * perMetre;
      const radius = Math.max(DOT_LEAST_PX, Math.min(DOT_REM * rem, gap * 0.42));
      const age = still.matches ? 1 : Math.min(1, (now - dot.born) / APPEAR_MS);
      if (age < 1 || now - dot.begins < GLIDE_MS) moving = true;
      this.#drawDot(dot, x, y, radius * (0.4 + 0.6 * ease(age)), (radius / DOT_REM) * HALO_REM, age);
    }
    if (moving) this.#later();
  }

  #onLevel(zone) {
    return this.level === null || (zone.zone.level ?? 0) === this.level;
  }

  #drawDot(dot, x, y, radius, halo, age) {
    const { context: pen } = this;
    const colours = this.#colours;
    pen.save();
    pen.globalAlpha = age;
    pen.beginPath();
    if (dot.state === "present") {
      pen.drawImage(this.#glow(halo), x - halo, y - halo, halo * 2, halo * 2);
      pen.arc(x, y, radius, 0, 7);
      pen.fillStyle = colours.dot;
      pen.fill();
      if (!this.dark) outline(pen, colours.edge, Math.max(1, radius * 0.28));
    } else if (dot.state === "away") {
      pen.arc(x, y, radius * 0.72, 0, 7);
      pen.fillStyle = colours.away;
      pen.fill();
    } else if (dot.state === "unknown") {
      pen.arc(x, y, radius, 0, 7);
      pen.setLineDash([radius * 0.55, radius * 0.5]);
      outline(pen, colours.unknown, Math.max(1.2, radius * 0.32));
    } else {
      pen.globalAlpha = age * Math.max(0, 0.85 * (1 - this.#leftFor(dot) / LEFT_FADES_MS));
      pen.arc(x, y, radius * 0.8, 0, 7);
      outline(pen, colours.left, Math.max(1, radius * 0.2));
    }
    pen.setLineDash([]);
    const you = this.isYou(dot.badge);
    if (you || dot.key === this.selected) {
      pen.globalAlpha = 1;
      pen.beginPath();
      pen.arc(x, y, radius * 1.9, 0, 7);
      outline(pen, you ? colours.fire : colours.ink, Math.max(1.5, radius * 0.3));
    }
    pen.restore();
  }

  #drawPi(agent, rem, perMetre) {
    const { context: pen } = this;
    const { x, y } = this.map.project(agent.place);
    // A silent one is what somebody has to see.
    const least = agent.state === "listening" ? 2.4 : 3.6;
    const half = Math.max(least, Math.min(PI_REM * rem, perMetre * 0.22));
    pen.beginPath();
    pen.roundRect(x - half, y - half, half * 2, half * 2, half * 0.4);
    if (agent.state === "listening") {
      pen.fillStyle = this.#colours.pi;
      pen.fill();
      return;
    }
    pen.fillStyle = this.#colours.plate;
    pen.fill();
    outline(pen, this.#colours.silent, Math.max(1.3, half * 0.32));
    pen.beginPath();
    pen.moveTo(x - half * 1.5, y + half * 1.5);
    pen.lineTo(x + half * 1.5, y - half * 1.5);
    outline(pen, this.#colours.silent, Math.max(1.3, half * 0.32));
  }

  #drawHeat(zone, perMetre) {
    const { context: pen, map } = this;
    const [outer] = zone.drawn;
    pen.save();
    pen.beginPath();
    outer.forEach((corner, i) => {
      const { x, y } = map.project(corner);
      if (i) pen.lineTo(x, y);
      else pen.moveTo(x, y);
    });
    pen.clip();
    // Warmth grows with the number, and stays short of white.
    const reach = zone.gap_m * perMetre * 3.4;
    pen.globalAlpha = Math.min(0.95, 0.35 + zone.zone.count / 250);
    if (this.dark) pen.globalCompositeOperation = "lighter";
    for (const spot of zone.spots) {
      const { x, y } = map.project(spot);
      pen.drawImage(this.#glow(24), x - reach, y - reach, reach * 2, reach * 2);
    }
    pen.restore();
  }

  #glow(radius) {
    const size = Math.max(4, Math.ceil(radius));
    if (!this.#halo.has(size)) {
      const ratio = devicePixelRatio || 1;
      const sprite = document.createElement("canvas");
      sprite.width = sprite.height = size * 2 * ratio;
      const pen = sprite.getContext("2d");
      pen.scale(ratio, ratio);
      const fade = pen.createRadialGradient(size, size, 0, size, size, size);
      const strength = this.dark ? [0.5, 0.3, 0.26] : [0.34, 0.24, 0.18];
      fade.addColorStop(0, alpha(this.#colours.halo, strength[0]));
      fade.addColorStop(0.45, alpha(this.#colours.halo, strength[1]));
      fade.addColorStop(0.8, alpha(this.#colours.halo, strength[2] * 0.6));
      fade.addColorStop(1, alpha(this.#colours.halo, 0));
      pen.fillStyle = fade;
      pen.fillRect(0, 0, size * 2, size * 2);
      this.#halo.set(size, sprite);
    }
    return this.#halo.get(size);
  }
}

function outline(pen, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke();
}

function alpha(hex, part) {
  const value = parseInt(hex.slice(1), 16);
  return `rgb(${value >> 16} ${(value >> 8) & 255} ${value & 255} / ${part})`;
}

/** How many pixels a metre takes around a place, at the map's zoom. */
export function pixelsPerMetre(map, [lon, lat]) {
  const metres = 100;
  const east = lon + metres / (111_320 * Math.cos((lat * Math.PI) / 180));
  return (map.project([east, lat]).x - map.project([lon, lat]).x) / metres;
}
