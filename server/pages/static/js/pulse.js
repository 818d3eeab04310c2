// What the host asks the room, on the wall: the question, and how many answered what.
import { say, sayCount } from "./words.js";

/** Fills the section with an event's pulse; it is hidden while nothing is asked. */
export function fillPulse(section, pulse) {
  section.hidden = !pulse;
  const shape = JSON.stringify(pulse);
  if (!pulse || section.dataset.shape === shape) return;
  section.dataset.shape = shape;
  const part = (name) => section.querySelector(`#pulse-${name}`);
  part("when").textContent = say(pulse.open ? "pulse_open" : "pulse_closed");
  part("question").textContent = pulse.question;
  const most = Math.max(1, ...(pulse.counts ?? []));
  part("bars").replaceChildren(
    ...pulse.choices.map((choice, place) => {
      const item = document.createElement("li");
      const [text, number, bar] = [document.createElement("span"), document.createElement("b"), document.createElement("progress")];
      text.textContent = choice;
      text.dir = "auto";
      number.className = "num";
      number.textContent = pulse.counts ? String(pulse.counts[place]) : "";
      bar.max = most;
      bar.value = pulse.counts?.[place] ?? 0;
      bar.setAttribute("aria-hidden", "true");
      item.append(text, number, bar);
      return item;
    }),
  );
  const few = pulse.counts ? "" : say("pulse_few", { needed: pulse.needed });
  part("answers").textContent = [sayCount("pulse_answers", pulse.answers), few].filter(Boolean).join(" · ");
}
