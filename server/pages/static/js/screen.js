// The screen at the door: fetches the next code before this one ends, and says since when it could not.
import { clockTime } from "./clock.js";
import { say } from "./words.js";

const AGAIN_MS = 2000; // after a failed try
const OVER_MS = 30_000; // the last code is accepted for one turn more
const $ = (id) => document.getElementById(id);
const main = $("main");

let until = new Date(main.dataset.until);
let received = performance.now();
let left_ms = until - new Date(main.dataset.now); // by the server's clock; the tablet's own may be off
const turn_ms = 30_000;

function show(screen) {
  $("code").textContent = screen.code;
  $("picture").innerHTML = screen.svg; // ours, made by the server
  until = new Date(screen.until);
  left_ms = until - new Date(screen.now);
  received = performance.now();
  $("paused").hidden = true;
  document.documentElement.classList.remove("stale");
}

function stale() {
  // A code that nobody takes any more is not shown as if it were good.
  $("paused").textContent = say("paused_short", { time: clockTime(until, main.dataset.timeZone) });
  $("paused").hidden = false;
  if (performance.now() - received > left_ms + OVER_MS) document.documentElement.classList.add("stale");
}

async function renew() {
  try {
    const answer = await fetch(main.dataset.url, { cache: "no-store" });
    if (answer.status === 403 || answer.status === 404) return location.reload(); // it was closed
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    setTimeout(renew, Math.max(500, left_ms + 200));
  } catch {
    stale();
    setTimeout(renew, AGAIN_MS);
  }
}

function tick() {
  const rest = Math.max(0, left_ms - (performance.now() - received)) / turn_ms;
  $("left").style.transform = `scaleX(${Math.min(1, rest)})`;
  requestAnimationFrame(tick);
}

setTimeout(renew, Math.max(500, left_ms + 200));
requestAnimationFrame(tick);
addEventListener("online", renew);
navigator.wakeLock?.request("screen").catch(() => {}); // a tablet that falls asleep is no door
