/**
 * Cards at the foot of the page: the first layer, and the plain card that the second module builds on. A card is a
 * region, not a dialog: the page behind it stays usable, no focus is taken, and Escape means nothing.
 *
 * @import { Consent } from "./consent.js"
 * @import { Words } from "./language.js"
 */
import { element } from "./dom.js";
import { ACCEPT, BODY, POLICY, PREFERENCES, REJECT, SIGNAL, TITLE } from "./language.js";

/**
 * @typedef {object} CardAction
 * @property {string} id
 * @property {string} label
 * @property {() => void} act
 * @property {boolean} [keep] leaves the card where it is
 */

/** Every button that decides looks like this one; there is no other style for it. */
export const DECIDE = "csv-decide";

/** @param {CardAction[]} actions @param {() => void} hide @param {string} style */
const buttons = (actions, hide, style) =>
  actions.map(({ id, label, act, keep }) =>
    element(
      "button",
      {
        id: `csv-${id}`,
        class: style,
        click: ({ isTrusted }) => {
          // A script may refuse for the visitor, never accept.
          if (isTrusted || id !== "accept-all") {
            if (!keep) hide();
            act();
          }
        },
      },
      label,
    ),
  );

/**
 * @param {HTMLElement} root
 * @param {() => void} refocus called when a card that held the focus goes
 */
export const createCards = (root, refocus) => {
  /** @type {HTMLElement|undefined} */
  let card;

  const hide = () => {
    const held = card?.contains(document.activeElement);
    card?.remove();
    if (held) refocus();
  };

  return {
    hide,
    /**
     * @param {string} title
     * @param {(Node|string)[]} body
     * @param {CardAction[]} decisions all alike
     * @param {CardAction[]} [others]
     * @param {[string, string]} [link] label and address
     */
    show: (title, body, decisions, others = [], link) => {
      hide();
      card = element(
        "section",
        { class: "csv-card", "aria-label": title },
        element("h2", {}, title),
        ...body.map((part) => (typeof part === "string" ? element("p", {}, part) : part)),
        element("div", {}, ...buttons(decisions, hide, DECIDE)),
        element(
          "div",
          {},
          ...buttons(others, hide, "csv-link"),
          ...(link ? [element("a", { class: "csv-link", href: link[1], target: "_blank" }, link[0])] : []),
        ),
      );
      root.prepend(card);
    },
  };
};

/** @typedef {ReturnType<typeof createCards>} Cards */

/**
 * The first layer.
 *
 * @param {Cards} cards
 * @param {Words} words
 * @param {Consent} consent
 * @param {() => void} openPreferences
 */
export const showFirstLayer = (cards, words, consent, openPreferences) => {
  const texts = words.list();
  cards.show(
    texts[TITLE],
    [texts[BODY], ...(consent.signalled ? [texts[SIGNAL]] : [])],
    [
      { id: "accept-all", label: texts[ACCEPT], act: () => consent.decide("banner", consent.purposes) },
      { id: "reject-all", label: texts[REJECT], act: () => consent.decide("banner", []) },
    ],
    [{ id: "preferences", label: texts[PREFERENCES], act: openPreferences, keep: true }],
    [texts[POLICY], words.policyUrl()],
  );
};
