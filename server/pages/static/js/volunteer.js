// A volunteer's phone: checks personal codes by itself, keeps what it lets in while there is no network, and sends it later.
import * as ed from "../vendor/noble-ed25519/index.js";
import { sha512 } from "../vendor/noble-hashes/sha2.js";
import { clockTime } from "./clock.js";
import { say, sayCount } from "./words.js";

ed.hashes.sha512 = sha512; // the browser's own is given to https alone
const AGAIN_MS = 5000;
const main = document.getElementById("main");
const token = main.dataset.token;
const keys = JSON.parse(main.dataset.keys);
const KEPT = `muster-door-${token.slice(0, 12)}`;
let sending = false;
let again = null;
let unkept = []; // what a phone without room, or one that keeps nothing for pages, has in this page alone

const newNonce = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const bytesOfHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

function kept() {
  const entries = stored();
  const known = new Set(entries.map(({ entry }) => entry.nonce));
  return [...entries, ...unkept.filter(({ entry }) => !known.has(entry.nonce))];
}

function keep(entries) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(entries));
    unkept = [];
  } catch {
    unkept = entries;
  }
  const count = entries.length;
  const waiting = document.getElementById("waiting");
  waiting.hidden = count === 0;
  waiting.textContent = count ? sayCount("door_waiting", count) : "";
}

function tell(text, well) {
  const done = document.getElementById("done");
  done.textContent = text;
  done.hidden = false;
  done.classList.toggle("bad", !well);
  navigator.vibrate?.(well ? 60 : [60, 60, 60]);
}

/** What a personal code says: {name, state}, state being "good", "forged", "old" or "unproven" (its key is not known here). */
export function readPass(text, now = Date.now()) {
  const [said, signed] = text.trim().split("/q/").pop().split(".");
  try {
    const payload = bytesOf(said);
    const [key, , name, expires] = JSON.parse(new TextDecoder().decode(payload));
    if (!(key in keys)) return { name, state: "unproven" };
    if (!ed.verify(bytesOf(signed), payload, bytesOfHex(keys[key]))) return { name: "", state: "forged" };
    return { name, state: expires * 1000 > now ? "good" : "old" };
  } catch {
    return { name: "", state: "forged" };
  }
}

/** Lets somebody in: kept first, then sent, so that neither a lost line nor a closed page loses it. */
function letIn(way, name, sayKept = "door_kept") {
  const entry = { ...way, nonce: newNonce(), at: new Date().toISOString() };
  keep([...kept(), { entry, name }]);
  send(name, sayKept);
}

async function send(name = null, sayKept = "door_kept") {
  if (sending) return;
  sending = true;
  try {
    for (let [first] = kept(); first; [first] = kept()) {
      const body = { ...first.entry, door: token, sent_at: new Date().toISOString() };
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch("/api/check-ins", { method: "POST", headers, body: JSON.stringify(body) });
      if (answer.status >= 500 || answer.status === 429) throw new Error(`status ${answer.status}`);
      const told = await answer.json();
      keep(kept().filter(({ entry }) => entry.nonce !== first.entry.nonce));
      if (answer.ok) tell(say(`door_${told.result}`, { name: first.name, time: clockTime(told.at) }), told.result !== "asked" && told.result !== "already");
      else tell(say("door_refused", { name: first.name, why: told.detail }), false);
    }
  } catch {
    if (name !== null) tell(say(sayKept, { name }), sayKept === "door_kept");
    clearTimeout(again);
    again = setTimeout(send, AGAIN_MS);
  }
  sending = false;
}

function scanned(text) {
  const pass = readPass(text);
  if (pass.state === "forged") tell(say("door_forged"), false);
  else if (pass.state === "old") tell(say("door_old"), false);
  else letIn({ shown: text.trim() }, pass.name, pass.state === "good" ? "door_kept" : "door_unproven");
}

document.addEventListener("muster:scanned", (event) => {
  event.preventDefault();
  scanned(event.detail.text);
});
for (const form of document.querySelectorAll("form[method=post]")) {
  if (form.action.endsWith("/undo")) continue;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = event.submitter?.name === "member" ? event.submitter : null;
    if (chosen) letIn({ member: chosen.value }, chosen.querySelector("b").textContent);
    else {
      const field = form.elements.name;
      letIn({ name: field.value.trim() }, field.value.trim());
      field.value = "";
    }
  });
}
keep(kept());
send();
addEventListener("online", () => send());
