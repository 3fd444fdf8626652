/** @type {Record<string, string>} */
const DATE_UNITS = { Y: "year", M: "month", W: "week", D: "day" };
/** @type {Record<string, string>} */
const TIME_UNITS = { H: "hour", M: "minute", S: "second" };

/**
 * A cookie's life in words: `P1Y` is "1 year" or "1年".
 *
 * @param {string} duration ISO 8601, or `session`
 * @param {string} language
 * @param {string} session the words for `session`
 */
export const lifetime = (duration, language, session) => {
  if (duration === "session") return session;
  const [, dates = "", times = ""] = /^P([^T]*)T?(.*)$/.exec(duration) ?? [];
  /** @param {string} text @param {Record<string, string>} units */
  const parts = (text, units) =>
    [...text.matchAll(/(\d+)(\D)/g)].map(([, count, letter]) =>
      new Intl.NumberFormat(language, { style: "unit", unit: units[letter], unitDisplay: "long" }).format(+count),
    );
  return [...parts(dates, DATE_UNITS), ...parts(times, TIME_UNITS)].join(" ") || duration;
};
