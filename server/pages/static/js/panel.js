// The map's panel on a page: the map with its buttons, the list that stands for it, the pills for places and floors.
import { LiveMap } from "./map.js";
import { fillChips, fillLoose, fillTable } from "./rooms.js";
import { say } from "./words.js";

const $ = (id) => document.getElementById(id);
// Below this the page scrolls, and one finger must move the page and not the map.
const NARROW = "(max-width: 60rem)";

export class Panel {
  #names = {};
  #shape = "";
  #level = null;
  #place = null;

  constructor(store, { isYou, onAgent } = {}) {
    this.store = store;
    this.names = (badge) => this.#names[String(badge)] ?? null;
    try {
      this.map = new LiveMap(
        { container: $("map"), tip: $("map-tip") },
        { names: this.names, isYou, onAgent, gentle: matchMedia(NARROW).matches, serverNow: (venue) => store.venueNow(store.topics.get(`venue/${venue}`)) },
      );
      this.map.ready.then(() => this.update());
    } catch {
      document.body.classList.add("no-map");
      const words = document.createElement("p");
      words.className = "map-empty shown";
      words.textContent = say("no_map");
      $("map").append(words);
    }
    $("map-in").addEventListener("click", () => this.map?.zoom(1));
    $("map-out").addEventListener("click", () => this.map?.zoom(-1));
    $("map-fit").addEventListener("click", () => this.map?.fit({ glide: true }));
    $("as-list").addEventListener("click", ({ currentTarget }) => {
      const listed = document.body.classList.toggle("as-list");
      currentTarget.setAttribute("aria-pressed", String(listed));
    });
  }

  update() {
    const { store } = this;
    if (!store.at) return;
    const topics = store.venues();
    this.#names = Object.assign({}, ...topics.map((topic) => topic.names ?? {}), store.event()?.names ?? {});
    fillTable($("rooms-body"), topics, this.names);
    fillChips($("chips"), topics);
    const anybody = topics.some((topic) => topic.badges?.size);
    $("map-empty").hidden = anybody;
    if (!this.map) return;
    this.map.update(topics);
    fillLoose($("room-not-known"), this.map.scene);
    this.#pills(topics);
  }

  #pills(topics) {
    const levels = this.map.scene.levels();
    const shape = JSON.stringify([topics.map(({ venue }) => [venue.id, venue.name]), levels]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    const places = [[null, say("all_places")], ...topics.map(({ venue }) => [venue.id, venue.name])];
    this.#group($("places"), topics.length > 1 ? places : [], this.#place, (id) => {
      this.#place = id;
      this.map.fit({ venue: id, glide: true });
    });
    if (levels.length > 1 && !levels.includes(this.#level)) {
      this.#level = levels.includes(0) ? 0 : levels[0];
      this.map.showLevel(this.#level);
      this.map.update(topics);
    }
    this.#group($("levels"), levels.length > 1 ? levels.map((level) => [level, say("level", { level })]) : [], this.#level, (level) => {
      this.#level = level;
      this.map.showLevel(level);
      this.map.update(this.store.venues());
    });
  }

  #group(container, choices, chosen, choose) {
    container.hidden = choices.length === 0;
    container.replaceChildren(...choices.map(([value, text]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "pill";
      button.textContent = text;
      button.setAttribute("aria-pressed", String(value === chosen));
      button.addEventListener("click", () => {
        for (const other of container.children) other.setAttribute("aria-pressed", String(other === button));
        choose(value);
      });
      return button;
    }));
  }
}

/** What tests and curious people may look at. */
export function expose(store, panel) {
  window.muster = {
    store,
    dots: () => panel.map?.dots.seen() ?? [],
    zones: () => [...(panel.map?.scene.zones.values() ?? [])].map(({ key, zone, venue, hot, heat }) => ({ key, venue: venue.id, zone: zone.id, state: zone.state, count: zone.count, hot, heat })),
    plates: () => panel.map?.plates() ?? {},
    project: (place) => panel.map.map.project(place),
    agents: () => panel.map?.scene.agents.map(({ id, state, place }) => ({ id, state, ...panel.map.map.project(place) })) ?? [],
  };
}
