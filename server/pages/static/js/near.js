// "Near me": asks the browser where it is, roughly, and opens the list of what is at home there. Nothing is kept.
const button = document.querySelector("[data-near]");
const says = document.querySelector("#near-says");

if (!("geolocation" in navigator)) {
  button?.remove();
}
button?.addEventListener("click", () => {
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      // Two decimals are a kilometre: enough for "near", and no address.
      const query = new URLSearchParams({ lon: coords.longitude.toFixed(2), lat: coords.latitude.toFixed(2) });
      location.assign(`${button.dataset.near}?${query}`);
    },
    () => {
      button.disabled = false;
      says.textContent = button.dataset.cannot;
    },
    { maximumAge: 600_000, timeout: 15_000 },
  );
});
