// The phone page: says that you are in, as soon as your badge has been heard.
import { clockTime, until } from "./clock.js";
import { watch } from "./live.js";
import { location, tell } from "./capable.js";
import { say, sayCount } from "./words.js";

const $ = (id) => document.getElementById(id);
const main = $("main");
const zoneOfTime = main.dataset.timeZone;
const framed = window.top !== window;
document.documentElement.classList.toggle("framed", framed);

const store = watch(main.dataset.liveUrl, { banner: $("paused"), timeZone: () => zoneOfTime, short: true });
window.muster = { store };
let stepShown = null;
let idShown = null;
let due = null; // when she will be in, while her badge is heard
// As the page came: she may tap before the stream has said anything.
let [eventId, stepId] = [$("card").dataset.of || null, $("card").dataset.step || null];

const byTime = (a, b) => new Date(b.at) - new Date(a.at);

function where(checkin) {
  const { venue, zone, ends_at } = checkin.step;
  return [venue.name, zone, ends_at && say("until", { time: until(ends_at, checkin.at, zoneOfTime) })].filter(Boolean).join(" · ");
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
    const answer = await fetch(`/api/check-ins/${idShown}/undo`, { method: "POST" });
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

/** Where she stands with what is near, told until she is in. */
function showCard(card) {
  const shown = card && card.code !== "in" ? card : null;
  $("card").hidden = !shown;
  due = shown?.due_at ? new Date(shown.due_at) : null;
  if (!shown) return;
  $("card").dataset.code = shown.code;
  set("card-event", shown.event.name);
  set("card-title", shown.title);
  if (due === null) set("card-sentence", shown.sentence);
  [eventId, stepId] = [shown.event.id, shown.step];
  $("card-here").hidden = !shown.by_position;
  $("card-ask").hidden = !shown.ask;
  if (shown.ask) $("card-ask").href = `/asks/${shown.ask}`;
  count();
}

function count() {
  if (due === null) return;
  const seconds = Math.max(1, Math.ceil((due - store.now()) / 1000));
  set("card-sentence", sayCount("more_seconds", seconds));
}
setInterval(count, 250);

function whereAmI() {
  const options = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 };
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, options));
}

$("card-here").addEventListener("click", async () => {
  const able = location();
  if (!able.there) {
    tell($("card-says"), able);
    return;
  }
  set("card-says", say("here_looking"));
  $("card-here").disabled = true;
  try {
    const { coords, timestamp } = await whereAmI();
    const now = new Date().toISOString();
    const body = {
      nonce: Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
      event: eventId,
      step: stepId,
      fix: { position: [coords.longitude, coords.latitude], accuracy_m: coords.accuracy, taken_at: new Date(timestamp).toISOString() },
      at: now,
      sent_at: now,
    };
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/api/check-ins", { method: "POST", headers, body: JSON.stringify(body) });
    const told = await answer.json();
    set("card-says", answer.ok ? "" : told.detail);
    if (answer.ok) window.location.assign(told.check_in ? `/check-ins/${told.check_in}` : `/asks/${told.ask}`);
  } catch (thrown) {
    set("card-says", say(thrown?.code === 1 ? "here_refused" : thrown?.code ? "here_lost" : "undo_lost"));
  }
  $("card-here").disabled = false;
});

store.subscribe((_, kind) => {
  const member = store.member();
  if (!member) return;
  const checkins = [...(member.checkins ?? [])].sort(byTime);
  const [latest, ...earlier] = checkins.filter((checkin) => !checkin.undone);
  const shown = !$("in").hidden;
  $("in").hidden = !latest;
  $("wait").hidden = Boolean(latest) || Boolean(member.card);
  if (latest?.step.id !== stepShown) askBack(false);
  stepShown = latest?.step.id ?? null;
  idShown = latest?.id ?? null;
  showCard(member.card ?? null);
  $("asked").hidden = !member.pulse;
  if (member.pulse) {
    set("asked-question", member.pulse.question);
    $("asked-answer").href = `/events/${member.pulse.event.id}/pulse`;
  }
  if (latest) {
    set("in-title", say("in"));
    $("receipt").href = `/check-ins/${latest.id}`;
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
