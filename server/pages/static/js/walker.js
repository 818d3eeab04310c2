// "You" on the demonstration's map: a dot to drag, or to walk with the arrow keys.
import * as maplibre from "../vendor/maplibre-gl/maplibre-gl.mjs";

const SEND_EVERY_MS = 200; // five steps a second look like walking to the radio model, and spare the server
const STEP_M = 1.5; // one press of an arrow key: two strides
const STRIDE_M = 6; // with Shift
const WALK_MS = 900; // a walk by button is seen as a walk
const METRES_PER_DEGREE = 111_320;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Walker {
  #sent = 0;
  #news = false;
  #telling = false;
  #walk = 0;

  constructor(map, place, { name, within, send, onMoved, onLost }) {
    Object.assign(this, { map, place, within, send, onMoved, onLost });
    const button = document.createElement("button");
    button.type = "button";
    button.id = "you";
    button.className = "you";
    button.setAttribute("aria-describedby", "hint");
    button.append(Object.assign(document.createElement("span"), { textContent: name }));
    this.button = button;
    this.marker = new maplibre.Marker({ element: button, anchor: "center" }).setLngLat(place).addTo(map);
    button.setAttribute("aria-label", name);
    this.#drag(button);
    button.addEventListener("keydown", (event) => this.#key(event));
  }

  where() {
    const { x, y } = this.map.project(this.place);
    return { lon: this.place[0], lat: this.place[1], x, y };
  }

  #drag(button) {
    let grip = null;
    const stop = (event) => event.stopPropagation();
    // Nor is a drop a click on whatever lies below.
    for (const name of ["mousedown", "touchstart", "dblclick", "click"]) button.addEventListener(name, stop);
    button.addEventListener("pointerdown", (event) => {
      cancelAnimationFrame(this.#walk);
      const at = this.map.project(this.place);
      grip = { x: event.clientX - at.x, y: event.clientY - at.y };
      button.setPointerCapture(event.pointerId);
      button.classList.add("held");
      event.stopPropagation();
    });
    button.addEventListener("pointermove", (event) => {
      if (!grip) return;
      this.#to(this.map.unproject([event.clientX - grip.x, event.clientY - grip.y]).toArray());
    });
    for (const name of ["pointerup", "pointercancel"]) {
      button.addEventListener(name, () => {
        grip = null;
        button.classList.remove("held");
      });
    }
  }

  #key(event) {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    event.stopPropagation();
    const metres = event.shiftKey ? STRIDE_M : STEP_M;
    const [lon, lat] = this.place;
    const perLon = METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
    this.#to([lon + (arrow[0] * metres) / perLon, lat + (arrow[1] * metres) / METRES_PER_DEGREE]);
  }

  /** Walks there in a straight line, as a finger would drag. */
  walkTo(target) {
    cancelAnimationFrame(this.#walk);
    const from = this.place;
    const begins = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (time) => {
      const t = still ? 1 : Math.min(1, Math.max(0, time - begins) / WALK_MS);
      this.#to([from[0] + (target[0] - from[0]) * t, from[1] + (target[1] - from[1]) * t]);
      if (t < 1) this.#walk = requestAnimationFrame(step);
    };
    this.#walk = requestAnimationFrame(step);
  }

  #to([lon, lat]) {
    const { left, right, bottom, top } = this.within;
    this.place = [Math.max(left, Math.min(right, lon)), Math.max(bottom, Math.min(top, lat))];
    this.marker.setLngLat(this.place);
    this.onMoved();
    this.#news = true;
    if (!this.#telling) this.#tell();
  }

  /** Sends the newest place until there is none newer; one at a time, since two could overtake each other on the way. */
  async #tell() {
    this.#telling = true;
    while (this.#news) {
      const wait_ms = Math.max(0, this.#sent + SEND_EVERY_MS - performance.now());
      await new Promise((later) => setTimeout(later, wait_ms));
      this.#news = false;
      this.#sent = performance.now();
      await this.send(this.place).catch(this.onLost);
    }
    this.#telling = false;
  }
}
