// Typing four digits, or gathering: tells where the phone is, if it knows, and then sends the form as it would be sent anyway.
import { location } from "./capable.js";
import { say } from "./words.js";

const says = document.getElementById("place-says");

function tell(text) {
  says.hidden = !text;
  says.textContent = text;
}

function whereAmI() {
  const options = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 };
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, options));
}

for (const form of document.querySelectorAll("form[data-place]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    const able = location();
    if (able.there) {
      tell(say("place_looking"));
      try {
        const { coords, timestamp } = await whereAmI();
        form.elements.fix.value = [coords.longitude, coords.latitude, coords.accuracy].join(",");
        form.elements.taken_at.value = new Date(timestamp).toISOString();
        form.elements.sent_at.value = new Date().toISOString();
      } catch {
        tell(say("place_without"));
      }
    } else {
      tell(able.why);
    }
    form.submit(); // the server says what it needs where nothing was found
  });
}

// Whoever comes back by the browser's way finds forms that can be sent.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-place] button")) button.disabled = false;
});
