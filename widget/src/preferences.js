/**
 * Module: the preferences layer, a native dialog with one switch for each additional purpose.
 *
 * @import { CookieFacts, Detail, PurposeFacts, ServiceFacts } from "./types.js"
 * @import { Parts } from "./parts.js"
 */
import { createDetails } from "./details.js";
import { lifetime } from "./lifetime.js";
import styles from "../styles/preferences.css";

/** @typedef {{texts: Record<string, string>, language: string, element: Parts["element"], fill: Parts["fill"]}} Wording */

/** @param {CookieFacts} cookie @param {Wording} wording */
const cookieRow = (cookie, { element, texts, language }) =>
  element(
    "li",
    {},
    element("code", {}, cookie.name),
    ` ${[texts[cookie.store], lifetime(cookie.lifetime, language, texts.session), texts[cookie.party]].join(" · ")}`,
    ...(cookie.description ? [element("span", {}, cookie.description)] : []),
  );

/** @param {ServiceFacts} service @param {Wording} wording */
const serviceBlock = (service, wording) => {
  const { element, fill, texts } = wording;
  const { name, provider, description, privacy_url: address, cookies } = service;
  return element(
    "div",
    { class: "csv-service" },
    element("h4", {}, name),
    element("p", {}, [fill(texts.provider, { provider }), description].filter(Boolean).join(" · ")),
    ...(address
      ? [element("a", { class: "csv-link", href: address, target: "_blank", rel: "noopener" }, texts.service_policy)]
      : []),
    ...(cookies.length ? [element("ul", {}, ...cookies.map((cookie) => cookieRow(cookie, wording)))] : []),
  );
};

/** @param {PurposeFacts} purpose @param {Wording} wording @param {boolean} on */
const purposeBlock = (purpose, wording, on) => {
  const { element, fill, texts } = wording;
  const { key, name, description, services } = purpose;
  const id = `csv-purpose-${key}`;
  const basic = purpose.function === "basic";
  const control = basic
    ? element("span", { class: "csv-always" }, texts.always_on)
    : element("input", {
        id,
        type: "checkbox",
        role: "switch",
        class: "csv-switch",
        value: key,
        checked: on,
        "aria-describedby": `${id}-about`,
      });
  return element(
    "section",
    { class: "csv-purpose" },
    element("div", { class: "csv-head" }, element("h3", {}, basic ? name : element("label", { for: id }, name)), control),
    element("p", { id: `${id}-about` }, description),
    ...(services.length
      ? [
          element(
            "details",
            {},
            element("summary", {}, fill(texts.services, { count: `${services.length}` })),
            ...services.map((service) => serviceBlock(service, wording)),
          ),
        ]
      : []),
  );
};

/** When the visitor last chose, and the number of the receipt. @param {Parts} parts @param {Wording} wording */
const lastChoice = ({ consent, fill, transport }, { texts, language }) => {
  const times = Object.values(consent.record()?.state.purposes ?? {}).map((entry) => entry.at);
  if (!times.length) return texts.not_chosen;
  const format = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });
  const chosen = fill(texts.chosen, { date: format.format(Math.max(...times)) });
  const receipt = transport.answer();
  return receipt ? `${chosen} ${fill(texts.receipt, { id: receipt.receipt_id })}` : chosen;
};

/**
 * @param {Parts} parts
 * @param {Detail} detail
 * @param {string[]} outdated purposes whose switch is off although they are on
 */
const show = (parts, { texts, purposes }, outdated) => {
  const { consent, decide, element, fill, root, words } = parts;
  if (root.querySelector(".csv-dialog")) return;
  parts.show();
  const wording = { texts, language: words.tag(), element, fill };
  const on = consent.granted();
  const dialog = element("dialog", { class: "csv-dialog", "aria-labelledby": "csv-dialog-title" });

  /** @param {string} id @param {string} style @param {string} label @param {() => void} act */
  const button = (id, style, label, act) =>
    element(
      "button",
      {
        type: "button",
        id: `csv-preferences-${id}`,
        class: style,
        click: ({ isTrusted }) => {
          // A script may refuse for the visitor, never accept.
          if (!isTrusted && (id === "accept-all" || (id === "save" && switched().length))) return;
          dialog.close();
          act();
        },
      },
      label,
    );
  const switched = () =>
    [.../** @type {NodeListOf<HTMLInputElement>} */ (dialog.querySelectorAll("input:checked"))].map((one) => one.value);

  const close = button("close", "csv-close", "×", () => {});
  close.ariaLabel = texts.close;
  // To a page with a header and footer of its own, those of a dialog would be second landmarks.
  dialog.append(
    element("header", { role: "none" }, element("h2", { id: "csv-dialog-title", tabindex: "-1", autofocus: true }, texts.dialog_title), close),
    element(
      "div",
      { class: "csv-scroll", tabindex: "0", role: "group", "aria-labelledby": "csv-dialog-title" },
      element("p", {}, texts.dialog_intro),
      ...(consent.signalled ? [element("p", {}, texts.signal)] : []),
      ...purposes.map((purpose) =>
        purposeBlock(purpose, wording, on.includes(purpose.key) && !outdated.includes(purpose.key)),
      ),
      element("p", { class: "csv-state" }, lastChoice(parts, wording)),
      element("a", { class: "csv-link", href: words.policyUrl(), target: "_blank", rel: "noopener" }, texts.policy),
      ...(on.length && consent.record()
        ? [button("withdraw-all", "csv-link", texts.withdraw, () => decide("preferences", [], undefined, "withdraw"))]
        : []),
    ),
    element(
      "footer",
      { role: "none" },
      button("accept-all", parts.DECIDE, texts.accept, () => decide("preferences", consent.purposes)),
      button("reject-all", parts.DECIDE, texts.reject, () => decide("preferences", [])),
      button("save", "csv-save", texts.save, () => decide("preferences", switched())),
    ),
  );
  // Closing by any way but a button decides nothing; the browser gives the focus back to where it was.
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
};

/** @param {Parts} parts @returns {Preferences} */
export default (parts) => {
  const { config, consent } = parts;
  const detail = createDetails(parts);
  parts.addStyles(styles);
  return {
    open: async () => {
      // Under opt-in a switch never repeats an answer that no longer covers what is asked.
      const review = config.region === "opt_in" && consent.record() && !consent.settled();
      const outdated = review ? await (await parts.load("second")).outdated() : [];
      show(parts, await detail(), outdated);
    },
  };
};

/** @typedef {{open: () => Promise<void>}} Preferences */
