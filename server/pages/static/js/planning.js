// A new gathering: where it is is asked only where it is somewhere else, and the clock is this browser's.
const venue = document.querySelector('select[name="venue"]');
const elsewhere = document.querySelector("[data-elsewhere]");
const show = () => { elsewhere.hidden = venue.value !== ""; };
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
