// A pin for a new place: by a tap, by the arrow keys, or where this phone is. The field above says the same typed.
import * as maplibre from "../vendor/maplibre-gl/maplibre-gl.mjs";

const NAMES_SHOWN = 24;
const STEP_PX = 12;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const field = document.getElementById("pin");
const container = document.getElementById("pin-map");
const here = document.getElementById("here");
const says = document.getElementById("here-says");
const known = JSON.parse(container.dataset.pins);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function typed() {
  const found = field.value.match(/(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)/);
  if (!found) return null;
  const [lat, lon] = [Number(found[1]), Number(found[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}

function write([lon, lat]) {
  field.value = `${lat.toFixed(6)}, ${lon.toFixed(6)}`;
  document.querySelector("input[name=datum][value=wgs84]").checked = true;
}

function draw() {
  const start = typed() ?? (known.length ? known[0].slice(1) : [0, 20]);
  const map = new maplibre.Map({
    container,
    style: { version: 8, sources: {}, layers: [{ id: "paper", type: "background", paint: { "background-color": colour("--sunk") } }] },
    center: start,
    zoom: typed() || known.length ? 15 : 1,
    attributionControl: false,
    dragRotate: false,
    cooperativeGestures: false,
  });
  map.getCanvas().tabIndex = -1;
  map.keyboard.disable();
  map.touchZoomRotate.disableRotation();
  const head = Object.assign(document.createElement("div"), { className: "pin-head" });
  head.append(Object.assign(document.createElement("div"), { className: "pin" }));
  const pin = new maplibre.Marker({ element: head, anchor: "bottom", draggable: true }).setLngLat(start);
  if (typed()) pin.addTo(map);
  const put = (place, move = false) => {
    pin.setLngLat(place).addTo(map);
    if (move) map.easeTo({ center: place, zoom: Math.max(16, map.getZoom()), duration: 0 });
  };
  map.on("click", ({ lngLat }) => {
    put(lngLat.toArray());
    write(lngLat.toArray());
  });
  pin.on("dragend", () => write(pin.getLngLat().toArray()));
  field.addEventListener("input", () => {
    if (typed()) put(typed(), true);
  });
  container.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (event.key === "+" || event.key === "-") map.zoomTo(map.getZoom() + (event.key === "+" ? 1 : -1));
    if (!arrow) return;
    event.preventDefault();
    const at = map.project(typed() ?? map.getCenter());
    const place = map.unproject([at.x + arrow[0] * STEP_PX, at.y + arrow[1] * STEP_PX]).toArray();
    put(place);
    write(place);
    if (!map.getBounds().contains(place)) map.setCenter(place);
  });
  let shown = [];
  const name = () => {
    for (const each of shown) each.remove();
    const centre = map.getCenter();
    const bounds = map.getBounds();
    shown = known
      .filter(([, lon, lat]) => bounds.contains([lon, lat]))
      .sort((a, b) => Math.hypot(a[1] - centre.lng, a[2] - centre.lat) - Math.hypot(b[1] - centre.lng, b[2] - centre.lat))
      .slice(0, NAMES_SHOWN)
      .map(([text, lon, lat]) => {
        const element = Object.assign(document.createElement("span"), { className: "known", textContent: text });
        return new maplibre.Marker({ element, anchor: "center" }).setLngLat([lon, lat]).addTo(map);
      });
  };
  map.on("moveend", name);
  map.once("load", name);
  return put;
}

let put = () => {};
try {
  put = draw();
} catch {
  container.remove(); // no WebGL: the field is enough
}

here.addEventListener("click", () => {
  says.textContent = here.dataset.asking;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      says.textContent = "";
      write([coords.longitude, coords.latitude]);
      put([coords.longitude, coords.latitude], true);
    },
    () => {
      says.textContent = here.dataset.refused;
    },
    { enableHighAccuracy: true, timeout: 15_000 },
  );
});
