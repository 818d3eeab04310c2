// Reads a server-sent event stream, and notices when it falls silent.
//
// EventSource hides heartbeats and status codes, so a line that died without a word looks alive to it, and "you are signed
// out" looks like a broken network. Reading the response ourselves shows both.

// The server sends something at least every 15 s; two and a half times that is a dead line and not a slow one.
const SILENT_AFTER_MS = 40_000;
// The first new attempt comes at once for a person's eye, later ones spare a server that is starting.
const RETRY_MS = [500, 1000, 2000, 4000, 8000];
// A wall of screens must not come back in one beat.
const RETRY_SPREAD = 0.3;

/** Splits text into server-sent events; returns a function that takes chunks and calls `onEvent(name, data)`. */
export function createParser(onEvent) {
  let rest = "";
  let name = "message";
  let data = [];
  return (chunk) => {
    rest += chunk;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) onEvent(name, data.join("\n"));
        name = "message";
        data = [];
        continue;
      }
      if (line.startsWith(":")) continue;
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") name = value;
      if (field === "data") data.push(value);
    }
  };
}

/**
 * Keeps a stream open for as long as the page lives.
 *
 * `onEvent(name, value)` gets each event with its JSON decoded; `onState(state, since)` gets "live", "paused" (trying again),
 * "signed_out" or "no_right" (not trying again), and the Date of the last byte (null: none yet).
 */
export function connect(url, { onEvent, onState }) {
  let attempt = 0;
  let heard = null;
  let controller = null;
  let timer = null;
  let over = false;
  let waiting = false; // for the next attempt

  function later() {
    waiting = true;
    clearTimeout(timer);
    const wait_ms = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] * (1 + RETRY_SPREAD * Math.random());
    attempt += 1;
    timer = setTimeout(open, wait_ms);
  }

  async function open() {
    waiting = false;
    clearTimeout(timer);
    controller?.abort();
    const mine = new AbortController();
    controller = mine;
    let watch = setTimeout(() => mine.abort(), SILENT_AFTER_MS);
    try {
      const response = await fetch(url, {
        headers: { Accept: "text/event-stream" },
        cache: "no-store",
        signal: mine.signal,
      });
      if (response.status === 401 || response.status === 403) {
        over = true;
        clearTimeout(watch);
        onState(response.status === 401 ? "signed_out" : "no_right", heard);
        return;
      }
      if (!response.ok) throw new Error(`status ${response.status}`);
      const parse = createParser((name, data) => {
        attempt = 0;
        onEvent(name, JSON.parse(data));
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(watch);
        watch = setTimeout(() => mine.abort(), SILENT_AFTER_MS);
        heard = new Date();
        onState("live", heard);
        parse(value);
      }
    } catch {
      // A broken line and a refused one end alike: what counts is that nothing comes.
    }
    clearTimeout(watch);
    if (over || controller !== mine) return;
    onState("paused", heard);
    later();
  }

  // The network or the reader is back: do not wait for the next turn.
  function again() {
    if (over || document.visibilityState === "hidden") return;
    if (!waiting && heard && Date.now() - heard.getTime() < SILENT_AFTER_MS) return;
    attempt = 0;
    open();
  }
  addEventListener("online", again);
  document.addEventListener("visibilitychange", again);
  open();
}
