// Times at the place they belong to, and never at the reader's.
import { locale } from "./words.js";

const formats = new Map();

function format(timeZone, options) {
  const key = `${timeZone} ${JSON.stringify(options)}`;
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat(locale === "en" ? "en-GB" : locale, { timeZone, hourCycle: "h23", ...options }));
  }
  return formats.get(key);
}

/** A clock time, "19:28", of a Date or an RFC 3339 text; an empty text for nothing. */
export function clockTime(moment, timeZone) {
  if (!moment) return "";
  return format(timeZone, { hour: "2-digit", minute: "2-digit" }).format(new Date(moment));
}

const SOON_MS = 18 * 3600 * 1000; // as server/clocks.py

/** Until when, of what somebody is at since a moment: a clock time; with its day when that is far: "Sat 28 Nov 16:00". */
export function until(moment, since, timeZone) {
  if (new Date(moment) - new Date(since) < SOON_MS) return clockTime(moment, timeZone);
  const options = { weekday: "short", day: "numeric", month: locale === "en" ? "short" : "long" };
  const { weekday, day, month } = Object.fromEntries(
    format(timeZone, options).formatToParts(new Date(moment)).map((part) => [part.type, part.value]),
  );
  const date = locale === "en" ? `${weekday} ${day} ${month}` : `${month}${day}日 ${weekday}`;
  return `${date} ${clockTime(moment, timeZone)}`;
}
