/**
 * Module: Matomo. Consent is required before anything is tracked, given on every page, and forgotten on withdrawal; the
 * banner keeps the state, so nothing is "remembered" by Matomo.
 *
 * @import { Parts, Teller } from "./parts.js"
 */

// Quoted: the build shortens names of our own, and these come from the configuration.
/** By signal: what requires, gives and forgets. @type {Record<string, [string, string, string]>} */
const CALLS = {
  "consent": ["requireConsent", "setConsentGiven", "forgetConsentGiven"],
  cookie_consent: ["requireCookieConsent", "setCookieConsentGiven", "forgetCookieConsentGiven"],
};

/** @param {Parts} parts @returns {Teller} */
export default ({ consent }) => {
  const page = /** @type {any} */ (window);
  page._paq ??= [];
  /** @type {Set<string>} */
  const required = new Set();
  return {
    tell: async (granting) => {
      for (const [signal, purposes] of Object.entries(granting)) {
        if (!required.has(signal)) page._paq.push([CALLS[signal][0]]);
        required.add(signal);
        const on = purposes.some((one) => consent.isOn(one));
        if (on || consent.record()) page._paq.push([CALLS[signal][on ? 1 : 2]]);
      }
    },
  };
};
