// Waits for the host's answer: the page is loaded anew once there is one.
const EVERY_MS = 2000; // as patient as somebody in a doorway
const main = document.getElementById("main");

async function look() {
  try {
    const answer = await fetch(main.dataset.ask, { cache: "no-store" });
    if (answer.ok && (await answer.json()).state !== "waiting") {
      location.reload();
      return;
    }
  } catch {
    // No network for a moment: the next look tells.
  }
  setTimeout(look, EVERY_MS);
}
setTimeout(look, EVERY_MS);
