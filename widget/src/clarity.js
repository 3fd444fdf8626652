/**
 * Module: Microsoft Clarity, consent version 2. Calls made before Clarity's own script has come wait in its queue.
 *
 * @import { Parts, Teller } from "./parts.js"
 */

/** @param {Parts} parts @returns {Teller} */
export default ({ consent }) => ({
  tell: async (granting) => {
    const page = /** @type {any} */ (window);
    page.clarity ??= function () {
      (page.clarity.q ??= []).push(arguments);
    };
    page.clarity(
      "consentv2",
      Object.fromEntries(Object.entries(granting).map(([signal, purposes]) => [signal, purposes.some((one) => consent.isOn(one)) ? "granted" : "denied"])),
    );
  },
});
