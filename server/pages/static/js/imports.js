// Looks and brings without leaving the page, so that the file that was chosen stays chosen, and says meanwhile what happens.
// Without it the form does the same, and the file is chosen again.
const form = document.getElementById("import");
const progress = document.getElementById("progress");
const TICK_MS = 1000;
const REPLACED = ["outcome", "acts"];

function busy(on) {
  form.setAttribute("aria-busy", String(on));
  for (const button of form.querySelectorAll("button")) button.disabled = on;
}

async function send(body) {
  const began = performance.now();
  const tell = () => {
    progress.textContent = `${form.dataset.busy} ${Math.round((performance.now() - began) / 1000)} s`;
  };
  tell();
  const ticking = setInterval(tell, TICK_MS);
  busy(true);
  try {
    const answer = await fetch(form.action || location.href, { method: "POST", body, headers: { Accept: "text/html" } });
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    progress.textContent = "";
  } catch {
    progress.textContent = form.dataset.lost; // no network, or a file that is gone meanwhile
  } finally {
    clearInterval(ticking);
    busy(false);
  }
}

function show(page) {
  if (!page.getElementById("outcome")) {
    // Not this page: signed out meanwhile, or more than the server takes. What it says stands in its heading and its text.
    progress.textContent = page.querySelector("main")?.innerText ?? form.dataset.lost;
    return;
  }
  for (const id of REPLACED) document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
  const heading = document.querySelector("#outcome [role=alert], #outcome h2");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  heading?.scrollIntoView({ block: "start" });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const [file] = form.elements.file.files;
  if (file && file.size > Number(form.dataset.mostMb) * 1e6) {
    progress.textContent = form.dataset.large;
    return;
  }
  send(new FormData(form, event.submitter));
});
