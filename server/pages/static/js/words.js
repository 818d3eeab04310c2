// Texts come from the page (templates/_words.html), translated there; the modules have none of their own.
// A page has one block of them (#words), and a part that is included brings its own (.words).
const blocks = [...document.querySelectorAll("script#words, script.words")];
const words = Object.assign({ locale: document.documentElement.lang }, ...blocks.map((each) => JSON.parse(each.textContent)));
const plural = new Intl.PluralRules(words.locale);

export const locale = words.locale;

/** The text named `key`, with {braces} filled from `values`. */
export function say(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export function has(key) {
  return key in words;
}

/** The text named `key_one` or `key_other`, by the number `count`. */
export function sayCount(key, count, values = {}) {
  const form = `${key}_${plural.select(count)}`;
  return say(form in words ? form : `${key}_other`, { count, ...values });
}
