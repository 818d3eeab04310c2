// The demonstration: you are a dot on the street with a badge in your pocket, and every Pi has a switch.
import { clockTime } from "./clock.js";
import { Happenings } from "./happenings.js";
import { watch } from "./live.js";
import { box, inside } from "./plan.js";
import { Panel, expose } from "./panel.js";
import { Walker } from "./walker.js";
import { agentName, agentNote } from "./labels.js";
import { say } from "./words.js";

const $ = (id) => document.getElementById(id);
const stage = $("main");
const worldUrl = stage.dataset.worldUrl;
const timeZone = () => store.venues()[0]?.venue.time_zone ?? "UTC";
const tell = (text) => {
  $("say").textContent = text;
};

const RETRY_MS = 2000;
// A cut line is mended and a crowd goes home by itself: the switches follow within this.
const LOOK_AGAIN_MS = 5000;

let world = null;
let walker = null;
const store = watch(stage.dataset.liveUrl, { banner: $("paused"), timeZone: () => timeZone() });
const panel = new Panel(store, { isYou: (badge) => badge === world?.you?.badge, onAgent: (agent) => $(`kill-${agent.id}`)?.focus() });
expose(store, panel);

async function post(path, body) {
  const response = await fetch(`${worldUrl}${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`status ${response.status}`);
}

/** Whether a place is inside one of the venues on the map. */
function indoors(place) {
  return [...panel.map.scene.zones.values()].some(({ rings }) => inside(place, rings));
}

/** A spot inside a venue, away from its walls: where somebody who walks in would stand. */
function insideOf(venueId) {
  const zone = [...panel.map.scene.zones.values()].find(({ venue }) => venue.id === venueId);
  return zone?.spots[0] ?? null;
}

const happenings = new Happenings({ post, tell });
happenings.onChange = () => fillHappenings();

function fillHappenings() {
  if (world) happenings.update(world, new Map(store.venues().map(({ venue }) => [venue.id, venue])));
}

/** Asks the world how its switches stand: others may have turned them, and some turn back by themselves. */
async function lookAgain() {
  const seen = await fetch(worldUrl).then((response) => (response.ok ? response.json() : null), () => null);
  if (!seen || !world) return;
  const place = world.you && seen.you ? { lon: world.you.lon, lat: world.you.lat } : {};
  Object.assign(world, seen, { you: seen.you && { ...seen.you, ...place } });
  fillPis();
  fillHappenings();
}

function fillWalks() {
  const topics = store.venues();
  const wanted = topics.map(({ venue }) => venue.id).join();
  if ($("walks").dataset.venues === wanted || !walker) return;
  $("walks").dataset.venues = wanted;
  const button = (name, text, place, told) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "pill";
    made.textContent = name;
    made.setAttribute("aria-label", text);
    made.addEventListener("click", () => {
      const target = place();
      if (!target) return;
      walker.walkTo(target);
      tell(told);
    });
    return made;
  };
  const home = [world.you.lon, world.you.lat];
  $("walks").replaceChildren(
    ...topics.map(({ venue }) => button(venue.name, say("demo_walk_to", { venue: venue.name }), () => insideOf(venue.id), say("demo_at", { venue: venue.name }))),
    button(say("demo_street_short"), say("demo_street"), () => home, say("demo_outside")),
  );
}

function fillPis() {
  if (!world) return;
  const live = new Map(panel.map?.scene.agents.map((agent) => [agent.id, agent]) ?? []);
  const venues = new Map(store.venues().map(({ venue }) => [venue.id, venue]));
  for (const { id, venue } of world.agents) {
    if (!venues.has(venue)) continue; // Pis of a place that she may not watch: there would be nothing to see
    const agent = live.get(id);
    const row = $(`pi-${id}`) ?? pi(id, venue, venues.get(venue)?.name);
    const running = world.agents.find((each) => each.id === id).running;
    row.dataset.state = agent?.state ?? "silent";
    row.querySelector("b").textContent = agent ? agentName(agent) : id;
    row.querySelector(".note").textContent = [venues.get(venue)?.name, agent ? agentNote(agent) : null, running ? null : say("demo_killed")].filter(Boolean).join(" · ");
    const button = row.querySelector("button");
    button.hidden = world.may_switch === false;
    button.textContent = say(running ? "demo_kill" : "demo_revive");
    button.setAttribute("aria-label", `${button.textContent}: ${row.querySelector("b").textContent}`);
    button.classList.toggle("quiet", running);
  }
}

function pi(id) {
  const row = document.createElement("div");
  row.className = "pi";
  row.id = `pi-${id}`;
  const words = document.createElement("div");
  const note = document.createElement("span");
  note.className = "note small soft";
  words.append(document.createElement("b"), note);
  const button = document.createElement("button");
  button.type = "button";
  button.id = `kill-${id}`;
  button.className = "btn kill";
  button.addEventListener("click", async () => {
    const agent = world.agents.find((each) => each.id === id);
    try {
      await post(`/agents/${encodeURIComponent(id)}`, { running: !agent.running });
      agent.running = !agent.running;
    } catch {
      tell(say("demo_lost"));
    }
    fillPis();
  });
  row.append(words, button);
  $("pis").append(row);
  return row;
}

async function ask() {
  for (;;) {
    const response = await fetch(worldUrl).catch(() => null);
    if (response?.ok) return response.json();
    // The world process may come up a moment after the server.
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function begin() {
  world = await ask();
  $("simulated").textContent = say("demo_people", { people: world.people_simulated, pis: world.agents.length });
  if (world.may_switch === false) $("pis-hint").textContent = say("demo_switch_host");
  if (!panel.map) return;
  await panel.map.drawStreets(world.streets);
  panel.map.fit({ bounds: world.bounds });
  if (world.you) {
    walker = new Walker(panel.map.map, [world.you.lon, world.you.lat], {
      name: say("you"),
      within: box([[world.bounds[0], world.bounds[1]], [world.bounds[2], world.bounds[3]]]),
      send: ([lon, lat]) => post("/you", { lon, lat }),
      onMoved: () => {
        $("hint").hidden = true;
      },
      onLost: () => tell(say("demo_lost")),
    });
    $("hint").hidden = indoors(walker.place);
    window.muster.you = () => walker.where();
  }
  panel.update();
  fillWalks();
  fillPis();
  fillHappenings();
  setInterval(lookAgain, LOOK_AGAIN_MS);
  document.documentElement.dataset.world = "ready";
}

store.subscribe(() => {
  panel.update();
  fillWalks();
  fillPis();
  fillHappenings();
  tick();
});

function tick() {
  if (!store.at) return;
  $("clock").textContent = clockTime(store.venueNow(store.venues()[0]), timeZone());
}

setInterval(tick, 1000);
begin();
