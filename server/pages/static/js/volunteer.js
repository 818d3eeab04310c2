// A volunteer's phone: checks personal codes by itself, keeps what it lets in while there is no network, and sends it later.
import * as ed from "../vendor/noble-ed25519/index.js";
import { sha512 } from "../vendor/noble-hashes/sha2.js";
import { clockTime } from "./clock.js";
import { say, sayCount } from "./words.js";

ed.hashes.sha512 = sha512; // the browser's own is given to https alone
const AGAIN_MS = 5000;
const PATIENCE_MS = 10_000; // for one answer: a line that died without a word holds up nobody for longer
const QUIET_MS = 2000; // whoever stands at the door is told by then, answer or not
const main = document.getElementById("main");
const token = main.dataset.token;
const keys = JSON.parse(main.dataset.keys);
const KEPT = `muster-door-${token.slice(0, 12)}`;
let sending = false;
let again = null; // the timer of the next try
let memory = null; // what is kept where a phone has no room, or lends none: until the page is closed

const newNonce = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const bytesOfHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

function kept() {
  if (memory) return memory;
  try {
    const read = JSON.parse(localStorage.getItem(KEPT));
    return Array.isArray(read) ? read : [];
  } catch {
    return [];
  }
}

function keep(entries) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(entries));
    memory = null;
  } catch {
    memory = entries;
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
function letIn(way, name, says = "door_kept") {
  const entry = { ...way, nonce: newNonce(), at: new Date().toISOString() };
  keep([...kept(), { entry, name, says }]);
  setTimeout(tellKept, QUIET_MS);
  send();
}

/** Says of the last that waits that she is kept, once. */
function tellKept() {
  const fresh = kept().filter(({ told }) => !told);
  if (!fresh.length) return;
  keep(kept().map((each) => ({ ...each, told: true })));
  const { name, says = "door_kept" } = fresh.at(-1);
  tell(say(says, { name }), says === "door_kept");
}

async function ask(url, options) {
  const mine = new AbortController();
  const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(url, { cache: "no-store", signal: mine.signal, ...options });
    return { status: answer.status, ok: answer.ok, text: await answer.text() };
  } finally {
    clearTimeout(patience);
  }
}

/** Sends what is kept, each once at most; what the server cannot take at the moment stays, and holds up nobody behind it. */
async function send() {
  if (sending) return;
  sending = true;
  clearTimeout(again);
  const tried = new Set();
  const refused = []; // stays to be read, however many follow
  let taken = 0;
  try {
    for (;;) {
      const next = kept().find(({ entry }) => !tried.has(entry.nonce));
      if (!next) break;
      tried.add(next.entry.nonce);
      const body = JSON.stringify({ ...next.entry, door: token, sent_at: new Date().toISOString() });
      const answer = await ask("/api/check-ins", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      if (answer.status >= 500 || answer.status === 429) continue;
      const told = JSON.parse(answer.text); // a café's sign-in page is no answer
      keep(kept().filter(({ entry }) => entry.nonce !== next.entry.nonce));
      let said = "";
      if (answer.ok) said = say(`door_${told.result}`, { name: next.name, time: clockTime(told.at, main.dataset.timeZone) });
      else refused.push(say("door_refused", { name: next.name, why: told.detail }));
      tell([...refused, said].join(" ").trim(), !refused.length && told.result !== "asked" && told.result !== "already");
      taken += 1;
    }
  } catch {
    // No network: all of it waits.
  }
  sending = false;
  if (kept().length) {
    tellKept();
    again = setTimeout(send, AGAIN_MS);
  }
  if (taken) renew();
}

/** Shows who was let in last, to be taken back. */
async function renew() {
  try {
    const { ok, text } = await ask(location.href, {});
    if (!ok) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const part of [".recent", ".hits"]) {
      const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    }
  } catch {
    // It is news of what was done already.
  }
}

/** Sends a form that only the server can answer; without a network this page stays, for there is no other. */
async function leave(form, submitter) {
  try {
    await ask(location.href, { method: "HEAD" });
  } catch {
    tell(say("door_offline"), false);
    return;
  }
  if (submitter?.name) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: submitter.name, value: submitter.value }));
  form.submit();
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
main.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (form.closest("[data-scan]")) return;
  event.preventDefault();
  if (form.method === "get" || form.action.endsWith("/undo")) {
    leave(form, submitter);
  } else if (submitter?.name === "member") {
    const name = submitter.dataset.name ?? submitter.querySelector("b").textContent;
    if (form.elements.direction) letIn({ member: submitter.value, direction: "out" }, name, "door_out");
    else letIn({ member: submitter.value }, name);
  } else {
    const field = form.elements.name;
    letIn({ name: field.value.trim() }, field.value.trim());
    field.value = "";
  }
});
keep(kept());
send();
addEventListener("online", send);
