/**
 * Wires the parts together. Whatever goes wrong here leaves the gates shut and the page as it was.
 *
 * @import { BannerConfig } from "./types.js"
 * @import { Consent } from "./consent.js"
 * @import { SecondLayer } from "./second.js"
 */
import { createApi, emit, snapshot } from "./api.js";
import { createCards, showFirstLayer } from "./banner.js";
import { createConsent } from "./consent.js";
import { createCover } from "./cover.js";
import { addStyles, element } from "./dom.js";
import { createGate } from "./gate.js";
import { createWords } from "./language.js";
import { createReopen } from "./reopen.js";
import { createStorage } from "./storage.js";
import { createTransport } from "./transport.js";
import styles from "../styles/first.css";

/** @param {BannerConfig} config */
const start = (config) => {
  const { theme } = config;
  const storage = createStorage(config.site, config.days);
  const transport = createTransport(config, storage);
  const words = createWords(config);
  const root = element("div", { id: "csv-consent", tabindex: "-1" });
  const reopen = createReopen(theme, () => open());
  const cards = createCards(root, () => (reopen.isConnected ? reopen : root).focus({ preventScroll: true }));

  /** Opens what is on, covers what is off, and tells the page. */
  const apply = () => {
    gate.scan();
    emit("change", { ...snapshot(consent), reload: gate.stale() });
  };
  const changed = () => {
    apply();
    review();
    if (consent.record()?.dirty) later((layer) => layer.erase());
  };
  const consent = createConsent(config, storage, transport, words.language, changed);

  /** Older choices are carried over by the rule before a part of them is changed. @type {Consent["decide"]} */
  const decide = (...decision) => {
    if (!consent.record() || consent.settled()) consent.decide(...decision);
    else second().then((layer) => layer.decide(...decision)).catch(() => consent.decide(...decision));
  };
  const gate = createGate(consent.isOn, createCover(consent.granted, decide, words));

  /** @type {Promise<SecondLayer>|undefined} */
  let loading;
  /** The second module, loaded when first needed; a failure may be tried again. */
  const second = () =>
    (loading ??= import(config.api + config.preferences).then((module) =>
      module.create({ config, consent, storage, transport, cards, words, root, apply, firstLayer, stale: gate.stale }),
    )).catch((error) => {
      loading = undefined;
      throw error;
    });
  /** What may just as well happen on the next page. @param {(layer: SecondLayer) => Promise<unknown>} task */
  const later = (task) => second().then(task).catch(() => {});

  const firstLayer = () => showFirstLayer(cards, words, consent, open);

  /** Opens the preferences; without the second module the first layer serves. @returns {Promise<void>} */
  const open = () => second().then((layer) => layer.openPreferences()).catch(firstLayer);

  /** Shows what must be asked, takes away what need not be any more. */
  const review = () => {
    root.lang = words.language();
    root.dir = words.dir();
    reopen.textContent = words.texts().open;
    if (!consent.record()) firstLayer();
    else if (consent.settled()) cards.hide();
    else later((layer) => layer.review());
  };

  const attach = () => {
    if (document.body && !root.isConnected) document.body.prepend(root);
  };

  window.Consent = createApi(consent, transport, decide, open, (token) =>
    second().then((layer) => layer.identify(token)).catch(() => false),
  );
  const custom = Object.entries(theme).map(([key, value]) => `--consent-${key}:${value}`);
  addStyles(`:root{${custom.join(";")}}${styles}`);
  if (theme.reopen !== "none") root.append(reopen);
  consent.honourSignal();
  gate.scan();
  attach();
  review();
  if (consent.record()?.dirty) later((layer) => layer.erase(true));

  new MutationObserver(() => {
    attach();
    gate.scan();
  }).observe(document, { childList: true, subtree: true });
  new MutationObserver(() => {
    gate.recover();
    review();
  }).observe(document.documentElement, { attributeFilter: ["lang"] });
  addEventListener("storage", ({ key }) => key === storage.name && consent.reread());
  addEventListener("online", transport.flush);
  setTimeout(() => {
    emit("ready", snapshot(consent));
    transport.flush();
  });
};

try {
  // Optimizers and tag managers may run a script twice.
  if (!window.Consent) start(CONSENT_CONFIG);
} catch {
  // An old or hostile environment: no banner, and nothing was released.
}
