// Adding a passkey and signing in with one. What this browser cannot do is said in a plain sentence, or not offered.
import { passkeys, tell as explain } from "./capable.js";
import { say } from "./words.js";

function tell(part, sentence) {
  part.parentElement.querySelector("[data-passkey-says]").textContent = sentence;
}

function bytes(text) {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(padded), (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function withBytes(options) {
  const ready = { ...options, challenge: bytes(options.challenge) };
  if (options.user) ready.user = { ...options.user, id: bytes(options.user.id) };
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (options[list]) ready[list] = options[list].map((each) => ({ ...each, id: bytes(each.id) }));
  }
  return ready;
}

function asJson(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
}

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.detail), { told: true });
  return told;
}

function nameOfThis() {
  const system = ["iPhone", "iPad", "Android", "Windows", "Mac", "Linux"].find((name) => navigator.userAgent.includes(name));
  return system || "Passkey";
}

async function add(part) {
  const options = await post("/api/me/passkeys/options");
  const credential = await navigator.credentials.create({ publicKey: withBytes(options) });
  await post("/api/me/passkeys", { credential: asJson(credential), name: nameOfThis() });
  leave(part);
}

let lyingInWait = null;

async function use(part, mediation) {
  lyingInWait?.abort();
  const own = (lyingInWait = new AbortController());
  const options = await post("/api/sign-in/passkey/options");
  const credential = await navigator.credentials.get({ publicKey: withBytes(options), mediation, signal: own.signal });
  await post("/api/sign-in/passkey", { credential: asJson(credential) });
  leave(part);
}

function leave(part) {
  const { next } = part.dataset;
  if (new URL(next, location.href).pathname === location.pathname) location.reload();
  else location.assign(next);
}

async function attempt(part, act) {
  tell(part, "");
  try {
    await act();
  } catch (error) {
    if (error.name === "AbortError") return;
    tell(part, error.told ? error.message : say(error.name === "InvalidStateError" ? "passkey_there" : "passkey_stopped"));
  }
}

for (const part of document.querySelectorAll("[data-passkey]")) {
  const able = passkeys();
  if (!able.there) {
    // Where somebody signs in, what cannot be done is not spoken of: the code is right above.
    if (part.dataset.passkey === "add") explain(part.parentElement.querySelector("[data-passkey-says]"), able);
    continue;
  }
  part.hidden = false;
  const act = part.dataset.passkey === "add" ? () => add(part) : () => use(part, "optional");
  part.querySelector("[data-passkey-button]").addEventListener("click", () => attempt(part, act));
  if (part.dataset.passkey === "use" && (await PublicKeyCredential.isConditionalMediationAvailable?.())) {
    use(part, "conditional").catch(() => {}); // offered by the browser in the field for the address; most have none
  }
}
