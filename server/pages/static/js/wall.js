// The live page of an event or a venue: figures, map, arrivals.
import { Arrivals } from "./arrivals.js";
import { clockTime } from "./clock.js";
import { Curve } from "./curve.js";
import { fillGreetings } from "./greetings.js";
import { watch } from "./live.js";
import { Panel, expose } from "./panel.js";
import { fillPulse } from "./pulse.js";
import { fillBars, fillPis, peopleAt, unheard } from "./rooms.js";
import { say, sayCount } from "./words.js";

const $ = (id) => document.getElementById(id);
const stage = $("main");
const timeZone = () => store.venues()[0]?.venue.time_zone ?? "UTC";
const now = () => store.venueNow(store.venues()[0]);
const tell = (text) => {
  $("say").textContent = text;
};

const store = watch(stage.dataset.liveUrl, { banner: $("paused"), timeZone: () => timeZone() });
const panel = new Panel(store);
const curve = $("curve") && new Curve($("curve"), () => timeZone());
const arrivals = $("arrivals") && new Arrivals({ list: $("arrivals"), empty: $("arrivals-empty"), tell, timeZone: () => timeZone() });
let known = false;
expose(store, panel);

function set(id, text) {
  const element = $(id);
  if (element && element.textContent !== text) element.textContent = text;
}

function fillFigure(topics) {
  const figures = store.event()?.figures;
  const here = figures?.here ?? peopleAt(topics);
  set("here", String(here));
  const said = [say("here_now")];
  if (figures) {
    said.push(say(figures.expected > 0 ? "here_of" : "here_of_met", figures));
    if (figures.over_capacity > 0) said.push(sayCount("over_capacity", figures.over_capacity));
  }
  set("here-of", said.join(" · "));
  const when = [say("as_of", { time: clockTime(now(), timeZone()) })];
  if (figures && figures.arrived !== here) when.unshift(say("here_arrived", figures));
  const unknown = unheard(topics);
  if (unknown.length === 1) when.push(say("not_counted", { zone: unknown[0].zone.name }));
  if (unknown.length > 1) when.push(say("not_counted_many", { count: unknown.length }));
  set("here-when", when.join(" · "));
}

function tick() {
  if (!store.at) return;
  set("clock", clockTime(now(), timeZone()));
  $("clock").dateTime = now().toISOString();
}

store.subscribe(() => {
  const topics = store.venues();
  const event = store.event();
  panel.update();
  fillFigure(topics);
  if ($("zonebars")) fillBars($("zonebars"), topics);
  if ($("greetings")) fillGreetings($("greetings"), $("greetings-none"), topics[0], timeZone());
  if ($("pis") && panel.map) fillPis($("pis"), panel.map.scene);
  if (event && $("pulse")) fillPulse($("pulse"), event.pulse);
  if (event && arrivals) {
    arrivals.update(event, known);
    curve.update(event, now());
    known = true;
  }
  $("simulated").hidden = !store.simulated;
  tick();
});
setInterval(tick, 1000);
// The curve ends at now, and now moves on.
setInterval(() => {
  if (store.event() && document.documentElement.dataset.stream === "live") curve?.update(store.event(), now());
}, 15_000);
