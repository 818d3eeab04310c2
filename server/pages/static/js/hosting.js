// The host's page: looks anew whenever something happened at a door, without losing what is being typed.
import { watch } from "./live.js";

const root = document.querySelector("[data-live-url]");
const PARTS = ["asks", "last"];
let seen = null;
let busy = false;
let again = false;

/** Takes the parts that change from a new reading of the page; forms that are being filled in stay as they are. */
async function renew() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of PARTS) {
        const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
        if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
      }
      for (const fresh of page.querySelectorAll("[data-inside]")) {
        const old = document.querySelector(`[data-inside="${CSS.escape(fresh.dataset.inside)}"]`);
        if (old) old.textContent = fresh.textContent;
      }
    }
  } catch {
    // The stream says on the page that the line is broken.
  }
  busy = false;
  if (again) {
    again = false;
    renew();
  }
}

const banner = document.getElementById("paused");
const store = watch(root.dataset.liveUrl, { banner, timeZone: () => root.dataset.timeZone, short: true });
store.subscribe(() => {
  const event = store.event();
  const now = JSON.stringify([event?.rev, event?.asks, event?.passages]);
  if (now === seen) return;
  const first = seen === null;
  seen = now;
  if (!first) renew();
});
