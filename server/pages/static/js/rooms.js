// Everything on the map in words: the table that stands for it, the bars beside it, the chips above it.
import { clockTime } from "./clock.js";
import { agentName, agentNote, unheardNote, zoneNote } from "./labels.js";
import { listed } from "./scene.js";
import { say, sayCount } from "./words.js";

const CHIPS_MOST = 2; // more rooms than this are told as a number

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}

/** Puts `made` into `parent` unless it says the same already: a screen reader must not lose its place each second. */
function put(parent, made) {
  const state = made.map((each) => each.outerHTML).join("");
  if (parent.state === state) return;
  parent.state = state;
  parent.replaceChildren(...made);
}

const countOf = (zone) => (zone.state === "covered" ? zone.count : 0);

/** How many people are at these venues, in the rooms that somebody listens to. */
export function peopleAt(topics) {
  return topics.reduce((sum, topic) => sum + listed(topic.zones).reduce((inner, zone) => inner + countOf(zone), 0), 0);
}

/** The zones that nobody hears now, [{zone, venue}]. */
export function unheard(topics, state = "unknown") {
  return topics.flatMap((topic) => listed(topic.zones).filter((zone) => zone.state === state).map((zone) => ({ zone, venue: topic.venue })));
}

export function fillTable(body, topics, names) {
  const rows = topics.flatMap((topic) => {
    const head = [];
    if (topics.length > 1) {
      const row = element("tr", "of-venue");
      const cell = element("th", "", topic.venue.name);
      cell.colSpan = 3;
      cell.scope = "rowgroup";
      row.append(cell);
      head.push(row);
    }
    return [...head, ...listed(topic.zones).map((zone) => zoneRow(topic, zone, names))];
  });
  put(body, rows);
}

function zoneRow(topic, zone, names) {
  const row = element("tr");
  row.dataset.zone = `${topic.venue.id}/${zone.id}`;
  row.dataset.state = zone.state;
  const name = element("th", "", zone.name);
  name.scope = "row";
  const badges = listed(topic.badges).filter((badge) => badge.zone === zone.id && (badge.state === "present" || badge.state === "away"));
  const away = badges.filter((badge) => badge.state === "away").length;
  const known = zone.state === "covered";
  const note = element("td", "soft small");
  if (known) {
    const parts = zone.count ? [say("list_here", { here: zone.count - away })] : [say("zone_empty")];
    if (away) parts.push(say("list_away", { away }));
    const named = badges.map((badge) => names(badge.id)).filter(Boolean).sort();
    if (named.length) parts.push(named.join(", "));
    note.textContent = parts.join(" · ");
  } else {
    note.append(element("span", "chip unknown", zoneNote(zone, topic.venue.time_zone)));
  }
  row.append(name, element("td", "num", known ? String(zone.count) : "?"), note);
  return row;
}

export function fillChips(container, topics) {
  const agents = topics.flatMap((topic) => listed(topic.agents));
  const listening = agents.filter((agent) => agent.state === "listening").length;
  const chips = [];
  if (!agents.length) chips.push(element("span", "chip plain", say("pis_none")));
  else if (listening === agents.length) chips.push(element("span", "chip well", sayCount("pis_all", agents.length)));
  else chips.push(element("span", listening ? "chip well" : "chip unknown", say("pis_some", { listening, count: agents.length })));
  const unknown = unheard(topics);
  if (unknown.length > CHIPS_MOST) chips.push(element("span", "chip unknown", say("chip_unknown_many", { count: unknown.length })));
  else {
    for (const { zone, venue } of unknown) {
      const time = clockTime(zone.since, venue.time_zone);
      chips.push(element("span", "chip unknown", time ? say("chip_unknown", { zone: zone.name, time }) : say("chip_unknown_plain", { zone: zone.name })));
    }
  }
  put(container, chips);
}

export function fillBars(list, topics) {
  const zones = topics.flatMap((topic) => listed(topic.zones).map((zone) => ({ zone, venue: topic.venue })));
  const most = Math.max(1, ...zones.map(({ zone }) => countOf(zone)));
  const rows = zones.map(({ zone, venue }) => {
    const row = element("li");
    row.dataset.state = zone.state;
    const note = zoneNote(zone, venue.time_zone);
    const bar = document.createElement("progress");
    bar.max = most;
    bar.value = countOf(zone);
    row.append(element("span", "", zone.name), element("span", "num", note ? "?" : String(zone.count)), note ? element("span", "small faint", note) : bar);
    return row;
  });
  put(list, rows);
}

export function fillPis(list, scene) {
  put(list, scene.agents.map((agent) => {
    const row = element("li");
    row.append(element("span", "", agentName(agent)), element("span", `chip ${agent.state === "listening" ? "well" : "unknown"}`, agentNote(agent)));
    const missed = unheardNote(agent);
    if (missed) row.append(element("span", "small soft", missed));
    return row;
  }));
}

/** Those who are in the building while nobody can say where: said as a number, since a dot would claim a place. */
export function fillLoose(chip, scene) {
  const loose = scene.badges.filter((badge) => badge.zoneKey === null && (badge.state === "present" || badge.state === "away")).length;
  chip.hidden = loose === 0;
  chip.textContent = loose ? sayCount("room_not_known", loose) : "";
}
