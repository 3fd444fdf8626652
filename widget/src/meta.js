/**
 * Module: Meta's pixel. Its script loads even while consent is revoked, so the pixel has to be marked; a pixel that runs
 * already is told of a withdrawal and of a new grant.
 *
 * @import { Parts, Teller } from "./parts.js"
 */

/** @param {Parts} parts @returns {Teller} */
export default ({ consent }) => ({
  tell: async (granting) => {
    const on = granting["consent"].some((one) => consent.isOn(one));
    /** @type {any} */ (window).fbq?.("consent", on ? "grant" : "revoke");
  },
});
