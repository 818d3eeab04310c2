// Who wants to be greeted here: the list that the page came with, kept up to date.
import { clockTime } from "./clock.js";
import { sayCount } from "./words.js";

/** Fills `list` with the greetings of a venue's topic; `none` shows when there are none. */
export function fillGreetings(list, none, topic, timeZone) {
  const greetings = topic?.greetings ?? [];
  const items = greetings.map(({ name, times, since }) => {
    const item = document.createElement("li");
    const who = document.createElement("b");
    who.textContent = name;
    const often = document.createElement("span");
    often.className = "soft small";
    often.textContent = sayCount("greeting", times, { time: clockTime(new Date(since), timeZone) });
    item.append(who, " ", often);
    return item;
  });
  if (list.textContent === items.map((item) => item.textContent).join("")) return;
  list.replaceChildren(...items);
  none.hidden = items.length > 0;
}
