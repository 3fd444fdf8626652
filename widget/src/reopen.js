/**
 * Ways back to the preferences: a small control on every page, and any element of the page that carries
 * `data-consent-open`. The owner may hide the control, not the way back.
 */
import { element } from "./dom.js";

/**
 * @param {string|0} corner start, end, or 0: it stands nowhere
 * @param {() => void} open
 */
export const createReopen = (corner, open) => {
  addEventListener("click", (event) => {
    if (/** @type {Element} */ (event.target).closest?.("[data-consent-open]")) {
      event.preventDefault();
      open();
    }
  });
  return element("button", {
    id: "csv-open",
    class: `csv-open csv-${corner}`,
    "data-consent-open": true,
  });
};
