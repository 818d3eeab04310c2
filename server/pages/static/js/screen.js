// The screen at the door: fetches the next code before this one ends, and says since when it could not.
import { clockTime } from "./clock.js";
import { say } from "./words.js";

const AGAIN_MS = 2000; // after a failed try
const PATIENCE_MS = 8000; // for one answer: a code lasts 30 s
const OVER_MS = 30_000; // the last code is accepted for one turn more
const $ = (id) => document.getElementById(id);
const main = $("main");

let until = new Date(main.dataset.until);
let received = performance.now();
let left_ms = until - new Date(main.dataset.now); // by the server's clock; the tablet's own may be off
const turn_ms = 30_000;
let timer = null;
let asking = null;

function show(screen) {
  $("code").textContent = screen.code;
  $("picture").innerHTML = screen.svg; // ours, made by the server
  until = new Date(screen.until);
  left_ms = until - new Date(screen.now);
  received = performance.now();
  $("paused").hidden = true;
  mark(false);
}

function pause() {
  const words = isStale() ? "screen_stale" : "paused_short";
  const said = say(words, { time: clockTime(until, main.dataset.timeZone) });
  if ($("paused").textContent !== said) $("paused").textContent = said;
  $("paused").hidden = false;
}

const isStale = () => document.documentElement.classList.contains("stale");

/** A code that nobody takes any more is taken away, with all that leads to it. */
function mark(stale) {
  document.documentElement.classList.toggle("stale", stale);
  for (const part of document.querySelectorAll("[data-with-code]")) part.hidden = stale;
  if (!stale) return;
  $("code").textContent = "";
  $("picture").replaceChildren();
  pause();
}

/** Asks for the next code; one question at a time, and none for longer than PATIENCE_MS: a line may die without a word. */
async function renew() {
  clearTimeout(timer);
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
  let wait_ms = AGAIN_MS;
  try {
    const answer = await fetch(main.dataset.url, { cache: "no-store", signal: mine.signal });
    const ours = answer.headers.get("Content-Type")?.startsWith("application/problem+json");
    if (ours && (answer.status === 403 || answer.status === 404)) return location.reload(); // it was closed
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    wait_ms = Math.max(500, left_ms + 200);
  } catch {
    if (asking === mine) pause();
  }
  clearTimeout(patience);
  if (asking === mine) timer = setTimeout(renew, wait_ms);
}

function tick() {
  const rest_ms = left_ms - (performance.now() - received);
  const rest = Math.max(0, rest_ms) / turn_ms;
  if (rest_ms < -OVER_MS && !isStale()) mark(true);
  $("left").style.transform = `scaleX(${Math.min(1, rest)})`;
  requestAnimationFrame(tick);
}

timer = setTimeout(renew, Math.max(500, left_ms + 200));
requestAnimationFrame(tick);
addEventListener("online", renew);

// A tablet that falls asleep is no door; a lock ends whenever the page is not seen.
const wake = () => document.visibilityState === "visible" && navigator.wakeLock?.request("screen").catch(() => {});
document.addEventListener("visibilitychange", wake);
wake();
