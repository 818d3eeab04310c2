// What can happen in the demonstration: a badge left behind, a crowd, a place without the Internet.
import { say } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Happenings {
  /** post(path, body): asks the world for something. tell(text): says it. */
  constructor({ post, tell }) {
    Object.assign(this, { post, tell });
    this.world = null;
    this.badge = $("badge-left").querySelector("button");
    this.crowd = $("crowd").querySelector("button");
    this.badge.addEventListener("click", () => this.#ask("/you/badge", { left: !this.world.you.left }, () => {
      this.world.you.left = !this.world.you.left;
      return say(this.world.you.left ? "demo_badge_left" : "demo_badge_taken");
    }));
    this.crowd.addEventListener("click", () => this.#ask("/crowd", null, () => {
      this.world.crowd = true;
      return say("demo_crowd_called");
    }));
  }

  /** Shows the switches as the world says they are. venues: those on the map, by id. */
  update(world, venues) {
    this.world = world;
    this.badge.hidden = !world.you;
    if (world.you) show(this.badge, say(world.you.left ? "demo_badge_take" : "demo_badge_leave"), world.you.left);
    this.crowd.hidden = !world.may_switch;
    show(this.crowd, say(world.crowd ? "demo_crowd_here" : "demo_crowd_call"), world.crowd);
    for (const line of world.may_switch ? world.venues : []) {
      const venue = venues.get(line.id);
      if (!venue) continue;
      const button = $(`line-${line.id}`) ?? this.#line(line.id);
      show(button, say(line.online ? "demo_line_cut" : "demo_line_mend", { venue: venue.name }), !line.online);
      button.dataset.name = venue.name;
    }
  }

  #line(id) {
    const button = Object.assign(document.createElement("button"), { type: "button", id: `line-${id}`, className: "pill" });
    button.addEventListener("click", () => {
      const line = this.world.venues.find((each) => each.id === id);
      this.#ask(`/venues/${encodeURIComponent(id)}`, { online: !line.online }, () => {
        line.online = !line.online;
        return say(line.online ? "demo_line_was_mended" : "demo_line_was_cut", { venue: button.dataset.name });
      });
    });
    $("lines").append(button);
    return button;
  }

  async #ask(path, body, done) {
    try {
      await this.post(path, body);
      this.tell(done());
    } catch {
      this.tell(say("demo_lost"));
    }
    this.onChange?.();
  }
}

function show(button, text, pressed) {
  if (button.textContent !== text) button.textContent = text;
  button.setAttribute("aria-pressed", String(pressed));
}
