/**
 * The second module: everything that most page views never need, and all that needs the policy's history. Loaded with
 * import(), so it inherits the nonce of the first.
 *
 * @import { BannerConfig, Detail } from "./types.js"
 * @import { Cards } from "./banner.js"
 * @import { Consent, Derive } from "./consent.js"
 * @import { Storage } from "./storage.js"
 * @import { Transport } from "./transport.js"
 * @import { Words } from "./language.js"
 */
import { showDelta, showReload } from "./delta.js";
import { addStyles } from "./dom.js";
import { erase } from "./erase.js";
import { identify } from "./identify.js";
import { carry, weigh } from "./judge.js";
import { showPreferences } from "./preferences.js";
import { deriveState, order } from "./state.js";
import styles from "../styles/second.css";

/**
 * @typedef {object} Parts What the first module hands over.
 * @property {BannerConfig} config
 * @property {Consent} consent
 * @property {Storage} storage
 * @property {Transport} transport
 * @property {Cards} cards
 * @property {Words} words
 * @property {HTMLElement} root
 * @property {() => void} apply
 * @property {() => void} firstLayer
 * @property {() => boolean} stale
 */

/** @param {Parts} parts */
export const create = (parts) => {
  const { config, consent, cards, words } = parts;
  /** @type {Record<string, Promise<Detail>>} */
  const details = {};
  addStyles(styles);

  /** @param {string} language @param {RequestCache} [cache] @returns {Promise<Detail>} */
  const load = async (language, cache) => {
    const address = `${config.api}/v1/sites/${config.site}/banner?lang=${language}`;
    const answer = await fetch(address, { credentials: "omit", cache });
    /** @type {Detail} */
    const found = await answer.json();
    // The two responses may be of different age. Choices are judged by the history up to the version of the first;
    // a history that ends before it would carry a consent over that has to be asked again.
    const versions = found.versions.filter(({ number }) => order(number) <= order(config.version));
    if (versions.some(({ number }) => number === config.version)) return { ...found, versions };
    if (cache) throw new Error("the server does not know this banner's version");
    return load(language, "reload");
  };

  /** Texts, services and history in the visitor's language; public, and the same for everybody. */
  const detail = () => {
    const language = words.language();
    details[language] ??= load(language).catch((error) => {
      delete details[language];
      throw error;
    });
    return details[language];
  };

  /** @type {(...decision: Parameters<Consent["decide"]>) => Promise<void>} */
  const decide = async (layer, on, asked, action) => {
    const { versions } = await detail();
    /** @type {Derive} */
    const rule = (previous, decision) => {
      const state = deriveState(previous ?? null, decision, versions);
      const { delta, on } = weigh(state, versions, config.region);
      return { state, on, settled: !delta };
    };
    consent.decide(layer, on, asked, action, rule);
  };

  const openPreferences = async () => showPreferences(parts, await detail(), decide);

  /** @type {SecondLayer} */
  const layer = {
    decide,
    openPreferences,

    /** Judges choices that are older than the current version, and asks what is left to ask. */
    review: async () => {
      const found = await detail();
      const state = consent.record()?.state;
      if (!state) return;
      const before = consent.granted();
      const { delta, on } = weigh(state, found.versions, config.region);
      consent.judge({ on, settled: !delta, state: delta ? state : carry(state, on, config, found.versions) });
      if (`${before}` !== `${on}`) parts.apply();
      if (!delta) cards.hide();
      else if (!delta.changes.length && delta.ask.length === consent.purposes.length) parts.firstLayer();
      else showDelta(parts, found, delta, layer);
    },

    /** Erases what purposes that are off have stored. @param {boolean} [done] no script of theirs can run any more */
    erase: async (done) => {
      const { purposes } = await detail();
      erase(purposes.filter(({ key }) => !consent.isOn(key)));
      const record = consent.record();
      if (done && record && !parts.stale()) consent.write({ ...record, dirty: false });
      if (parts.stale() && !cards.shown()) showReload(parts, await detail());
    },

    /** @param {string|null} token */
    identify: (token) => identify(parts, token),
  };
  return layer;
};

/**
 * @typedef {object} SecondLayer
 * @property {(...decision: Parameters<Consent["decide"]>) => Promise<void>} decide
 * @property {() => Promise<void>} openPreferences
 * @property {() => Promise<void>} review
 * @property {(done?: boolean) => Promise<void>} erase
 * @property {(token: string|null) => Promise<boolean>} identify
 */
