/**
 * Module: what the owner of a page sees with `?consent-debug` in the address: what is held and why, what was released,
 * what was sent to other hosts, which signals went out. It shows nothing that the page's own tools would not show.
 *
 * @import { Parts } from "./parts.js"
 */
import { createDetails } from "./details.js";
import { purposesOf } from "./gate.js";
import styles from "../styles/debug.css";

/** The consent commands in the queues of vendors, as they stand there. */
const signals = () => {
  const page = /** @type {any} */ (window);
  /** @param {string} queue @param {(entry: any) => boolean} wanted */
  const found = (queue, wanted) =>
    [...(page[queue] ?? [])].filter(wanted).map((entry) => `${queue} ${JSON.stringify(entry?.length && typeof entry === "object" ? [...entry] : entry)}`);
  return [
    ...found("dataLayer", (entry) => entry?.[0] === "consent"),
    ...found("_paq", (entry) => /Consent/.test(entry?.[0])),
    ...found("uetq", (entry) => entry !== "consent" && typeof entry === "object"),
  ];
};

/** Addresses of other hosts from which this page has loaded something. */
const elsewhere = (/** @type {string} */ own) =>
  [...new Set(performance.getEntriesByType("resource").map(({ name }) => new URL(name).host))].filter(
    (host) => host && host !== location.host && host !== own,
  );

/** @param {Parts} parts */
export default (parts) => {
  const { config, consent, element, root, storage } = parts;
  const detail = createDetails(parts);
  parts.addStyles(styles);

  /** @param {HTMLElement} node */
  const line = (node) => {
    const what = node.dataset.src ?? node.getAttribute("src") ?? node.textContent?.trim().slice(0, 60);
    return `${node.localName} · ${purposesOf(node).map((one) => `${one} ${consent.isOn(one) ? "✓" : "✗"}`).join(", ")} · ${what}`;
  };

  /** @param {string} title @param {string[]} lines */
  const list = (title, lines) => [
    element("h3", {}, `${title} (${lines.length})`),
    element("ul", {}, ...lines.map((one) => element("li", {}, element("code", {}, one)))),
  ];

  const draw = async () => {
    const { texts } = await detail();
    const marked = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-consent]")]);
    const shut = marked.filter((node) => !purposesOf(node).every((one) => consent.isOn(one)));
    const panel = element(
      "section",
      { class: "csv-debug", "aria-label": texts.debug_title },
      element("h2", {}, texts.debug_title),
      element("p", {}, element("code", {}, JSON.stringify(window.Consent?.get()))),
      ...list(texts.debug_held, shut.map(line)),
      ...list(texts.debug_released, marked.filter((node) => !shut.includes(node)).map(line)),
      ...list(texts.debug_elsewhere, elsewhere(new URL(config.api).host)),
      ...list(texts.debug_signals, signals()),
      ...list(texts.debug_unsent, (storage.read("_queue") ?? []).map((/** @type {any} */ one) => `${one.action} ${one.decided_at}`)),
    );
    root.querySelector(".csv-debug")?.remove();
    root.append(panel);
  };
  return {
    show: async () => {
      document.addEventListener("consent:change", () => void draw());
      addEventListener("load", () => void draw());
      await draw();
    },
  };
};
