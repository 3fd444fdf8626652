/**
 * The banner's colours: `--csv-…` is what its styles use, `--consent-…` and `--consent-dark-…` what owners may set.
 */

/** Name, light, dark. */
const COLOURS =
  "surface#fff#1a212b ink#1b2430#edf1f6 soft#566172#aab5c4 line#ccc#444 accent#1f4fd8#9db8ff on-accent#fff#0c1733";
const ROOTS = "#csv-consent,.csv-frame{";

/** @param {string} prefix @param {number} place of the colour */
const colours = (prefix, place) =>
  COLOURS.replace(/(\S+?)(#\w+)(#\w+) ?/g, `--csv-$1:var(--consent-${prefix}$1,$${place});`);

/** The custom properties as a style sheet. */
export const look = () =>
  `${ROOTS}${colours("", 2)}--csv-radius:var(--consent-radius,14px);--csv-gap:min(2vw,16px)}@media(prefers-color-scheme:dark){${ROOTS}${colours("dark-", 3)}}}`;
