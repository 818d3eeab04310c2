// Lets this browser be told by Web Push, if it can; and says which time zone it is in where that is not known.
import { push, tell as explain } from "./capable.js";
import { say } from "./words.js";

const WORKER = "/inbox/worker.js"; // an address that stays: a registration is known by it
const part = document.querySelector("[data-telling]");
const says = part.querySelector("[data-telling-says]");
const button = part.querySelector("[data-telling-button]");

function bytes(text) {
  const signs = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(signs, (sign) => sign.charCodeAt(0));
}

function tell(sentence) {
  says.hidden = !sentence;
  says.textContent = sentence;
}

async function post(subscription) {
  const answer = await fetch("/api/me/notifications/browsers", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(subscription),
  });
  if (!answer.ok) throw Object.assign(new Error((await answer.json()).detail), { told: true });
}

async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") return tell(say("push_refused"));
  const registration = await navigator.serviceWorker.register(WORKER);
  const applicationServerKey = bytes(part.dataset.key);
  const ready = await started(registration);
  const old = await ready.pushManager.getSubscription();
  // One that another key of ours made takes nothing from this one.
  if (old && !same(old.options.applicationServerKey, applicationServerKey)) await old.unsubscribe();
  await post(await ready.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }));
  location.reload();
}

function same(buffer, wanted) {
  const found = new Uint8Array(buffer ?? []);
  return found.length === wanted.length && found.every((each, index) => each === wanted[index]);
}

/** The registration once its worker runs: `navigator.serviceWorker.ready` waits for one of this page's own scope. */
function started(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active || !worker) return registration;
  return new Promise((resolve, reject) => {
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") resolve(registration);
      if (worker.state === "redundant") reject(new Error("redundant"));
    });
  });
}

const able = push();
if (able.there) {
  tell("");
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await subscribe();
    } catch (error) {
      tell(error.told ? error.message : say("push_failed"));
    }
    button.disabled = false;
  });
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  if (Notification.permission === "granted" && (await registration?.pushManager.getSubscription())) tell(say("push_told"));
} else {
  explain(says, able);
}

const zone = document.querySelector("[data-zone]");
if (!zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
