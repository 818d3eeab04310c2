// A gathering or a step: where it is is asked only where it is somewhere else, or at a spot of its own; zones are
// those of the place that is chosen, and the clock is this browser's.
const venue = document.querySelector('select[name="venue"]');
const elsewhere = document.querySelector("[data-elsewhere]");
const zones = document.querySelector("[data-zones]");
const showZones = () => {
  let offered = 0;
  for (const group of zones.querySelectorAll("optgroup")) {
    group.hidden = group.disabled = group.dataset.venue !== venue.value;
    if (!group.hidden) offered += 1;
  }
  zones.hidden = offered === 0;
  const chosen = zones.querySelector("option:checked")?.parentElement;
  if (chosen?.hidden) zones.querySelector("select").value = "";
};
const show = () => {
  elsewhere.hidden = !["", elsewhere.dataset.elsewhere].includes(venue.value);
  if (zones) showZones();
};
if (venue) {
  venue.addEventListener("change", show);
  show();
}
// The map is large: it comes, once, to who asks for it.
const onMap = document.querySelector(".on-map");
const draw = () => { if (onMap.open) import("./pin.js"); };
onMap.addEventListener("toggle", draw);
draw();
const clock = document.querySelector('input[name="time_zone"]');
if (clock && clock.value === "UTC") clock.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? clock.value;
