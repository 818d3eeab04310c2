// The list of who has just arrived, and the sentence that a screen reader hears about it.
import { clockTime } from "./clock.js";
import { has, say, sayCount } from "./words.js";

const SHOWN_MOST = 60; // an evening's list is for what just happened; the figures hold the rest
const TELL_AFTER_MS = 1500; // a crowd at the door is told as one sentence, not as a stammer

const byTime = (a, b) => new Date(b.at) - new Date(a.at) || b.id - a.id;

/** All arrivals of an event, the newest first. */
export function sorted(event) {
  return [...(event.arrivals?.values() ?? [])].sort(byTime);
}

function what(arrival) {
  if (arrival.undone) return say("undone");
  if (arrival.note) return arrival.note;
  if (!arrival.name) return say("guest_keeps");
  return has(`evidence_${arrival.evidence}`) ? say(`evidence_${arrival.evidence}`) : arrival.evidence;
}

export class Arrivals {
  #rows = new Map();
  #waiting = [];
  #timer = null;

  constructor({ list, empty, tell, timeZone }) {
    Object.assign(this, { list, empty, tell, timeZone });
  }

  /** `fresh`: the page already knew the event, so what is new has just happened. */
  update(event, fresh) {
    const shown = sorted(event).slice(0, SHOWN_MOST);
    this.empty.hidden = shown.length > 0;
    this.list.hidden = !shown.length;
    const wanted = new Set(shown.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    shown.forEach((arrival, i) => {
      let row = this.#rows.get(arrival.id);
      if (!row) {
        row = document.createElement("li");
        row.dataset.arrival = arrival.id;
        if (fresh) {
          row.className = "new";
          if (!arrival.undone) this.#announce(arrival);
        }
        this.#rows.set(arrival.id, row);
      }
      this.#fill(row, arrival);
      if (this.list.children[i] !== row) this.list.insertBefore(row, this.list.children[i] ?? null);
    });
  }

  #fill(row, arrival) {
    const state = JSON.stringify(arrival);
    if (row.state === state) return;
    row.state = state;
    row.classList.toggle("undone", Boolean(arrival.undone));
    const face = part("span", arrival.name ? "face" : "face guest", arrival.name ? (arrival.initials ?? "") : "+1");
    face.setAttribute("aria-hidden", "true");
    const who = part("span", "who");
    who.append(part("b", "", arrival.name ?? say("guest")), part("span", "small faint", what(arrival)));
    if (arrival.late) who.lastChild.textContent += ` · ${arrival.late}`;
    const time = part("time", "small soft time", clockTime(arrival.at, this.timeZone()));
    time.dateTime = arrival.at;
    row.replaceChildren(face, who, time);
  }

  #announce(arrival) {
    this.#waiting.push(arrival);
    this.#timer ??= setTimeout(() => {
      const told = this.#waiting.sort(byTime);
      this.#waiting = [];
      this.#timer = null;
      this.tell(sayCount("arrived", told.length, { name: told[0].name ?? say("guest"), time: clockTime(told[0].at, this.timeZone()) }));
    }, TELL_AFTER_MS);
  }
}

function part(tag, name, text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
}
