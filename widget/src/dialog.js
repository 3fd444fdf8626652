/**
 * Module: makes a native dialog of every card, for owners who want one. As it comes the page behind stays usable, and no
 * focus is taken. A modal one holds the page until it is answered; its focus is on itself, never on a choice, and Escape
 * gives the page back while the card stays. Should this module not come, the card stands in the same place as a region.
 *
 * @import { Parts, Teller } from "./parts.js"
 */
import styles from "../styles/dialog.css";

/** @param {Parts} parts @returns {Teller} */
export default ({ addStyles, config, element, root }) => {
  const modal = config.adapters.some(([name, granting]) => name === "dialog" && granting["modal"].length);

  /** @param {HTMLElement} card */
  const wrap = (card) => {
    const focused = /** @type {HTMLElement|null} */ (card.contains(document.activeElement) ? document.activeElement : null);
    const dialog = element("dialog", {
      class: "csv-sheet",
      "aria-label": card.getAttribute("aria-label") ?? "",
      tabindex: "-1",
      open: !modal,
      close: () => dialog.isConnected && dialog.setAttribute("open", ""),
    });
    // The dialog has the name now; a region inside it would be told twice.
    card.removeAttribute("aria-label");
    root.prepend(dialog);
    dialog.append(card);
    if (modal) {
      dialog.showModal();
      dialog.focus();
    }
    focused?.focus();
    new MutationObserver(() => {
      if (!dialog.childElementCount) dialog.remove();
    }).observe(dialog, { childList: true });
  };

  const look = () => {
    const card = /** @type {HTMLElement|null} */ (root.querySelector(":scope > .csv-card"));
    if (card) wrap(card);
  };
  addStyles(styles);
  look();
  new MutationObserver(look).observe(root, { childList: true });
  return { tell: async () => {} };
};
