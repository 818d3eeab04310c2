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
