// Buttons that copy a field, and one that hands the page to the phone's own way of sharing.
const BACK_MS = 2000; // long enough to read one word

for (const button of document.querySelectorAll("[data-copy]")) {
  const says = button.textContent;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.focus();
    field.select();
    // Over plain HTTP browsers give no clipboard; the old way still copies what is selected.
    const copied = navigator.clipboard
      ? await navigator.clipboard.writeText(field.value).then(() => true, () => false)
      : document.execCommand("copy");
    if (!copied) return;
    button.textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = says;
    }, BACK_MS);
  });
}

const share = document.querySelector("[data-share]");
if (share && navigator.share) {
  share.hidden = false;
  share.addEventListener("click", () => {
    const { title, text, url } = share.dataset;
    navigator.share({ title, text, url }).catch(() => {}); // she changed her mind
  });
}
