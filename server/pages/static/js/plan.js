// Space without drawing: zones as polygons in metres, made up where a venue has no plan, and places inside them.

const METRES_PER_DEGREE = 111_320;
// A venue without a plan is drawn as a plate of this size, big enough to hold its people and no claim about its walls.
const PLATE_WIDTH_M = 18;
const PLATE_HEIGHT_M = 12;
const PLATE_GAP_M = 0.6;

/** A local projection around `origin` [lon, lat]: x east and y north, in metres. */
export function projection(origin) {
  const [lon, lat] = origin;
  const perLon = METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
  return {
    toMetres: ([a, b]) => [(a - lon) * perLon, (b - lat) * METRES_PER_DEGREE],
    toDegrees: ([x, y]) => [lon + x / perLon, lat + y / METRES_PER_DEGREE],
  };
}

export function box(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return { left: Math.min(...xs), right: Math.max(...xs), bottom: Math.min(...ys), top: Math.max(...ys) };
}

function insideRing([x, y], ring) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Whether a point lies in a polygon (outer ring first, then holes). */
export function inside(point, rings) {
  return insideRing(point, rings[0]) && !rings.slice(1).some((hole) => insideRing(point, hole));
}

/** The distance of a point to the nearest edge of a polygon. */
export function edgeDistance([x, y], rings) {
  let least = Infinity;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const [ax, ay] = ring[j];
      const [bx, by] = ring[i];
      const length = (bx - ax) ** 2 + (by - ay) ** 2;
      const t = length ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
      least = Math.min(least, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
    }
  }
  return least;
}

function open(ring) {
  const [first, last] = [ring[0], ring[ring.length - 1]];
  return first[0] === last[0] && first[1] === last[1] ? ring.slice(0, -1) : ring;
}

function signedArea(ring) {
  let sum = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) sum += (ring[j][0] - ring[i][0]) * (ring[j][1] + ring[i][1]);
  return sum / 2;
}

export function area(rings) {
  return Math.abs(signedArea(rings[0]));
}

/** A ring drawn a little smaller and with round corners, so that neighbouring plates stand apart. */
export function soften(ring, inset, radius) {
  let points = open(ring);
  if (signedArea(points) < 0) points = [...points].reverse(); // counter-clockwise: the inside is on the left
  const n = points.length;
  const moved = points.map((point, i) => {
    const before = points[(i + n - 1) % n];
    const after = points[(i + 1) % n];
    const a = unit(before, point);
    const b = unit(point, after);
    const normal = [-(a[1] + b[1]), a[0] + b[0]];
    const length = Math.hypot(...normal) || 1;
    // The mitre of a sharp corner is cut at twice the inset.
    const scale = Math.min(2, 1 / Math.max(0.35, Math.sqrt((1 + a[0] * b[0] + a[1] * b[1]) / 2)));
    return [point[0] + (normal[0] / length) * inset * scale, point[1] + (normal[1] / length) * inset * scale];
  });
  const out = [];
  for (let i = 0; i < n; i += 1) {
    const before = moved[(i + n - 1) % n];
    const point = moved[i];
    const after = moved[(i + 1) % n];
    const r = Math.min(radius, distance(before, point) / 2.5, distance(point, after) / 2.5);
    const a = unit(point, before);
    const b = unit(point, after);
    const start = [point[0] + a[0] * r, point[1] + a[1] * r];
    const end = [point[0] + b[0] * r, point[1] + b[1] * r];
    for (let t = 0; t <= 1.0001; t += 0.2) {
      const u = 1 - t;
      out.push([u * u * start[0] + 2 * u * t * point[0] + t * t * end[0], u * u * start[1] + 2 * u * t * point[1] + t * t * end[1]]);
    }
  }
  return [...out, out[0]];
}

function unit([ax, ay], [bx, by]) {
  const length = Math.hypot(bx - ax, by - ay) || 1;
  return [(bx - ax) / length, (by - ay) / length];
}

function distance([ax, ay], [bx, by]) {
  return Math.hypot(bx - ax, by - ay);
}

function plates(count) {
  const columns = count === 1 ? 1 : Math.ceil(Math.sqrt(count * 1.3));
  const rows = Math.ceil(count / columns);
  const width = (PLATE_WIDTH_M * Math.max(1, columns * 0.6)) / columns;
  const height = (PLATE_HEIGHT_M * Math.max(1, rows * 0.6)) / rows;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const wide = (width * columns) / inRow;
    const x = (i - row * columns) * wide - (width * columns) / 2;
    const y = (height * rows) / 2 - row * height;
    return [
      [x, y],
      [x, y - height],
      [x + wide - PLATE_GAP_M, y - height],
      [x + wide - PLATE_GAP_M, y],
    ];
  });
}

/**
 * The zones of a venue as polygons in degrees: [{zone, rings}]. Zones without an area stand as plates where the venue is, or
 * under its plan; `fallback` [lon, lat] is where a venue without a place is put.
 */
export function zonePolygons(venue, zones, fallback) {
  const drawn = zones.filter((zone) => zone.area);
  const loose = zones.filter((zone) => !zone.area);
  const out = drawn.map((zone) => ({ zone, rings: zone.area.coordinates.map(open), madeUp: false }));
  if (!loose.length) return out;
  let centre = venue.location ?? fallback;
  const rings = plates(loose.length);
  let shift = 0;
  if (drawn.length) {
    const bounds = box(out.flatMap(({ rings: [outer] }) => outer));
    centre = [(bounds.left + bounds.right) / 2, bounds.bottom];
    shift = -Math.max(...rings.flat().map(([, y]) => y)) - PLATE_GAP_M * 3;
  }
  const { toDegrees } = projection(centre);
  loose.forEach((zone, i) => out.push({ zone, rings: [rings[i].map(([x, y]) => toDegrees([x, y + shift]))], madeUp: true }));
  return out;
}
