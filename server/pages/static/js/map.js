// The live map: MapLibre GL for streets, plates and the camera, with dots and labels in layers of their own above it.
import * as maplibre from "../vendor/maplibre-gl/maplibre-gl.mjs";
import { Dots } from "./dots.js";
import { Labels, agentName, agentNote, badgeNote, zoneNote } from "./labels.js";
import { box, inside, projection } from "./plan.js";
import { Scene } from "./scene.js";
import { say, sayCount } from "./words.js";

const METRES_PER_PIXEL_AT_0 = 78_271.484; // of 512-pixel tiles at the equator
const MAX_ZOOM = 24; // a room of 8 m fills a 4K wall
const OVER_PLAN = 0.55; // of a plate: what is drawn beneath it is still read
const STREET_WIDTH_M = 7;
const PATH_WIDTH_M = 2.5;
const TREE_RADIUS_M = 2;
const PI_HIT_PX = 14;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const empty = { type: "FeatureCollection", features: [] };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function metresWide(metres, lat) {
  const atZero = 1 / (METRES_PER_PIXEL_AT_0 * Math.cos((lat * Math.PI) / 180));
  const width = (zoom) => ["*", metres, atZero * 2 ** zoom];
  return ["interpolate", ["exponential", 2], ["zoom"], 0, width(0), MAX_ZOOM, width(MAX_ZOOM)];
}

const kind = (...kinds) => ["in", ["get", "kind"], ["literal", kinds]];
const state = (...states) => ["in", ["get", "state"], ["literal", states]];

function layers(lat) {
  const widthOf = ["coalesce", ["get", "width_m"], ["match", ["get", "kind"], ["path", "footway"], PATH_WIDTH_M, STREET_WIDTH_M]];
  const line = { "line-cap": "round", "line-join": "round" };
  const area = ["==", ["geometry-type"], "Polygon"];
  const street = ["==", ["geometry-type"], "LineString"];
  return [
    { id: "green", type: "fill", source: "streets", filter: ["all", area, kind("park", "green", "garden")] },
    { id: "water", type: "fill", source: "streets", filter: ["all", area, kind("water", "river")] },
    { id: "street-edge", type: "line", source: "streets", filter: street, layout: line, paint: { "line-width": metresWide(["+", 0.8, widthOf], lat) } },
    { id: "square", type: "fill", source: "streets", filter: ["all", area, kind("square", "plaza")] },
    { id: "pavement", type: "fill", source: "streets", filter: ["all", area, kind("pavement")] },
    { id: "road", type: "fill", source: "streets", filter: ["all", area, kind("street")] },
    { id: "street", type: "line", source: "streets", filter: street, layout: line, paint: { "line-width": metresWide(widthOf, lat) } },
    { id: "building", type: "fill", source: "streets", filter: ["all", area, kind("building")] },
    { id: "building-edge", type: "line", source: "streets", filter: ["all", area, kind("building")], layout: line, paint: { "line-width": 1 } },
    { id: "tree", type: "circle", source: "streets", filter: ["all", ["==", ["geometry-type"], "Point"], kind("tree")], paint: { "circle-radius": metresWide(TREE_RADIUS_M, lat), "circle-stroke-width": 1 } },
    { id: "plate", type: "fill", source: "zones", filter: state("covered") },
    { id: "plate-loose", type: "fill", source: "zones", filter: state("unknown", "not_covered") },
    { id: "plate-edge", type: "line", source: "zones", filter: state("covered"), layout: line, paint: { "line-width": 1.5 } },
    { id: "plate-dashed", type: "line", source: "zones", filter: state("unknown", "not_covered"), layout: { "line-join": "round" }, paint: { "line-width": 1.8, "line-dasharray": [4, 3.4] } },
  ];
}

export class LiveMap {
  #fitted = false;
  #moved = false;
  #touched = false;
  #loaded = false;
  #bounds = null;
  #venue = null;

