// The phone page: says that you are in, as soon as your badge has been heard.
import { clockTime } from "./clock.js";
import { watch } from "./live.js";
import { say } from "./words.js";

const $ = (id) => document.getElementById(id);
const main = $("main");
const zoneOfTime = main.dataset.timeZone;
const framed = window.top !== window;
document.documentElement.classList.toggle("framed", framed);

const store = watch(main.dataset.liveUrl, { banner: $("paused"), timeZone: () => zoneOfTime, short: true });
window.muster = { store };
let stepShown = null;

const byTime = (a, b) => new Date(b.at) - new Date(a.at);

function where(checkin) {
  const { venue, zone, ends_at } = checkin.step;
  return [venue.name, zone, ends_at && say("until", { time: clockTime(ends_at, zoneOfTime) })].filter(Boolean).join(" · ");
}

function card(title, sentence, note) {
  const made = document.createElement("article");
  made.className = "ev past";
  const [head, body] = [document.createElement("b"), document.createElement("p")];
  head.textContent = title;
  body.className = "soft small";
  body.textContent = [sentence, note].filter(Boolean).join(" · ");
  made.append(head, body);
  return made;
}

function set(id, text) {
  // The card is a live region: it speaks only when its words are others.
  if ($(id).textContent !== text) $(id).textContent = text;
}

/** Asks, or stops asking, whether the check-in shown is to be taken back. */
function askBack(asks) {
  $("undo").hidden = !asks;
  $("not-me").parentElement.hidden = asks;
  $("not-me").setAttribute("aria-expanded", String(asks));
  set("undo-says", "");
}

async function takeBack() {
  $("undo-yes").disabled = true;
  try {
    // The stream tells no numbers of check-ins: the list of one's own does.
    const mine = await fetch("/api/me/check-ins").then((answer) => answer.json());
    const checkin = mine.find(({ step, undone_at }) => step === stepShown && !undone_at);
    const answer = await fetch(`/api/check-ins/${checkin.id}/undo`, { method: "POST" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    askBack(false);
  } catch {
    set("undo-says", say("undo_lost"));
  }
  $("undo-yes").disabled = false;
}

$("not-me").addEventListener("click", () => {
  askBack(true);
  $("undo-no").focus();
});
$("undo-no").addEventListener("click", () => {
  askBack(false);
  $("not-me").focus();
});
$("undo-yes").addEventListener("click", takeBack);

store.subscribe((_, kind) => {
  const member = store.member();
  if (!member) return;
  const checkins = [...(member.checkins ?? [])].sort(byTime);
  const [latest, ...earlier] = checkins.filter((checkin) => !checkin.undone);
  const shown = !$("in").hidden;
  $("in").hidden = !latest;
  $("wait").hidden = Boolean(latest);
  if (latest?.step.id !== stepShown) askBack(false);
  stepShown = latest?.step.id ?? null;
  if (latest) {
    set("in-title", say("in"));
    set("in-sentence", latest.sentence);
    set("in-event", latest.event.name);
    set("in-where", where(latest));
    if (kind === "delta" && !shown) {
      $("in").classList.add("fresh");
      navigator.vibrate?.(80);
    }
  }
  document.documentElement.dataset.in = latest ? "yes" : "no";
  const arrived = new Set(checkins.filter(({ undone }) => !undone).map(({ event }) => event.id));
  for (const going of document.querySelectorAll("[data-event]")) going.hidden = arrived.has(going.dataset.event);
  const next = document.querySelector(".next:has([data-event])");
  if (next) next.hidden = !next.querySelector("[data-event]:not([hidden])");
  const refusals = (member.refusals ?? []).filter((refusal) => !checkins.some(({ step, undone }) => !undone && step.id === (refusal.step.id ?? refusal.step)));
  $("refusals").replaceChildren(...refusals.map((refusal) => card(refusal.event.name ?? "", refusal.sentence, clockTime(refusal.at, zoneOfTime))));
  const past = [...earlier, ...checkins.filter((checkin) => checkin.undone)];
  $("earlier").hidden = past.length === 0;
  $("earlier-list").replaceChildren(...past.map((checkin) => card(checkin.event.name, checkin.sentence, checkin.undone ? say("undone") : "")));
});
