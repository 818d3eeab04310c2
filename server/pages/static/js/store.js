// What the page knows: topics from a snapshot, kept up to date by deltas.

// These lists come keyed by id; a delta holds only the entries that changed.
const KEYED = new Set(["zones", "agents", "badges", "arrivals"]);
// These come whole, for what is missing from them is gone (a name whose owner took it back).
const WHOLE = new Set(["names", "greetings", "curve", "checkins", "refusals", "asks", "passages", "card", "pulse"]);

function merge(topic, news) {
  for (const [key, value] of Object.entries(news)) {
    if (KEYED.has(key)) {
      topic[key] ??= new Map();
      for (const entry of value) {
        topic[key].set(entry.id, { ...topic[key].get(entry.id), ...entry });
      }
    } else if (WHOLE.has(key) || value === null || typeof value !== "object") {
      topic[key] = value;
    } else {
      topic[key] = { ...topic[key], ...value };
    }
  }
  return topic;
}

export class Store {
  /** Topics by name, as the live stream describes them; its keyed lists are Maps by id. */
  topics = new Map();
  /** The server's time of the last news, and when it came. */
  at = null;
  received = null;
  simulated = false;
  #listeners = [];

  /** `listener(store, kind)` is called after each change; kind is "snapshot" or "delta". */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  take(kind, news) {
    this.at = new Date(news.at);
    this.received = new Date();
    if (kind === "snapshot") {
      this.topics = new Map();
      this.simulated = Boolean(news.simulated);
    }
    for (const [name, topic] of Object.entries(news.topics ?? {})) {
      const known = this.topics.get(name);
      // News that is older than what the snapshot already held.
      if (known && topic.rev < known.rev) continue;
      this.topics.set(name, merge(known ?? {}, topic));
    }
    for (const listener of this.#listeners) listener(this, kind);
  }

  *named(prefix) {
    for (const [name, topic] of this.topics) if (name.startsWith(`${prefix}/`)) yield topic;
  }

  /** The venue topics that have said which venue they are. */
  venues() {
    return [...this.named("venue")].filter((topic) => topic.venue);
  }

  event() {
    return this.named("event").next().value ?? null;
  }

  member() {
    return this.named("member").next().value ?? null;
  }

  /** The server's time now, carried on by this browser's clock from the last news. */
  now() {
    return this.at ? new Date(this.at.getTime() + (Date.now() - this.received.getTime())) : new Date();
  }

  /** The time at a venue: a replayed one has its own, which only its news move on. */
  venueNow(topic) {
    return topic?.venue.replayed && topic.venue.now ? new Date(topic.venue.now) : this.now();
  }
}
