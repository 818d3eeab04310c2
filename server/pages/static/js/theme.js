// Runs before the first paint (a classic script in the head): which of light and dark this page is, and that scripts run.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  // A wall screen and a phone of the same person are chosen apart.
  const key = root.dataset.themeKey || "muster-theme";
  let chosen = null;
  try {
    chosen = localStorage.getItem(key);
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    root.dataset.theme = chosen || root.dataset.themeDefault || (system.matches ? "dark" : "light");
    document.dispatchEvent(new CustomEvent("muster:theme"));
  };
  follow();
  system.addEventListener("change", follow);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-toggle]")) return;
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(key, chosen);
    } catch {
      // As above.
    }
    follow();
  });
})();
