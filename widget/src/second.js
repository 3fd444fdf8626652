/**
 * The second module: everything that most page views never need. Loaded with import(), so it inherits the nonce of
 * the first.
 *
 * @import { BannerConfig, Delta, Detail } from "./types.js"
 * @import { Cards } from "./banner.js"
 * @import { Consent } from "./consent.js"
 * @import { Storage } from "./storage.js"
 * @import { Transport } from "./transport.js"
 * @import { Words } from "./language.js"
 */
import { showDelta, showReload } from "./delta.js";
import { addStyles } from "./dom.js";
import { identify } from "./identify.js";
import { showPreferences } from "./preferences.js";
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
 */

/** @param {Parts} parts */
export const create = (parts) => {
  const { config, words } = parts;
  /** @type {Record<string, Promise<Detail>>} */
  const details = {};
  addStyles(styles);

  /** @param {string} language @returns {Promise<Detail>} */
  const load = async (language) => {
    const address = `${config.api}/v1/sites/${config.site}/banner?lang=${language}`;
    const answer = await fetch(address, { credentials: "omit" });
    if (!answer.ok) throw new Error(`banner ${answer.status}`);
    return answer.json();
  };

  /** Texts, services and summaries in the visitor's language; public, and the same for everybody. */
  const detail = () => {
    const language = words.language();
    details[language] ??= load(language).catch((error) => {
      delete details[language];
      throw error;
    });
    return details[language];
  };

  const openPreferences = async () => showPreferences(parts, await detail());

  return {
    openPreferences,
    /** @param {Delta} delta */
    ask: async (delta) => showDelta(parts, await detail(), delta, openPreferences),
    suggestReload: async () => showReload(parts, await detail()),
    /** @param {string|null} token */
    identify: (token) => identify(parts, token),
  };
};

/** @typedef {ReturnType<typeof create>} SecondLayer */
