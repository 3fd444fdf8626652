/**
 * Ways back to the preferences: a small control on every page, and any element of the page that carries
 * `data-consent-open`. The owner may hide the control, not the way back.
 *
 * @import { Theme } from "./types.js"
 */
import { element } from "./dom.js";

/**
 * @param {Theme} theme
 * @param {() => void} open
 */
export const createReopen = (theme, open) => {
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-consent-open]")) {
      event.preventDefault();
      open();
    }
  });
  return element("button", {
    type: "button",
    id: "csv-open",
    class: `csv-open csv-${theme.reopen ?? "start"}`,
    "data-consent-open": true,
  });
};
