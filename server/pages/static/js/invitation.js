// By whose clock the hours are told: not said where the reader's own shows the same, and with hers beside where not.
const zone = document.querySelector("[data-zone]");
if (zone) {
  const at = new Date(zone.dataset.at);
  const look = (timeZone) =>
    new Intl.DateTimeFormat("en-GB", { timeZone, dateStyle: "short", timeStyle: "short" }).format(at);
  const there = look(zone.dataset.zone);
  const here = look(undefined);
  if (there === here) {
    zone.hidden = true;
  } else {
    const time = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hour12: false, weekday: there.slice(0, 10) === here.slice(0, 10) ? undefined : "short" }).format(at);
    zone.textContent = `${zone.textContent.slice(0, -1)} · ${zone.dataset.yours.replace("{time}", time)})`;
  }
}
