// What stands on the map, worked out from the store and free of any drawing: zones, Pis and badges with their places.
import { area, box, edgeDistance, inside, projection, soften, zonePolygons } from "./plan.js";
import { DOTS_MAX, nameBlock, spots } from "./spread.js";

// Venues that say neither where they are nor how they look stand side by side, this far apart.
const UNPLACED_STEP_M = 40;
// Plates stand apart by this share of their size, and are as round at their corners as a card is.
const INSET_SHARE = 0.012;
const ROUND_SHARE = 0.035;
// The name keeps this share of the plate's size from its walls.
const PAD_SHARE = 0.055;
// A room that holds this share of a venue's people, and so many of them, is where the fire burns: it is drawn warm.
const HOT_SHARE = 0.35;
const HOT_LEAST = 6;

/** A topic's list, or an empty one. */
export const listed = (map) => (map ? [...map.values()] : []);

function standing(rings, count) {
  // Pis without a known place hang in the bottom right corner of their zone, side by side.
  const bounds = box(rings[0]);
  const size = Math.sqrt((bounds.right - bounds.left) * (bounds.top - bounds.bottom));
  let best = null;
  for (let i = 0; i < 24; i += 1) {
    for (let j = 0; j < 24; j += 1) {
      const point = [bounds.right - ((i + 0.5) / 24) * (bounds.right - bounds.left), bounds.bottom + ((j + 0.5) / 24) * (bounds.top - bounds.bottom)];
      if (best && best.cost <= i + j) continue;
      if (inside(point, rings) && edgeDistance(point, rings) > 0.055 * size) best = { point, cost: i + j };
    }
  }
  const [x, y] = best?.point ?? [(bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2];
  return Array.from({ length: count }, (_, i) => [x - i * 0.09 * size, y]);
}

export class Scene {
  /** "venue/zone" -> {key, venue, zone, rings (degrees), drawn (degrees), block, spots, gap_m, toDegrees, hot, heat} */
  zones = new Map();
  /** [{key, id, venue, zone, place [lon, lat], state, since}] */
  agents = [];
  /** [{key, badge, venue, zoneKey, state, ...}] */
  badges = [];
  venues = [];
  origin = [0, 0];
  #shape = "";

  /** Takes the store's venues in; true when zones have moved, come or gone. */
  update(topics) {
    this.venues = topics.map((topic) => topic.venue);
    const shape = JSON.stringify(topics.map((topic) => [topic.venue.id, topic.venue.location, listed(topic.zones).map(({ id, area: polygon, level }) => [id, polygon, level])]));
    const moved = shape !== this.#shape;
    if (moved) {
      this.#shape = shape;
      this.#layOut(topics);
    }
    this.agents = [];
    this.badges = [];
    for (const topic of topics) this.#fill(topic);
    return moved;
  }

  #layOut(topics) {
    this.zones = new Map();
    const known = topics.map((topic) => topic.venue.location).find(Boolean);
    const { toDegrees } = projection(known ?? [0, 0]);
    topics.forEach((topic, i) => {
      const fallback = toDegrees([i * UNPLACED_STEP_M, 0]);
      const polygons = zonePolygons(topic.venue, listed(topic.zones), fallback);
      if (!polygons.length) return;
      const local = projection(polygons[0].rings[0][0]);
      const metres = polygons.map(({ rings }) => rings.map((ring) => ring.map(local.toMetres)));
      const typical = Math.sqrt(metres.reduce((sum, rings) => sum + area(rings), 0) / metres.length);
      polygons.forEach(({ zone, rings, madeUp }, j) => {
        const key = `${topic.venue.id}/${zone.id}`;
        const block = nameBlock(metres[j], typical * PAD_SHARE);
        const agents = listed(topic.agents).filter((agent) => agent.zone === zone.id);
        const fixed = [...agents.flatMap((agent) => (agent.location ? [local.toMetres(agent.location)] : [])), ...standing(metres[j], agents.filter((agent) => !agent.location).length)];
        const { points, gap_m } = spots(key, metres[j], block, fixed);
        const outer = soften(metres[j][0], typical * INSET_SHARE, typical * ROUND_SHARE);
        this.zones.set(key, {
          key,
          venue: topic.venue,
          zone,
          rings,
          madeUp,
          drawn: [outer.map(local.toDegrees), ...rings.slice(1).map((hole) => [...hole, hole[0]])],
          metres: metres[j],
          block: { ...block, place: local.toDegrees([block.left, block.top]) },
          spots: points.map(local.toDegrees),
          gap_m,
          toDegrees: local.toDegrees,
        });
      });
    });
    const all = this.points();
    if (all.length) {
      const bounds = box(all);
      this.origin = [(bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2];
    }
  }

  #fill(topic) {
    const zones = listed(topic.zones);
    const total = zones.reduce((sum, zone) => sum + (zone.count || 0), 0);
    for (const zone of zones) {
      const placed = this.zones.get(`${topic.venue.id}/${zone.id}`);
      placed.zone = zone;
      placed.venue = topic.venue;
      placed.hot = zone.state === "covered" && zone.count >= HOT_LEAST && zone.count >= HOT_SHARE * total;
      placed.heat = zone.state === "covered" && zone.count > DOTS_MAX;
    }
    const perZone = Map.groupBy ? Map.groupBy(listed(topic.agents), (agent) => agent.zone) : groupBy(listed(topic.agents));
    for (const [zoneId, agents] of perZone) {
      const placed = this.zones.get(`${topic.venue.id}/${zoneId}`);
      const loose = agents.filter((agent) => !agent.location);
      const places = placed ? standing(placed.metres, loose.length).map(placed.toDegrees) : [];
      for (const agent of agents) {
        const place = agent.location ?? places[loose.indexOf(agent)];
        const number = agents.length > 1 ? agents.indexOf(agent) + 1 : null;
        if (place) this.agents.push({ ...agent, key: agent.id, number, venue: topic.venue, zone: placed?.zone ?? null, level: placed?.zone.level ?? null, place });
      }
    }
    for (const badge of listed(topic.badges)) {
      const zoneKey = badge.zone === null ? null : `${topic.venue.id}/${badge.zone}`;
      this.badges.push({ ...badge, badge: badge.id, key: `${topic.venue.id}:${badge.id}`, venue: topic.venue, zoneKey });
    }
  }

  /** Every corner of every zone, or of those of one venue, [lon, lat]. */
  points(venueId = null) {
    return [...this.zones.values()].filter(({ venue }) => !venueId || venue.id === venueId).flatMap(({ rings: [outer] }) => outer);
  }

  levels() {
    return [...new Set([...this.zones.values()].map(({ zone }) => zone.level ?? 0))].sort((a, b) => a - b);
  }
}

function groupBy(agents) {
  const groups = new Map();
  for (const agent of agents) groups.set(agent.zone, [...(groups.get(agent.zone) ?? []), agent]);
  return groups;
}
