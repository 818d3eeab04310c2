// What is near: asks the browser where it is when told to, and draws the list on a map. The page works without either.
import * as maplibre from "../vendor/maplibre-gl/maplibre-gl.mjs";

const EARTH_M = 6_371_008.8;
const RINGS_M = [250, 500, 1000, 2000, 5000, 10_000, 25_000, 50_000, 100_000, 500_000];
const RINGS_SHOWN = 2;
const DECIMALS = 3; // about 100 m: the address is kept in the browser's history
const container = document.getElementById("near-map");
const says = document.getElementById("locate-says");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

if ("geolocation" in navigator && isSecureContext) {
  for (const button of document.querySelectorAll("[data-locate]")) {
    button.hidden = false;
    button.addEventListener("click", () => locate(button));
  }
}

function locate(button) {
  says.textContent = button.dataset.asking;
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      document.getElementById("pin").value = `${coords.latitude.toFixed(DECIMALS)}, ${coords.longitude.toFixed(DECIMALS)}`;
      document.getElementById("sift").requestSubmit();
    },
    () => {
      button.disabled = false;
      says.textContent = button.dataset.refused;
      document.getElementById("where").open = true;
    },
    { maximumAge: 300_000, timeout: 15_000 },
  );
}

/** A circle on the sphere as a ring of [lon, lat]. */
function circle([lon, lat], metres) {
  const [phi, delta, points] = [(lat * Math.PI) / 180, metres / EARTH_M, []];
  for (let step = 0; step <= 96; step++) {
    const turn = (step * 2 * Math.PI) / 96;
    const up = Math.asin(Math.sin(phi) * Math.cos(delta) + Math.cos(phi) * Math.sin(delta) * Math.cos(turn));
    const east = Math.atan2(Math.sin(turn) * Math.sin(delta) * Math.cos(phi), Math.cos(delta) - Math.sin(phi) * Math.sin(up));
    points.push([lon + (east * 180) / Math.PI, (up * 180) / Math.PI]);
  }
  return points;
}

function metresBetween([lon1, lat1], [lon2, lat2]) {
  const [p1, p2, d] = [lat1, lat2, lon2 - lon1].map((degrees) => (degrees * Math.PI) / 180);
  const cos = Math.sin(p1) * Math.sin(p2) + Math.cos(p1) * Math.cos(p2) * Math.cos(d);
  return EARTH_M * Math.acos(Math.min(1, Math.max(-1, cos)));
}

function draw({ here, within_m: within, pins }) {
  const far = Math.max(200, ...pins.map(([, , , lon, lat]) => metresBetween(here, [lon, lat])));
  const outer = Math.max(0, RINGS_M.findIndex((metres) => metres >= far * 0.6));
  const rings = RINGS_M.slice(Math.max(0, outer - RINGS_SHOWN + 1), outer + 1);
  const feature = (kind, coordinates) => ({ type: "Feature", properties: { kind }, geometry: { type: "LineString", coordinates } });
  const data = { type: "FeatureCollection", features: rings.map((metres) => feature("ring", circle(here, metres))) };
  if (within) data.features.push(feature("within", circle(here, within)));
  const paints = () => ({
    paper: ["background-color", colour("--map-ground")],
    ring: ["line-color", colour("--plate-line")],
    within: ["line-color", colour("--present")],
  });
  const first = paints();
  const bounds = new maplibre.LngLatBounds(here, here);
  for (const [, , , lon, lat] of pins) bounds.extend([lon, lat]);
  if (pins.length === 0) for (const at of circle(here, 500)) bounds.extend(at);
  const map = new maplibre.Map({
    container,
    style: {
      version: 8,
      sources: { rings: { type: "geojson", data } },
      layers: [
        { id: "paper", type: "background", paint: { "background-color": first.paper[1] } },
        { id: "ring", type: "line", source: "rings", filter: ["==", ["get", "kind"], "ring"], paint: { "line-color": first.ring[1], "line-width": 1.5, "line-dasharray": [3, 3] } },
        { id: "within", type: "line", source: "rings", filter: ["==", ["get", "kind"], "within"], paint: { "line-color": first.within[1], "line-width": 1.5, "line-dasharray": [1, 2] } },
      ],
    },
    bounds,
    fitBoundsOptions: { padding: 44, maxZoom: 16 },
    attributionControl: false,
    dragRotate: false,
    cooperativeGestures: false,
  });
  map.getCanvas().tabIndex = -1; // the list is the way for keys
  map.keyboard.disable();
  map.scrollZoom.disable();
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibre.ScaleControl({ unit: "metric" }), "bottom-left");
  new maplibre.Marker({ element: Object.assign(document.createElement("div"), { className: "near-me" }) }).setLngLat(here).addTo(map);
  const placed = new Map();
  for (const [number, name, kind, lon, lat] of pins.toReversed()) {
    // What is at one place stands one above the other.
    const key = `${lon} ${lat}`;
    const over = placed.get(key) ?? 0;
    placed.set(key, over + 1);
    const element = Object.assign(document.createElement("span"), { className: `near-pin ${kind}`, textContent: number, title: name });
    element.addEventListener("click", () => show(number));
    new maplibre.Marker({ element, anchor: "center", offset: [over * 14, over * -8] }).setLngLat([lon, lat]).addTo(map);
  }
  new MutationObserver(() => {
    for (const [layer, [property, value]] of Object.entries(paints())) map.setPaintProperty(layer, property, value);
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}

function show(number) {
  for (const lit of document.querySelectorAll(".hit.lit")) lit.classList.remove("lit");
  const hit = document.getElementById(`hit-${number}`);
  hit.classList.add("lit");
  hit.scrollIntoView({ block: "center", behavior: "smooth" });
}

if (container) {
  try {
    draw(JSON.parse(container.dataset.map));
  } catch {
    container.parentElement.remove(); // no WebGL: the list is enough
    for (const number of document.querySelectorAll(".pin-number")) number.remove();
  }
}
