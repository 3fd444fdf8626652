/**
 * Module: the WordPress consent API: the type of consent once, then every category.
 *
 * @import { Parts, Teller } from "./parts.js"
 */

/** @param {Parts} parts @returns {Teller} */
export default ({ config, consent }) => {
  const page = /** @type {any} */ (window);
  page.wp_consent_type = config.region === "opt_out" ? "optout" : "optin";
  document.dispatchEvent(new CustomEvent("wp_consent_type_defined"));
  return {
    tell: async (granting) => {
      page.wp_set_consent?.("functional", "allow");
      for (const [category, purposes] of Object.entries(granting))
        page.wp_set_consent?.(category, purposes.some((one) => consent.isOn(one)) ? "allow" : "deny");
    },
  };
};
