// The host's page: looks anew whenever something happened at a door, without losing what is being typed.
import { watch } from "./live.js";

const root = document.querySelector("[data-live-url]");
const PARTS = ["asks", "last"];
const AGAIN_MS = 2000; // after a reading that failed: as patient as who waits at the door
let seen = null;
let busy = false;
let again = false;

/** Makes `old` say what `fresh` says. What is the same stays the same element: a finger on a button must not meet another's. */
function take(old, fresh) {
  const pool = [...old.children];
  const wanted = [...fresh.children].map((row) => {
    const same = pool.findIndex((each) => each.outerHTML === row.outerHTML);
    return same < 0 ? row : pool.splice(same, 1)[0];
  });
  for (const gone of pool) gone.remove();
  wanted.forEach((row, i) => {
    if (old.children[i] !== row) old.insertBefore(row, old.children[i] ?? null);
  });
}

/** Takes the parts that change from a new reading of the page; forms that are being filled in stay as they are. */
async function renew() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (answer.status >= 500) throw new Error(`status ${answer.status}`);
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of PARTS) {
        const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
        if (old && fresh) take(old, fresh);
      }
      for (const fresh of page.querySelectorAll("[data-inside]")) {
        const old = document.querySelector(`[data-inside="${CSS.escape(fresh.dataset.inside)}"]`);
        if (old) old.textContent = fresh.textContent;
      }
    }
  } catch {
    // The stream says on the page that the line is broken; what it told is read once the line is back.
    setTimeout(renew, AGAIN_MS);
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
  seen = now;
  renew(); // the first time too: somebody may have asked between the page and the stream
});
