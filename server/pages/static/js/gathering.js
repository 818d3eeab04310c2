// Who is in, as it happens: counts down by the server's clock, looks every two seconds, and turns the page when it is another.
const EVERY_MS = 2000;
const main = document.getElementById("main");
const $ = (id) => document.getElementById(id);
// By the server's clock: this phone's may be an hour off.
const ends = performance.now() + (new Date(main.dataset.ends) - new Date(main.dataset.now));

function count() {
  const seconds = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
  $("left").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds === 0) setTimeout(() => window.location.reload(), 1000); // what is told is whole seconds
  else setTimeout(count, 250);
}
count();

let busy = false;
async function look() {
  try {
    const answer = await fetch(main.dataset.url, { cache: "no-store" });
    if (answer.status === 404) {
      window.location.reload();
      return;
    }
    if (answer.ok) {
      const told = await answer.json();
      const another = told.count !== Number($("count").textContent);
      $("count").textContent = told.count;
      // The founder sees who it is, and everybody when there is a circle. Not while a finger is on a button.
      if (!busy && ((another && told.yours) || !told.digits || (told.community ?? "") !== main.dataset.circle)) {
        window.location.reload();
        return;
      }
    }
  } catch {
    // No network for a moment: the next look tells.
  }
  setTimeout(look, EVERY_MS);
}
document.addEventListener("pointerdown", () => (busy = true));
document.addEventListener("pointerup", () => setTimeout(() => (busy = false), 500));
setTimeout(look, EVERY_MS);
