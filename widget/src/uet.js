/**
 * Module: Microsoft Advertising (UET): the default before the first update, both in the queue that its tag reads.
 *
 * @import { Parts, Teller } from "./parts.js"
 */

/** @param {Parts} parts @returns {Teller} */
export default ({ consent }) => {
  const page = /** @type {any} */ (window);
  (page.uetq ??= []).push("consent", "default", { ad_storage: "denied" });
  return {
    tell: async (granting) => {
      const on = granting.ad_storage.some((one) => consent.isOn(one));
      if (on || consent.record()) page.uetq.push("consent", "update", { ad_storage: on ? "granted" : "denied" });
    },
  };
};