  /**
   * `elements`: {container, tip, empty}. `names(badge)` gives a name or null, `isYou(badge)` whether it is the reader's own,
   * `serverNow(venueId)` the time there in ms. Throws when the browser has no WebGL.
   */
  constructor(elements, { names, isYou = () => false, serverNow, onAgent = () => {}, gentle = false }) {
    Object.assign(this, { ...elements, names, onAgent });
    this.scene = new Scene();
    this.laid = new Map();
    this.map = new maplibre.Map({
      container: this.container,
      style: { version: 8, sources: {}, layers: [] },
      center: [0, 0],
      zoom: 1,
      maxZoom: MAX_ZOOM,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      fadeDuration: 0,
      cooperativeGestures: gentle,
      locale: {
        "CooperativeGesturesHandler.WindowsHelpText": say("map_zoom_ctrl"),
        "CooperativeGesturesHandler.MacHelpText": say("map_zoom_command"),
        "CooperativeGesturesHandler.MobileHelpText": say("map_two_fingers"),
      },
      canvasContextAttributes: { antialias: true },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.getCanvas().setAttribute("aria-hidden", "true");
    this.map.getCanvas().tabIndex = -1;
    const over = document.createElement("div");
    over.className = "map-over";
    const canvas = document.createElement("canvas");
    over.append(canvas);
    this.container.append(over);
    this.over = over;
    this.dots = new Dots(canvas, this.map, this.scene, { serverNow, isYou });
    this.labels = new Labels(over, this.map, this.scene);
    this.ready = new Promise((resolve) => {
      this.map.once("load", () => {
        this.#dress();
        resolve();
      });
    });
    this.map.on("resize", () => {
      if (this.#fitted && !this.#touched) this.fit();
    });
    for (const gesture of ["dragstart", "zoomstart"]) {
      this.map.on(gesture, (event) => {
        if (event.originalEvent) this.#touched = true;
      });
    }
    this.#listen();
    document.addEventListener("muster:theme", () => this.#paint());
  }

  #dress() {
    this.map.addSource("streets", { type: "geojson", data: this.streets ?? empty });
    this.map.addSource("zones", { type: "geojson", data: empty, maxzoom: 22, tolerance: 0 });
    this.#loaded = true;
  }

  /** Streets, buildings and greens, GeoJSON with the property `kind` (and `width_m` of streets, optional). */
  async drawStreets(collection) {
    await this.ready;
    this.map.getSource("streets").setData(collection);
    this.labels.nameStreets(collection.features.filter(isNamed).map(({ geometry, properties }) => ({ name: properties.name, ...axis(geometry) })));
  }

  /** The pictures of plans lie beneath the plates; of several floors the one that is shown. */
  #lay() {
    const { map } = this;
    const level = this.dots.level;
    const wanted = new Map();
    for (const venue of this.scene.venues) {
      for (const plan of venue.plans ?? []) {
        if (level === null || plan.level === level) wanted.set(`plan-${venue.id}-${plan.level}`, plan);
      }
    }
    for (const id of this.laid.keys()) {
      if (wanted.has(id)) continue;
      map.removeLayer(id);
      map.removeSource(id);
      this.laid.delete(id);
    }
    for (const [id, plan] of wanted) {
      const lies = JSON.stringify(plan);
      if (this.laid.get(id) === lies) continue;
      const picture = { url: `/api/pictures/${plan.picture}`, coordinates: plan.corners };
      if (this.laid.has(id)) map.getSource(id).updateImage(picture);
      else {
        map.addSource(id, { type: "image", ...picture });
        map.addLayer({ id, type: "raster", source: id, paint: { "raster-opacity": 0.8, "raster-fade-duration": 0 } }, "plate");
      }
      this.laid.set(id, lies);
    }
    for (const plate of ["plate", "plate-loose"]) map.setPaintProperty(plate, "fill-opacity", this.laid.size ? OVER_PLAN : 1);
  }

  /** Shows `topics` (the store's venues). */
  update(topics) {
    this.#moved = this.scene.update(topics) || this.#moved;
    this.container.dataset.people = String(this.scene.badges.filter(({ state: each }) => each !== "left").length);
    if (!this.#loaded || !topics.length) return;
    if (!this.map.getLayer("plate")) {
      for (const layer of layers(this.scene.origin[1])) this.map.addLayer(layer);
      this.#paint();
    }
    const level = this.dots.level;
    this.map.getSource("zones").setData({
      type: "FeatureCollection",
      features: [...this.scene.zones.values()]
        .filter(({ zone }) => level === null || (zone.level ?? 0) === level)
        .map(({ key, zone, hot, drawn }) => ({
          type: "Feature",
          properties: { key, state: zone.state, hot },
          geometry: { type: "Polygon", coordinates: drawn },
        })),
    });
    this.#lay();
    if (this.#moved && !this.#touched) this.fit();
    this.labels.update(topics);
    this.dots.update(this.#moved);
    this.#moved = false;
    // Plates come from a worker, a moment after the dots: the picture is shown when it is whole.
    if (this.container.dataset.ready !== "true") {
      this.map.once("idle", () => {
        this.container.dataset.ready = "true";
      });
    }
  }

  /** The keys of the zones whose plates are on the screen, and whether they are dashed. */
  plates() {
    const found = this.map.queryRenderedFeatures({ layers: ["plate-edge", "plate-dashed"] });
    return Object.fromEntries(found.map(({ layer, properties }) => [properties.key, layer.id === "plate-dashed" ? "dashed" : "plain"]));
  }

  showLevel(level) {
    this.dots.level = level;
    this.labels.level = level;
    if (this.map.getLayer("plate")) this.#lay();
    this.dots.draw();
    this.labels.place();
  }

  /** Shows everything, or one venue; `bounds` [west, south, east, north] instead, if given once. */
  fit({ venue = this.#venue, bounds = this.#bounds, glide = false } = {}) {
    this.#bounds = bounds;
    this.#venue = venue;
    const points = this.scene.points(venue);
    if (!points.length && !bounds) return;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const around = venue || !bounds ? box(points) : { left: bounds[0], bottom: bounds[1], right: bounds[2], top: bounds[3] };
    const wide = this.container.clientWidth > 40 * rem;
    const padding = wide ? { top: (this.scene.venues.length > 1 ? 6 : 2.6) * rem, bottom: 4.6 * rem, left: 3 * rem, right: 5.4 * rem } : { top: (this.scene.venues.length > 1 ? 5 : 1.2) * rem, bottom: 5.4 * rem, left: rem, right: rem };
    // A neighbourhood runs on beyond the edges; a plan is shown whole.
    if (bounds && !venue) Object.assign(padding, { left: 0, right: 0, top: 0.7 * padding.top });
    // On a stamp of a map the margins give way first.
    const room = Math.min(1, this.container.clientHeight / (2 * (padding.top + padding.bottom)), this.container.clientWidth / (2 * (padding.left + padding.right)));
    for (const side of Object.keys(padding)) padding[side] *= room;
    this.map.fitBounds([[around.left, around.bottom], [around.right, around.top]], {
      padding,
      animate: glide && !matchMedia("(prefers-reduced-motion: reduce)").matches,
      duration: 700,
      maxZoom: MAX_ZOOM,
    });
    // On a phone the page gives the map the height that its plan needs.
    const { toMetres } = projection(this.scene.origin);
    const [west, south] = toMetres([around.left, around.bottom]);
    const [east, north] = toMetres([around.right, around.top]);
    this.container.parentElement.style.setProperty("--plan-ratio", String((north - south) / Math.max(1, east - west)));
    this.#fitted = true;
    this.#touched = false;
  }

  zoom(by) {
    this.#touched = true;
    this.map.zoomTo(this.map.getZoom() + by, { duration: 250 });
  }

  #paint() {
    const { map } = this;
    if (!map.getLayer("plate")) return;
    const hot = (warm, calm) => ["case", ["get", "hot"], colour(warm), colour(calm)];
    const set = (layer, property, value) => map.setPaintProperty(layer, property, value);
    set("green", "fill-color", colour("--map-green"));
    set("water", "fill-color", colour("--map-water"));
    set("square", "fill-color", colour("--map-green"));
    set("pavement", "fill-color", colour("--map-pavement"));
    set("road", "fill-color", colour("--map-street"));
    set("tree", "circle-color", colour("--map-tree"));
    set("tree", "circle-stroke-color", colour("--map-green"));
    set("street-edge", "line-color", colour("--map-street-line"));
    set("street", "line-color", colour("--map-street"));
    set("building", "fill-color", colour("--map-building"));
    set("building-edge", "line-color", colour("--map-building-line"));
    set("plate", "fill-color", hot("--plate-hot", "--plate"));
    set("plate-edge", "line-color", hot("--plate-hot-line", "--plate-line"));
    set("plate-loose", "fill-color", colour("--plate-unknown"));
    set("plate-dashed", "line-color", colour("--plate-unknown-line"));
    this.dots.paint();
  }

  #listen() {
    const { map, over } = this;
    map.on("mousemove", (event) => this.#point(event.point));
    map.on("mouseout", () => this.select(null));
    map.on("click", (event) => this.#point(event.point, true));
    over.tabIndex = 0;
    over.setAttribute("role", "application");
    over.setAttribute("aria-label", say("dots_label"));
    over.addEventListener("keydown", (event) => this.#step(event));
    over.addEventListener("blur", () => this.select(null));
    map.on("move", () => this.#follow());
  }

  #point(point, tapped = false) {
    const dot = this.dots.at(point);
    if (dot) return this.select(dot);
    const agent = this.scene.agents.find(({ place }) => {
      const { x, y } = this.map.project(place);
      return Math.hypot(x - point.x, y - point.y) < PI_HIT_PX;
    });
    if (agent && tapped) this.onAgent(agent);
    this.map.getCanvas().style.cursor = "";
    if (!agent) {
      this.select(null);
      return this.#name(point);
    }
    return this.#tell({ place: agent.place, text: agentName(agent), note: agentNote(agent) });
  }

  /** Says what a room is called whose name does not fit on it. */
  #name(point) {
    const place = this.map.unproject(point).toArray();
    const level = this.dots.level;
    const found = [...this.scene.zones.values()].find(({ zone, rings }) => (level === null || (zone.level ?? 0) === level) && inside(place, rings));
    if (!found || this.labels.isNamed(found.key)) return;
    const { zone, venue } = found;
    const counted = zone.count ? sayCount("count", zone.count) : say("zone_empty");
    this.#tell({ place, text: zone.name, note: zoneNote(zone, venue.time_zone) || counted });
  }

  /** Shows who a dot is, as far as the reader may know. */
  select(dot) {
    this.dots.selected = dot?.key ?? null;
    this.dots.draw();
    if (!dot) return this.#tell(null);
    const zone = this.scene.zones.get(dot.zoneKey)?.zone.name ?? "";
    return this.#tell({ key: dot.key, text: this.names(dot.badge) ?? say("badge", { id: dot.badge }), note: `${zone} · ${badgeNote(dot)}` });
  }

  #tell(what) {
    this.telling = what;
    this.tip.hidden = !what;
    if (!what) return;
    const [name, note] = [document.createElement("b"), document.createElement("span")];
    name.textContent = what.text;
    note.textContent = what.note;
    this.tip.replaceChildren(name, note);
    this.#follow();
  }

  #follow() {
    if (!this.telling) return;
    const place = this.telling.place ?? this.dots.get(this.telling.key)?.to;
    if (!place) {
      this.select(null);
      return;
    }
    const { x, y } = this.map.project(place);
    const half = this.tip.offsetWidth / 2 + 8;
    const held = Math.max(half, Math.min(this.container.clientWidth - half, x));
    const below = y < this.tip.offsetHeight + 24;
    this.tip.style.transform = `translate(${Math.round(held)}px, ${Math.round(y)}px) translate(-50%, ${below ? "1rem" : "calc(-100% - 1rem)"})`;
  }

  #step(event) {
    if (event.key === "Escape") this.select(null);
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const dots = this.dots.seen();
    const here = dots.find(({ key }) => key === this.dots.selected);
    const next = here ? nearest(dots, here, arrow) : dots[0];
    if (next) this.select(this.dots.get(next.key));
  }
}


const NAMED = new Set(["street", "path", "footway", "square", "plaza", "park", "green", "garden", "water", "river"]);

function isNamed({ geometry, properties }) {
  return properties?.name && NAMED.has(properties.kind) && geometry.type !== "Point";
}

/** Where a name runs: along the longest piece of a line, through the middle of an area. */
function axis({ type, coordinates }) {
  if (type === "LineString") return longest(coordinates);
  const { left, right, bottom, top } = box(coordinates[0]);
  const [x, y] = [(left + right) / 2, (bottom + top) / 2];
  const wide = (right - left) * Math.cos((y * Math.PI) / 180) >= top - bottom;
  return wide ? { from: [left, y], to: [right, y] } : { from: [x, bottom], to: [x, top] };
}

function longest(line) {
  let best = { length: -1 };
  for (let i = 1; i < line.length; i += 1) {
    const length = Math.hypot(line[i][0] - line[i - 1][0], line[i][1] - line[i - 1][1]);
    if (length > best.length) best = { from: line[i - 1], to: line[i], length };
  }
  return best;
}

function nearest(dots, here, [dx, dy]) {
  let best = null;
  for (const dot of dots) {
    const along = (dot.x - here.x) * dx + (dot.y - here.y) * dy;
    const aside = Math.abs((dot.x - here.x) * dy) + Math.abs((dot.y - here.y) * dx);
    if (along <= 0.5) continue;
    const cost = along + aside * 2;
    if (!best || cost < best.cost) best = { ...dot, cost };
  }
  return best;
}
