// Ties a stream to a store, and tells the page when the picture is not live any more.
import { clockTime } from "./clock.js";
import { connect } from "./stream.js";
import { Store } from "./store.js";
import { say } from "./words.js";

// A line that is back within this was never worth a word.
const QUIET_MS = 2500;

/**
 * Opens `url` and returns the store it fills.
 *
 * The element `banner` says since when the picture stands still; `<html data-stream>` is "opening", "live", "paused", "signed_out" or
 * "no_right". `timeZone()` gives the zone by which times are told.
 */
export function watch(url, { banner, timeZone, short = false }) {
  const root = document.documentElement;
  const store = new Store();
  let timer = null;
  root.dataset.stream = "opening";

  function show(state, since) {
    root.dataset.stream = state;
    const words = {
      paused: () => say(short ? "paused_short" : "paused", { time: clockTime(since ?? new Date(), timeZone()) }),
      signed_out: () => say("signed_out"),
      no_right: () => say("no_right"),
    };
    banner.textContent = words[state]?.() ?? "";
    banner.hidden = state === "live";
  }

  connect(url, {
    onEvent: (name, value) => {
      if (name === "snapshot" || name === "delta") store.take(name, value);
    },
    onState: (state, heard) => {
      if (state === "paused") {
        // Told by the server's clock where there is one: it is the clock the page shows.
        const since = heard && store.at ? new Date(store.at.getTime() + (heard - store.received)) : heard;
        timer ??= setTimeout(() => show("paused", since), QUIET_MS);
        return;
      }
      clearTimeout(timer);
      timer = null;
      if (root.dataset.stream !== state) show(state, heard);
    },
  });
  return store;
}
