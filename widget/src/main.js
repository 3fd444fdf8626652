/**
 * Wires the parts together. Whatever goes wrong here leaves the gates shut and the page as it was.
 *
 * @import { BannerConfig } from "./types.js"
 * @import { Consent } from "./consent.js"
 * @import { Load, Modules, Parts } from "./parts.js"
 */
import { createApi, emit, snapshot } from "./api.js";
import { createCards, DECIDE, showFirstLayer } from "./banner.js";
import { createConsent } from "./consent.js";
import { addStyles, element, fill } from "./dom.js";
import { createGate } from "./gate.js";
import { createGoogle } from "./google.js";
import { createWords, OPEN } from "./language.js";
import { look } from "./look.js";
import { createReopen } from "./reopen.js";
import { createStorage } from "./storage.js";
import { createTransport } from "./transport.js";
import styles from "../styles/first.css";

/** @param {BannerConfig} config */
const start = (config) => {
  const { api, modules } = config;
  const storage = createStorage(config.site, config.days);
  const transport = createTransport(config, storage);
  const words = createWords(config);
  const root = element("div", { id: "csv-consent", tabindex: "-1" });
  const reopen = createReopen(config.corner, () => open());
  const cards = createCards(root, () => (reopen.isConnected ? reopen : root).focus({ preventScroll: true }));

  const changes = () => emit("change", { ...snapshot(consent), reload: gate.stale() });
  /** Opens what is on, covers what is off, and tells the page. */
  const apply = () => tell(true).then(changes);
  const changed = () => {
    apply();
    root.lang = "";
    show();
    if (consent.record()?.dirty) later("second", (layer) => layer.erase());
  };
  const consent = createConsent(config, storage, transport, words.tag, changed);

  /** Older choices are carried over by the rule before a part of them is changed. @type {Consent["decide"]} */
  const decide = (...decision) => {
    if (!consent.record() || consent.settled()) consent.decide(...decision);
    else load("second").then((layer) => layer.decide(...decision)).catch(() => consent.decide(...decision));
  };
  const cover = () => later("frames", (frames) => frames.cover());
  /** What the gate knows of: a click decides at once, and opens nothing before it is painted. @type {string[]} */
  let on = [];
  const gate = createGate((purpose) => consent.isOn(purpose, on), cover);
  const google = createGoogle(config.google, (purpose) => consent.isOn(purpose));
  /** Vendors hear what is on before anything of theirs is opened. @param {boolean} update something was chosen */
  const tell = (update) => {
    if (update) google();
    return Promise.all(config.adapters.map(([vendor, granting]) => later(vendor, (adapter) => adapter.tell(granting)))).then(() => {
      on = consent.granted();
      gate.scan();
    });
  };

  /** @type {Record<string, Promise<any>>} */
  const loaded = {};
  /** @type {Load} */
  const load = (name) =>
    (loaded[name] ??= import(`${api}/w/${name}-${modules}.js`).then((module) => module.default(parts))).catch((error) => {
      delete loaded[name];
      throw error;
    });
  /**
   * What may just as well happen on the next page.
   *
   * @template {keyof Modules} K
   * @param {K} name
   * @param {(module: Modules[K]) => Promise<unknown>} task
   */
  const later = (name, task) => load(name).then(task).catch(() => {});

  const firstLayer = () => showFirstLayer(cards, words, consent, open);

  /** Opens the preferences; without the second module the first layer serves. @returns {Promise<void>} */
  const open = () => load("preferences").then((layer) => layer.open()).catch(firstLayer);

  // Search engines would index the question as the page's text, and cannot answer it.
  const hidden = /bot|crawl|spider/i.test(navigator.userAgent);
  /**
   * Shows what must be asked, takes away what need not be any more. Until what was shown is out of date, by a choice or
   * by the page's language, it only brings back what the page has lost.
   */
  const show = () => {
    // Before the body, not in it: what pages do to their body (move, hide, replace it) leaves the banner alone.
    if (!root.isConnected) document.body?.before(root);
    if (root.lang === words.tag()) return;
    root.lang = words.tag();
    root.dir = words.direction();
    reopen.textContent = words.list()[OPEN];
    if (gate.covers.size) cover();
    if (!consent.record()) hidden || firstLayer();
    else if (consent.settled()) cards.hide();
    else later("second", (layer) => layer.review());
  };

  /** @type {Parts} */
  const parts = {
    config, consent, storage, transport, cards, words, root, apply, show, firstLayer, open, load, decide, addStyles, element, fill,
    DECIDE, covers: gate.covers, stale: gate.stale,
  };

  /** @type {(call: (layer: Modules["second"]) => Promise<boolean>) => Promise<boolean>} */
  const certainly = (call) => load("second").then(call).catch(() => false);
  window.Consent = createApi(
    consent,
    transport,
    decide,
    open,
    (token) => certainly((layer) => layer.identify(token)),
    (purposes) => certainly((layer) => layer.ask(purposes)),
  );
  addStyles(look() + styles + config.styles);
  if (config.corner) root.append(reopen);

  /** All that needs a visitor who looks at the page. */
  const begin = () => {
    tell(!!consent.granted().length || consent.settled());
    consent.honourSignal();
    if (consent.record()?.dirty) later("second", (layer) => layer.erase(true));

    // With the page's next frame, so that both are laid out at once. A tab that nobody looks at has none, and needs no banner.
    requestAnimationFrame(show);
    new MutationObserver(() => {
      gate.scan();
      if (root.lang) show();
    }).observe(document, { childList: true, subtree: true, attributeFilter: ["lang"] });
    if (location.search.includes("consent-debug")) later("debug", (panel) => panel.show());
    setTimeout(() => {
      emit("ready", snapshot(consent));
      transport.flush();
      // Listening for it opens the storage, which costs more than what is stored.
      addEventListener("storage", consent.reread);
    });
  };
  // A page that comes back from the browser's memory has missed what was decided meanwhile.
  addEventListener("pageshow", ({ persisted }) => persisted && consent.reread());
  addEventListener("online", transport.flush);
  if (document.prerendering)
    document.addEventListener("prerenderingchange", () => {
      consent.load();
      begin();
      changes();
    });
  else begin();
};

try {
  // Optimizers and tag managers may run a script twice.
  if (!window.Consent?.get) start(CONSENT_CONFIG);
} catch {
  // An old or hostile environment: no banner, and nothing was released.
}
