// Names and counts over the map, as HTML: sharp at every size, in the page's own type. The list says the same to a screen reader.
import { clockTime } from "./clock.js";
import { pixelsPerMetre } from "./dots.js";
import { box } from "./plan.js";
import { listed } from "./scene.js";
import { has, say } from "./words.js";

// What fits into the space kept free in a zone, in rem: name over count; both small; both in one line; both there and cut off; the count alone.
const FULL = { width: 5, height: 3.2 };
const SMALL = { width: 2.6, height: 1.9 };
const LINE = { width: 7, height: 0.8 };
const TIGHT = { width: 3.4, height: 0.8 };
const COUNT = { width: 1.1, height: 0.75 };

/** What is known of a zone in words: "unknown since 18:42 · last count 5"; an empty text when it is covered. */
export function zoneNote(zone, timeZone) {
  const time = clockTime(zone.since, timeZone);
  if (zone.state === "unknown") {
    if (!time) return say("zone_unknown_plain");
    const known = zone.last_count !== null && zone.last_count !== undefined;
    return known ? say("zone_unknown", { time, count: zone.last_count }) : say("zone_unknown_uncounted", { time });
  }
  if (zone.state === "not_covered") return time ? say("zone_not_covered_since", { time }) : say("zone_not_covered");
  return "";
}

export class Labels {
  #zones = new Map();
  #venues = new Map();
  #streets = [];
  level = null;

  constructor(layer, map, scene) {
    Object.assign(this, { layer, map, scene });
    map.on("render", () => this.place());
  }

  update(topics) {
    keep(this.#zones, this.scene.zones, () => made(this.layer, "plate", ["plate-name", "num plate-count", "plate-note"]));
    for (const [key, { zone, venue }] of this.scene.zones) {
      const { parts, element } = this.#zones.get(key);
      const note = zoneNote(zone, venue.time_zone);
      set(parts[0], zone.name);
      set(parts[1], note ? "?" : String(zone.count));
      set(parts[2], note);
      element.dataset.state = zone.state;
      element.dataset.zone = key;
    }
    const several = new Map(topics.length > 1 ? topics.map((topic) => [topic.venue.id, topic]) : []);
    keep(this.#venues, several, () => made(this.layer, "venue-label", ["venue-name", "num venue-count"]));
    for (const [id, topic] of several) {
      const zones = listed(topic.zones);
      const unknown = zones.length > 0 && zones.every((zone) => zone.state !== "covered");
      const { parts, element } = this.#venues.get(id);
      set(parts[0], topic.venue.name);
      set(parts[1], unknown ? "?" : String(zones.reduce((sum, zone) => sum + (zone.state === "covered" ? zone.count : 0), 0)));
      element.dataset.state = unknown ? "unknown" : "covered";
    }
    this.place();
  }

  /** Names along streets: `lines` is [{name, from, to}], places in degrees. */
  nameStreets(lines) {
    for (const { element } of this.#streets) element.remove();
    this.#streets = lines.map((line) => {
      const { element, parts } = made(this.layer, "street-name", [""]);
      set(parts[0], line.name);
      return { ...line, element, width_px: element.offsetWidth };
    });
    this.place();
  }

  /** Whether a zone's whole name can be read on the map. */
  isNamed(key) {
    const { element, parts } = this.#zones.get(key);
    return !["none", "count"].includes(element.dataset.mode) && parts[0].scrollWidth <= parts[0].clientWidth;
  }

  #placeStreets() {
    for (const { element, from, to, width_px } of this.#streets) {
      const [a, b] = [this.map.project(from), this.map.project(to)];
      let angle = Math.atan2(b.y - a.y, b.x - a.x);
      if (Math.abs(angle) > Math.PI / 2) angle += Math.PI; // never upside down
      element.style.visibility = Math.hypot(b.x - a.x, b.y - a.y) > width_px * 1.4 ? "visible" : "hidden";
      element.style.transform = `translate(${(a.x + b.x) / 2}px, ${(a.y + b.y) / 2}px) translate(-50%, -50%) rotate(${angle}rad)`;
    }
  }

  place() {
    this.#placeStreets();
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const perMetre = pixelsPerMetre(this.map, this.scene.origin);
    for (const [key, { element }] of this.#zones) {
      const { block, zone } = this.scene.zones.get(key);
      const width = (block.width * perMetre) / rem;
      const height = (block.height * perMetre) / rem;
      const fits = (size) => width >= size.width && height >= size.height;
      const hidden = this.level !== null && (zone.level ?? 0) !== this.level;
      const mode = hidden ? "none" : fits(FULL) ? "full" : fits(SMALL) ? "small" : fits(LINE) ? "line" : fits(TIGHT) ? "tight" : fits(COUNT) ? "count" : "none";
      if (element.dataset.mode !== mode) element.dataset.mode = mode;
      if (mode === "none") continue;
      const { x, y } = this.map.project(block.place);
      element.style.maxWidth = `${Math.max(2, width * 1.12)}rem`;
      element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    }
    for (const [id, { element }] of this.#venues) {
      const points = this.scene.points(id);
      element.hidden = points.length === 0;
      if (element.hidden) continue;
      const bounds = box(points);
      const { x, y } = this.map.project([(bounds.left + bounds.right) / 2, bounds.top]);
      element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -118%)`;
    }
  }
}

function made(layer, name, classes) {
  const element = document.createElement("div");
  element.className = name;
  const parts = classes.map((each) => {
    const part = document.createElement("span");
    part.className = each;
    element.append(part);
    return part;
  });
  layer.append(element);
  return { element, parts };
}

function keep(known, wanted, make) {
  for (const [key, { element }] of known) {
    if (wanted.has(key)) continue;
    element.remove();
    known.delete(key);
  }
  for (const key of wanted.keys()) if (!known.has(key)) known.set(key, make());
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What a Pi is called: by where it hangs, and by number where several do. */
export function agentName(agent) {
  const zone = agent.zone?.name ?? agent.venue.name;
  return agent.number ? say("pi_nth", { zone, number: agent.number }) : say("pi", { zone });
}

/** Whether a Pi listens, in words. */
export function agentNote(agent) {
  const time = clockTime(agent.since, agent.venue.time_zone);
  if (agent.state === "listening") return say("pi_listening");
  if (agent.state === "deaf") return say("pi_deaf", { time });
  if (agent.state === "given_up" && time) return say("pi_given_up", { time });
  return time ? say("pi_silent", { time }) : say("pi_silent_plain");
}

/** Which beacons a deaf Pi misses and what to do about it, in words; an empty text for others. */
export function unheardNote(agent) {
  if (agent.state === "listening" || !agent.unheard?.length) return "";
  const others = agent.unheard.filter((id) => id !== agent.id);
  return others.length ? say("pi_unheard", { agents: others.join(", ") }) : say("pi_unheard_own");
}

/** What is known of a badge, in words. */
export function badgeNote(badge) {
  const key = `state_${badge.state}`;
  return has(key) ? say(key, { time: clockTime(badge.last_heard, badge.venue.time_zone) }) : badge.state;
}
